// Which files of a model directory vLLM would load, and in which format: Hugging Face, Mistral,
// .bin, GGUF, or only an adapter. Decided from names alone, as vLLM does (model-dir rules of 0.6 to
// 0.26). Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/file_access.h"

namespace rankdx {

/// 0.<minor>.<patch> of vLLM, as far as the choice of files depends on it.
struct LoaderVersion {
  int minor = 26, patch = 0;
  bool assumed = true;  ///< nobody said: the newest known here

  /// "0.11.0", "v0.8.5.post1", "0.12"; nothing for other text.
  static std::optional<LoaderVersion> parse(std::string_view text);
  bool at_least(int minor_) const { return minor >= minor_; }
  /// 0.12.0: consolidated*.safetensors with params.json win over config.json.
  bool mistral_first() const { return at_least(12); }
  /// 0.26.0: shards that the index names but that are absent stop the start.
  bool checks_index() const { return at_least(26); }
  std::string text() const;
};

enum class ConfigFormat : uint8_t { None, HuggingFace, Mistral };
enum class WeightFormatOnDisk : uint8_t {
  None,
  Safetensors,
  Consolidated,
  Bin,
  Pt,
  Gguf,
  AdapterOnly
};
enum class TokenizerFormat : uint8_t { None, HuggingFace, Mistral };

struct ModelLayout {
  ConfigFormat config = ConfigFormat::None;
  WeightFormatOnDisk weights = WeightFormatOnDisk::None;
  TokenizerFormat tokenizer = TokenizerFormat::None;
  std::string config_file;  ///< "config.json", "params.json" or empty
  std::string index_file;   ///< the index of the chosen weights, or empty
  /// All files of the chosen format in the folder, sorted. With an index vLLM loads only those that
  /// it names; the caller knows after reading it.
  std::vector<std::string> weight_files;
  /// Weights of another format beside the chosen ones; they take space and are not read.
  std::vector<std::string> other_weights;
  bool both_formats = false;  ///< a Hugging Face set and a Mistral set side by side
};

/// `entries`: the top folder, sorted by name (FileAccess::list). Links count as what they lead to;
/// dangling ones count as files, as they do for a pattern of names.
ModelLayout choose_layout(const std::vector<FileEntry>& entries, const LoaderVersion& version);

std::string_view to_string(ConfigFormat format);
std::string_view to_string(WeightFormatOnDisk format);
std::string_view to_string(TokenizerFormat format);

/// "model-00003-of-00059.safetensors" as (3, 59); nothing for other names.
struct ShardName {
  std::string prefix;  ///< "model-"
  std::string suffix;  ///< ".safetensors"
  uint32_t number = 0, count = 0;
  size_t digits = 0;
};
std::optional<ShardName> shard_name(std::string_view file);

}  // namespace rankdx
