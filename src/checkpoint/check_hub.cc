// Files against what the hub recorded: the list of the repository, sizes, hashes, unfinished
// downloads.
#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether the start would lack a file of the repository that is not here. A program that fetches
/// what it needs leaves out other forms of weights and tokenizer, and what nothing reads.
bool is_needed(const ModelCheck& check, std::string_view name) {
  if (name.find('/') != std::string_view::npos) return false;
  const bool consolidated = check.layout.weights == WeightFormatOnDisk::Consolidated;
  if (name.ends_with(".safetensors")) {
    if (consolidated) return name.starts_with("consolidated");
    // Without any weights either set would do; the one that is not consolidated is the common one.
    return !name.starts_with("consolidated") && !name.starts_with("adapter_model");
  }
  if (name.ends_with(".safetensors.index.json"))
    return name.starts_with("consolidated") == consolidated;
  if (is_one_of(name, {"tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "vocab.txt",
                       "tekken.json"}) ||
      name.ends_with(".tiktoken") || name == "tiktoken.model")
    return check.problems.has("tokenizer-files-missing");
  if (is_one_of(name, {"chat_template.jinja", "chat_template.json"}))
    return check.problems.has("chat-template-missing");
  if (name == "params.json") return check.layout.config == ConfigFormat::Mistral;
  return is_one_of(name, {"config.json", "tokenizer_config.json", "preprocessor_config.json",
                          "processor_config.json", "video_preprocessor_config.json",
                          "hf_quant_config.json", "quantize_config.json", "quant_config.json"});
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

/// Whether a file that the hub does not have is one that this model lacks. Libraries ask for every
/// form in turn, so that notes about the others are usual.
bool lacks(const ModelCheck& check, const std::string& name) {
  if (name == "config.json") return check.problems.has("model-config-missing");
  if (name == "tokenizer.json") return check.problems.has("tokenizer-files-missing");
  if (!name.ends_with(".safetensors") || !is_needed(check, name)) return false;
  return check.index ? check.index_files.contains(name)
                     : check.problems.has("model-weights-missing");
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
    if (find_entry(check.entries, name) == nullptr && lacks(check, name))
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
