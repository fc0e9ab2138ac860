#include "explain/explain.h"

#include <algorithm>

#include "base/text.h"
#include "catalogue/nccl_subsystems.h"
#include "catalogue/nccl_variables.h"
#include "catalogue/nearest.h"
#include "explain/sources.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

std::optional<Page> known_word(std::string_view word, const RulePack& rules) {
  if (auto page = finding_page(word, rules)) return page;
  const size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  std::optional<std::string_view> value;
  if (equals != word.npos) value = word.substr(equals + 1);
  if (auto page = nccl_variable_page(name, value, rules)) return page;
  if (auto page = vllm_variable_page(name, rules)) return page;
  if (auto page = subsystem_page(word)) return page;
  return vllm_flag_page(name, rules);
}

Error unknown_word(std::string_view word, const RulePack& rules) {
  const std::vector<std::string_view> words = explained_words(rules);
  std::string hint;
  for (std::string_view near : nearest(word.substr(0, word.find('=')), words)) {
    hint += (hint.empty() ? "did you mean " : " or ") + std::string(near);
  }
  hint += hint.empty()
              ? "rankdx explain --list findings, variables or subsystems shows what there is"
              : "?";
  return {ErrorCode::Usage,
          "no finding, variable, flag or subsystem is called \"" + safe_text(word.substr(0, 200)) +
              "\"",
          "", std::move(hint)};
}

std::vector<std::vector<Field>> finding_rows(const RulePack& rules) {
  std::vector<std::vector<Field>> rows;
  for (std::string_view id : finding_ids(rules)) {
    const Rule* r = rules.definition(id);
    if (r == nullptr) continue;
    rows.push_back(
        {{"finding", std::string(id)}, {"title", readable(r->title)}, {"role", role_in_words(*r)}});
  }
  return rows;
}

}  // namespace

std::vector<std::string_view> explained_words(const RulePack& rules) {
  std::vector<std::string_view> words = finding_ids(rules);
  for (const NcclVariable& v : nccl_variables()) words.push_back(v.name);
  for (const NcclSubsystem& s : nccl_subsystems()) words.push_back(s.name);
  for (std::string_view name : vllm_variable_names()) words.push_back(name);
  for (std::string_view flag : vllm_flag_names()) words.push_back(flag);
  return words;
}

Result<Page> explain(std::string_view what, const RulePack& rules) {
  const std::string_view word = trim(what);
  if (word.empty())
    return fail(ErrorCode::Usage, "nothing to explain", "",
                "name a finding, a variable, a subsystem, or paste a log line");
  if (auto page = known_word(word, rules)) return std::move(*page);
  if (word.find_first_of(" \t\n") == word.npos) return tl::unexpected(unknown_word(word, rules));
  return explain_log(what, rules);
}

std::optional<Page> explain_list(std::string_view kind, const RulePack& rules) {
  Page page{"list", std::string(kind), ""};
  std::vector<std::vector<Field>> rows;
  if (kind == "findings") {
    rows = finding_rows(rules);
  } else if (kind == "variables") {
    for (const NcclVariable& v : nccl_variables()) {
      rows.push_back({{"variable", std::string(v.name)},
                      {"default", std::string(v.default_value)},
                      {"summary", std::string(v.summary)},
                      {"danger", std::string(v.danger)}});
    }
  } else if (kind == "subsystems") {
    for (const NcclSubsystem& s : nccl_subsystems()) {
      rows.push_back({{"subsystem", std::string(s.name)},
                      {"since", std::string(s.since)},
                      {"lines", std::string(s.lines)}});
    }
  } else {
    return std::nullopt;
  }
  page.title = std::to_string(rows.size());
  page.records("list", "", std::move(rows));
  return page;
}

}  // namespace rankdx
