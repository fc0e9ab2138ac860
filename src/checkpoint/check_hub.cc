// Files against what the hub recorded: the list of the repository, sizes, hashes, unfinished
// downloads.
#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

/// Whether vLLM would read a file of this name in this layout; folders of other formats (onnx,
/// original) never.
bool is_needed(const ModelCheck& check, std::string_view name) {
  static constexpr std::string_view kEndings[] = {".json", ".jinja", ".model",
                                                  ".txt",  ".py",    ".tiktoken"};
  static constexpr std::string_view kOptional[] = {"generation_config.json",
                                                   "special_tokens_map.json",
                                                   "added_tokens.json",
                                                   "requirements.txt",
                                                   "LICENSE.txt",
                                                   "USE_POLICY.txt",
                                                   "NOTICE.txt"};
  if (name.find('/') != std::string_view::npos) return false;
  if (std::find(std::begin(kOptional), std::end(kOptional), name) != std::end(kOptional))
    return false;
  if (name.ends_with(".safetensors")) {
    const bool consolidated = name.starts_with("consolidated");
    if (check.layout.weights == WeightFormatOnDisk::Consolidated) return consolidated;
    // Without any weights either set would do; the one that is not consolidated is the common one.
    return !consolidated && !name.starts_with("adapter_model");
  }
  return std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

void check_completeness(ModelCheck& check) {
  size_t optional = 0;
  for (const auto& [name, expected] : check.records.files) {
    if (find_entry(check.entries, name) != nullptr || name.find('/') != std::string::npos) continue;
    if (is_needed(check, name)) {
      check.add("hub-snapshot-partial", name,
                expected.bytes ? "is missing; " + size_words(*expected.bytes) : "is missing");
    } else {
      ++optional;
    }
  }
  check.check_by(
      "repository-list", {"hub-snapshot-partial"},
      fmt::format("{} files in the repository{}", check.records.files.size(),
                  optional > 0 ? fmt::format(", {} not needed and not here", optional) : ""));
}

void check_sizes(ModelCheck& check) {
  size_t compared = 0;
  for (const auto& [name, expected] : check.records.files) {
    const FileEntry* e = find_file(check.entries, name);
    if (expected.stale) {
      check.add("hub-metadata-stale", name, "was changed after the time in its .metadata file");
      continue;
    }
    if (e == nullptr || !expected.bytes) continue;
    ++compared;
    if (e->bytes != *expected.bytes && !check.fakes.contains(name))
      check.add("model-file-size-mismatch", name,
                fmt::format("{} bytes, where {} says {}", digits_grouped(e->bytes), expected.source,
                            digits_grouped(*expected.bytes)));
  }
  if (compared > 0)
    check.check_by("recorded-sizes", {"model-file-size-mismatch"},
                   std::to_string(compared) + " files compared");
}

}  // namespace

void check_hub(ModelCheck& check) {
  const HubRecords& records = check.records;
  for (const std::string& name : records.incomplete)
    check.add("hub-download-incomplete", name,
              records.locks.empty()
                  ? "has not finished"
                  : "has not finished; " + std::to_string(records.locks.size()) +
                        " lock file(s) stand beside it (those stay after every download)");
  for (const std::string& name : records.lone_locks)
    check.add("hub-lock-left", name, "is the lock of a download of which nothing else is here");
  for (const std::string& name : records.known_missing)
    if (find_entry(check.entries, name) == nullptr && is_needed(check, name) &&
        (name == "config.json" || name == "tokenizer.json" || name.ends_with(".safetensors")))
      check.add("hub-known-missing", name, "stands in .no_exist of this revision");
  if (records.complete) check_completeness(check);
  check_sizes(check);
  // A repository in the cache with a configuration alone is the usual surprise behind an air gap.
  if (!records.complete && check.snapshot && check.problems.has("model-weights-missing") &&
      check.has("config.json"))
    check.add("hub-snapshot-partial", check.directory,
              "has config.json, but no weights: only the configuration was fetched");
}

}  // namespace rankdx
