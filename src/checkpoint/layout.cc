#include "checkpoint/layout.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rankdx {
namespace {

/// What a training run leaves beside the weights; vLLM skips these names (weight_utils.py,
/// filter_files_not_needed).
constexpr std::array<std::string_view, 5> kTrainingLeftovers = {
    "optimizer.bin", "optimizer.pt", "scaler.pt", "scheduler.pt", "training_args.bin"};

bool is_leftover(std::string_view name) {
  return std::find(kTrainingLeftovers.begin(), kTrainingLeftovers.end(), name) !=
         kTrainingLeftovers.end();
}

bool is_file(const FileEntry& e) {
  return e.kind == FileKind::File || e.kind == FileKind::Dangling;
}

struct Sets {
  std::vector<std::string> safetensors, consolidated, adapters, bin, pt, gguf;
};

Sets sets_of(const std::vector<FileEntry>& entries) {
  Sets sets;
  for (const FileEntry& e : entries) {
    if (!is_file(e) || is_leftover(e.name)) continue;
    const std::string_view name = e.name;
    if (name.ends_with(".safetensors")) {
      auto& set = name.starts_with("consolidated")    ? sets.consolidated
                  : name.starts_with("adapter_model") ? sets.adapters
                                                      : sets.safetensors;
      set.push_back(e.name);
    } else if (name.ends_with(".bin") && !name.starts_with("adapter_model")) {
      sets.bin.push_back(e.name);
    } else if (name.ends_with(".pt")) {
      sets.pt.push_back(e.name);
    } else if (name.ends_with(".gguf")) {
      sets.gguf.push_back(e.name);
    }
  }
  return sets;
}

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
  to.insert(to.end(), from.begin(), from.end());
  std::sort(to.begin(), to.end());
}

bool has_tekken_or_versioned_model(const std::vector<FileEntry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const FileEntry& e) {
    return is_file(e) && (e.name == "tekken.json" || e.name.starts_with("tokenizer.model.v"));
  });
}

bool has_hf_tokenizer(const std::vector<FileEntry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const FileEntry& e) {
    return is_file(e) &&
           (e.name == "tokenizer.json" || e.name == "tokenizer.model" || e.name == "vocab.json" ||
            e.name == "vocab.txt" || e.name == "tokenizer_config.json" ||
            e.name == "tiktoken.model" || e.name.ends_with(".tiktoken"));
  });
}

/// The first of these names that is there.
std::string first_of(const std::vector<FileEntry>& entries,
                     std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (const FileEntry* e = find_entry(entries, name); e != nullptr && is_file(*e)) return e->name;
  return {};
}

void choose_hf_weights(const std::vector<FileEntry>& entries, Sets& sets, ModelLayout& layout) {
  if (!sets.safetensors.empty()) {
    layout.weights = WeightFormatOnDisk::Safetensors;
    layout.index_file = first_of(entries, {"model.safetensors.index.json"});
    layout.weight_files = sets.safetensors;
    // The pattern *.safetensors catches these too; the index, where there is one, keeps them out.
    if (layout.index_file.empty()) {
      append(layout.weight_files, sets.consolidated);
      append(layout.weight_files, sets.adapters);
    } else {
      append(layout.other_weights, sets.consolidated);
      append(layout.other_weights, sets.adapters);
    }
    append(layout.other_weights, sets.bin);
  } else if (!sets.consolidated.empty()) {
    layout.weights = WeightFormatOnDisk::Safetensors;
    layout.index_file = first_of(entries, {"model.safetensors.index.json"});
    layout.weight_files = sets.consolidated;
    append(layout.other_weights, sets.bin);
  } else if (!sets.bin.empty()) {
    layout.weights = WeightFormatOnDisk::Bin;
    layout.index_file = first_of(entries, {"pytorch_model.bin.index.json"});
    layout.weight_files = sets.bin;
  } else if (!sets.pt.empty()) {
    layout.weights = WeightFormatOnDisk::Pt;
    layout.weight_files = sets.pt;
  } else if (!sets.gguf.empty()) {
    layout.weights = WeightFormatOnDisk::Gguf;
    layout.weight_files = sets.gguf;
  } else if (!sets.adapters.empty() || !first_of(entries, {"adapter_config.json"}).empty()) {
    layout.weights = WeightFormatOnDisk::AdapterOnly;
    layout.weight_files = sets.adapters;
  } else {
    // Nothing but an index: its shards are missing, which the caller reports by name.
    layout.index_file = first_of(entries, {"model.safetensors.index.json"});
    if (!layout.index_file.empty()) layout.weights = WeightFormatOnDisk::Safetensors;
  }
}

}  // namespace

std::optional<LoaderVersion> LoaderVersion::parse(std::string_view text) {
  text = trim(text);
  if (text.starts_with('v')) text.remove_prefix(1);
  if (text.starts_with("main")) return LoaderVersion{26, 0, false};
  const auto parts = split(text, '.');
  if (parts.size() < 2) return std::nullopt;
  const auto digits = [](std::string_view part) {
    size_t n = 0;
    while (n < part.size() && is_digit(part[n])) ++n;
    return parse_int<int>(part.substr(0, n));
  };
  const auto major = parse_int<int>(parts[0]), minor = digits(parts[1]);
  if (!major || !minor || *major < 0 || *major > 1) return std::nullopt;
  LoaderVersion version{*major == 1 ? *minor + 1000 : *minor, 0, false};
  if (parts.size() > 2) version.patch = digits(parts[2]).value_or(0);
  return version;
}

std::string LoaderVersion::text() const {
  return minor >= 1000 ? "1." + std::to_string(minor - 1000) + "." + std::to_string(patch)
                       : "0." + std::to_string(minor) + "." + std::to_string(patch);
}

ModelLayout choose_layout(const std::vector<FileEntry>& entries, const LoaderVersion& version) {
  ModelLayout layout;
  Sets sets = sets_of(entries);
  const bool params = !first_of(entries, {"params.json"}).empty();
  const bool config = !first_of(entries, {"config.json"}).empty();
  const bool mistral_set = params && !sets.consolidated.empty();
  layout.both_formats = mistral_set && config && !sets.safetensors.empty();
  if (version.mistral_first() ? mistral_set : !config && params) {
    layout.config = ConfigFormat::Mistral;
  } else if (config) {
    layout.config = ConfigFormat::HuggingFace;
  }
  layout.config_file = layout.config == ConfigFormat::Mistral       ? "params.json"
                       : layout.config == ConfigFormat::HuggingFace ? "config.json"
                                                                    : "";
  // Before 0.12 the consolidated set is loaded only with --load-format mistral; where it is all
  // there is, that is meant.
  const bool consolidated = version.mistral_first() ? !sets.consolidated.empty()
                                                    : layout.config == ConfigFormat::Mistral &&
                                                          !sets.consolidated.empty();
  if (consolidated) {
    layout.weights = WeightFormatOnDisk::Consolidated;
    layout.index_file = first_of(entries, {"consolidated.safetensors.index.json"});
    layout.weight_files = sets.consolidated;
    append(layout.other_weights, sets.safetensors);
    append(layout.other_weights, sets.bin);
  } else {
    choose_hf_weights(entries, sets, layout);
  }
  if (has_tekken_or_versioned_model(entries) && (consolidated || !has_hf_tokenizer(entries))) {
    layout.tokenizer = TokenizerFormat::Mistral;
  } else if (has_hf_tokenizer(entries)) {
    layout.tokenizer = TokenizerFormat::HuggingFace;
  }
  return layout;
}

std::string_view to_string(ConfigFormat format) {
  static constexpr std::string_view kNames[] = {"none", "Hugging Face", "Mistral"};
  return kNames[static_cast<size_t>(format)];
}

std::string_view to_string(WeightFormatOnDisk format) {
  static constexpr std::string_view kNames[] = {
      "none", "safetensors", "Mistral consolidated safetensors", "PyTorch .bin", "PyTorch .pt",
      "GGUF", "adapter only"};
  return kNames[static_cast<size_t>(format)];
}

std::string_view to_string(TokenizerFormat format) {
  static constexpr std::string_view kNames[] = {"none", "Hugging Face", "Mistral"};
  return kNames[static_cast<size_t>(format)];
}

std::optional<ShardName> shard_name(std::string_view file) {
  const size_t of = file.rfind("-of-");
  if (of == std::string_view::npos) return std::nullopt;
  size_t first = of, last = of + 4;
  while (first > 0 && is_digit(file[first - 1])) --first;
  while (last < file.size() && is_digit(file[last])) ++last;
  const auto number = parse_int<uint32_t>(file.substr(first, of - first));
  const auto count = parse_int<uint32_t>(file.substr(of + 4, last - of - 4));
  if (!number || !count || last == file.size() || file[last] != '.') return std::nullopt;
  return ShardName{std::string(file.substr(0, first)), std::string(file.substr(last)), *number,
                   *count, of - first};
}

}  // namespace rankdx
