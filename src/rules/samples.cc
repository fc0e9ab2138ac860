#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "job/fold.h"
#include "rules/match.h"

namespace rankdx {
namespace {

bool hits(RuleMatcher& matcher, const std::string& sample, const Rule& wanted) {
  SourceFold fold("sample", matcher.gate());
  for (std::string_view line : split(sample, '\n')) fold.line(line);
  const SourceFacts facts = fold.finish(sample.size(), 0, false, "");
  std::vector<RuleHit> found;
  for (const Notable& n : facts.notables) matcher.match(facts, n, "", found);
  return std::any_of(found.begin(), found.end(),
                     [&](const RuleHit& h) { return h.rule == &wanted; });
}

Error disagrees(const Rule& rule, const char* what, const std::string& sample) {
  const std::string variant = rule.variant.empty() ? "" : " (" + rule.variant + ")";
  return {ErrorCode::Corrupt, fmt::format("rule '{}'{}: {}: {}", rule.id, variant, what, sample),
          rule.file, "change the sample, the literal or the expression"};
}

Result<std::string> read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in || in.bad())
    return fail(ErrorCode::Unreadable, "cannot read this rule file", path.string());
  return text.str();
}

}  // namespace

std::vector<Error> RulePack::check_samples() const {
  std::vector<Error> wrong;
  RuleMatcher matcher(*this);
  for (const Rule& rule : rules_) {
    if (rule.literals.empty()) continue;
    for (const std::string& sample : rule.bad) {
      if (!hits(matcher, sample, rule))
        wrong.push_back(disagrees(rule, "this bad sample does not hit", sample));
    }
    for (const std::string& sample : rule.good) {
      if (hits(matcher, sample, rule))
        wrong.push_back(disagrees(rule, "this good sample hits", sample));
    }
  }
  return wrong;
}

Result<RulePack> RulePack::load(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> files;
  if (fs::is_directory(path, error)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
      if (entry.path().extension() == ".toml") files.push_back(entry.path());
    }
    if (files.empty())
      return fail(ErrorCode::Unreadable, "no rule files (*.toml) in this directory", path);
  } else {
    files.emplace_back(path);
  }
  std::sort(files.begin(), files.end());
  RulePack pack;
  for (const fs::path& file : files) {
    const std::string text = RANKDX_TRY(read_text(file));
    RulePack part = RANKDX_TRY(parse_toml(text, file.string()));
    std::move(part.rules_.begin(), part.rules_.end(), std::back_inserter(pack.rules_));
  }
  std::vector<Error> wrong = pack.check_samples();
  if (!wrong.empty()) return tl::unexpected(std::move(wrong.front()));
  return pack;
}

}  // namespace rankdx
