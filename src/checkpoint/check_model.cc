#include "checkpoint/check_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/check_parts.h"

namespace rankdx {

const JsonValue* ModelCheck::root(std::string_view name) const {
  const auto it = json.find(name);
  return it == json.end() ? nullptr : &it->second.root;
}

void ModelCheck::check(std::string id, CheckStatus status, std::string value, std::string why) {
  checks.push_back({std::move(id), status, std::move(value), std::move(why), {}});
}

void ModelCheck::check_by(std::string id, std::initializer_list<std::string_view> problem_ids,
                          std::string value) {
  const auto worst = problems.worst(problem_ids);
  const bool counts = worst && worst->first != Severity::Info;
  check(std::move(id),
        !counts                           ? CheckStatus::Ok
        : worst->first == Severity::Error ? CheckStatus::Failed
                                          : CheckStatus::Warning,
        std::move(value), counts ? std::string(worst->second) : "");
}

Problems::Names ModelCheck::names(Problems::Names more) const {
  more.emplace_back("directory", directory);
  more.emplace_back("repo", repo.empty() ? "ORG/NAME" : repo);
  more.emplace_back("version", options.version.text());
  return more;
}

void ModelCheck::add(std::string_view id, std::string file, std::string detail,
                     Problems::Names more, uint64_t line, uint32_t column) {
  problems.add(id, std::move(file), std::move(detail), names(std::move(more)), line, column);
}

std::string digits_grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

std::string size_words(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit < 5; ++unit) value /= 1024;
  return fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, kUnits[unit]);
}

namespace {

std::string summary_of(const CheckReport& report, const ModelCheck& check) {
  const std::string what = check.repo.empty() ? check.directory : check.repo;
  const auto errors = std::count_if(report.findings.begin(), report.findings.end(),
                                    [](const Finding& f) { return f.severity == Severity::Error; });
  switch (report.verdict) {
    case CheckStatus::Failed: {
      std::string text = report.findings.empty() ? "failed" : report.findings.front().title;
      if (errors > 1) text += fmt::format(" (and {} more errors)", errors - 1);
      return what + ": " + text;
    }
    case CheckStatus::Warning:
      return what + ": usable, with warnings: " +
             (report.findings.empty() ? "" : report.findings.front().title);
    case CheckStatus::Ok:
      return fmt::format("{} is complete for vLLM {}{}", what, check.options.version.text(),
                         check.options.hashes == Hashes::Skip
                             ? "; contents were not hashed (--deep does that)"
                             : "");
    case CheckStatus::Unknown:
      break;
  }
  return what + ": undetermined";
}

CheckReport report_of(ModelCheck& check) {
  CheckReport report;
  report.findings = check.problems.findings();
  report.checks = std::move(check.checks);
  report.verdict = verdict_of(report);
  report.summary = summary_of(report, check);
  return report;
}

/// Fills directory, repo and snapshot. False where there is nothing to look into; a finding says
/// why.
bool locate(ModelCheck& check) {
  const ModelCheckOptions& o = check.options;
  const auto entry = check.files.stat(o.model);
  if (entry && entry->kind == FileKind::Directory) {
    check.directory = o.model;
    check.snapshot = snapshot_of_path(o.model);
    return true;
  }
  if (entry && entry->kind == FileKind::File && o.model.ends_with(".gguf")) {
    const size_t slash = o.model.find_last_of('/');
    check.directory = slash == std::string::npos ? "." : o.model.substr(0, slash);
    return true;
  }
  if (entry || !is_repo_id(o.model)) {
    check.add("model-path-missing", o.model,
              entry ? "is there, but is neither a directory nor a .gguf file" : entry.error().text);
    check.check("path", CheckStatus::Failed, o.model, "no such directory");
    return false;
  }
  check.repo = o.model;
  const std::string cache = hub_cache_directory(o.environment);
  const HubSnapshot found = find_snapshot(check.files, cache, o.model, o.revision);
  if (found.state == HubSnapshot::State::Found) {
    check.snapshot = found;
    check.directory = found.directory;
    check.check("hub-cache", CheckStatus::Ok, o.model + " at " + found.commit.substr(0, 12));
    return true;
  }
  if (found.state == HubSnapshot::State::NoSnapshot) {
    check.add("hub-snapshot-missing", found.repo_directory + "/refs/" + o.revision,
              "names " + found.commit + ", of which there is no snapshot");
  } else {
    check.add("offline-model-not-cached", cache,
              found.state == HubSnapshot::State::NoRef
                  ? "the cache has the repository, but no reference " + o.revision
                  : "the cache has no folder of this repository",
              {{"cache", cache}});
  }
  check.check("hub-cache", CheckStatus::Failed, o.model, "not in " + cache);
  return false;
}

}  // namespace

Result<CheckReport> check_model(const ModelCheckOptions& options) {
  if (options.model.empty())
    return fail(ErrorCode::Usage, "no model is named", "MODEL", "a directory or a repository id");
  static const FileAccess real;
  ModelCheck check{.options = options,
                   .files = options.files != nullptr ? *options.files : real,
                   .directory = {},
                   .repo = {},
                   .entries = {},
                   .layout = {},
                   .snapshot = {},
                   .records = {},
                   .json = {},
                   .fakes = {},
                   .weights = {},
                   .index = {},
                   .problems = {},
                   .checks = {}};
  if (!locate(check)) {
    check_offline(check);
    return report_of(check);
  }
  auto entries = check.files.list(check.directory);
  if (!entries) {
    check.add("model-files-not-readable", check.directory, entries.error().text,
              {{"who", "This process"}});
    check.check("path", CheckStatus::Failed, check.directory, entries.error().text);
    return report_of(check);
  }
  check.entries = std::move(*entries);
  check.layout = choose_layout(check.entries, options.version);
  check.records = hub_records(check.files, check.directory, check.entries, check.snapshot);
  read_model_files(check);
  for (const auto part :
       {check_layout, check_fakes_and_json, check_headers, check_index_and_tensors,
        check_both_formats, check_tokenizer, check_processors, check_custom_code, check_pooling,
        check_quantization, check_roles, check_hub, check_hashes, check_access, check_caches,
        check_offline})
    part(check);
  return report_of(check);
}

}  // namespace rankdx
