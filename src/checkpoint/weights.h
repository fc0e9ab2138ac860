// The weights of a model directory as their headers tell: every file of the layout opened, in
// parallel, the index read, and which tensor stands in which file. Tensor data is never read. Plain
// values afterwards.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "checkpoint/file_access.h"
#include "checkpoint/layout.h"
#include "checkpoint/safetensors.h"

namespace rankdx {

/// One weight file. Exactly one of header, refused and unreadable says how it went.
struct WeightFile {
  std::string name;
  uint64_t bytes = 0;
  std::optional<SafetensorsHeader> header;
  std::optional<SafetensorsError> refused;
  std::optional<Error> unreadable;
  std::string head;         ///< the first bytes, up to 1 KiB, where the file was refused
  uint64_t first_hole = 0;  ///< == bytes: none known
  bool zero_tail = false;   ///< the last kTail bytes are all zero
  static constexpr size_t kTail = 65536;
};

/// *.index.json: which file a tensor is in. Views point into `text` or `decoded`, and stay valid
/// when it is moved.
struct WeightIndex {
  std::string file;
  std::shared_ptr<const char[]> text;
  size_t bytes = 0;                                            ///< of `text`
  std::vector<std::pair<std::string_view, uint32_t>> tensors;  ///< name, position in `files`
  std::vector<std::string_view> files;                         ///< in order of appearance, unique
  std::optional<uint64_t> total_size;
  std::deque<std::string> decoded;
};

/// Errors: Corrupt (place file:line:column) for JSON that is none or lacks a `weight_map` of texts.
Result<WeightIndex> parse_weight_index(std::string_view text, std::string_view file);
/// The same for text that need not be copied.
Result<WeightIndex> parse_weight_index(std::shared_ptr<const char[]> text, size_t bytes,
                                       std::string_view file);

/// More than this in an index, or a small JSON file, is refused unread.
constexpr uint64_t kMostIndexBytes = 512u << 20;

/// The files of the folder that the index names, sorted. An index cannot lead out of the folder:
/// vLLM, too, only filters what its pattern found.
std::vector<std::string> files_to_load(const WeightIndex& index, const ModelLayout& layout);

enum class TailCheck : uint8_t { Skip, Look };

/// Reads one file after another; several threads may call read() at once.
class WeightReader {
 public:
  WeightReader(const FileAccess& files, const std::string& directory, TailCheck tail)
      : files_(files), directory_(directory), tail_(tail) {}
  /// `file.name` is set; the rest is filled.
  void read(WeightFile& file);

 private:
  Result<void> read_open(const OpenFile& file, WeightFile& to);

  const FileAccess& files_;
  const std::string& directory_;
  TailCheck tail_;
  std::mutex large_;
};

/// Opens the files with several threads, as file systems with slow opens want it. The order of
/// `names` is kept.
std::vector<WeightFile> read_weight_headers(const FileAccess& files, const std::string& directory,
                                            const std::vector<std::string>& names,
                                            TailCheck tail = TailCheck::Skip);

/// For those who only want the tensors that vLLM would load: layout, index and headers in one call.
/// Errors: the directory or its index cannot be read. Files that were refused stand in the result.
struct Weights {
  ModelLayout layout;
  std::optional<WeightIndex> index;
  std::vector<WeightFile> files;  ///< those that would be loaded
};
Result<Weights> read_weights(const FileAccess& files, const std::string& directory,
                             const LoaderVersion& version);

}  // namespace rankdx
