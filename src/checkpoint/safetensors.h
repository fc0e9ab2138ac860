// The header of a safetensors file, under every rule of the reference implementation (the Rust
// crate, 0.4 to 0.8): what it refuses is refused here, with the same name. Only the header is read;
// tensor data never is.
//
// A header owns its text; names are views into it and stay valid when the header is moved. Threads
// may read one together.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "checkpoint/name_set.h"

namespace rankdx {

/// What the reference refuses a file for, in the order in which it looks.
enum class SafetensorsFault : uint8_t {
  HeaderTooSmall,  ///< fewer than 8 bytes
  HeaderTooLarge,  ///< says more than 100,000,000 bytes of header
  HeaderLength,    ///< the header would reach beyond the end of the file
  HeaderUtf8,
  HeaderJson,  ///< no JSON, or JSON of another form (unknown dtype, missing field ...)
  Offset,      ///< a hole, an overlap or an end before its begin
  Overflow,    ///< the product of a shape does not fit 64 bits
  Misaligned,  ///< 4- or 6-bit elements that do not fill whole bytes
  TensorSize,  ///< offsets and dtype times shape disagree
  NotCovered,  ///< the file is shorter or longer than header and tensors
};

struct SafetensorsError {
  SafetensorsFault fault = SafetensorsFault::HeaderTooSmall;
  std::string text;               ///< what the reference prints: "invalid offset for tensor `x`"
  std::string tensor;             ///< where one is to blame
  uint64_t line = 0, column = 0;  ///< in the header, where HeaderJson knows
  uint64_t expected_bytes = 0,
           file_bytes = 0;  ///< NotCovered and HeaderLength: what the file should have, and has
};

/// "header-json", "not-covered" ...
std::string_view to_string(SafetensorsFault fault);

struct SafetensorsDtype {
  std::string_view name;  ///< "BF16"
  uint8_t bits;
  std::string_view since;  ///< first release of the crate that reads it; empty: all
};

/// Sorted by name.
const std::vector<SafetensorsDtype>& safetensors_dtypes();
/// nullptr for a name that the reference does not know.
const SafetensorsDtype* safetensors_dtype(std::string_view name);

struct HeaderTensor {
  std::string_view name;
  const SafetensorsDtype* dtype = nullptr;
  uint64_t begin = 0, end = 0;  ///< bytes behind the header
  uint32_t first_dim = 0, dims = 0;

  uint64_t bytes() const { return end - begin; }
};

class SafetensorsHeader {
 public:
  static constexpr uint64_t kMostHeaderBytes = 100'000'000;

  uint64_t header_bytes = 0;  ///< N, without the 8 bytes of the length
  uint64_t data_bytes = 0;
  std::vector<HeaderTensor> tensors;                          ///< by offset
  std::vector<std::pair<std::string, std::string>> metadata;  ///< `__metadata__`

  /// The position in `tensors`.
  std::optional<uint32_t> find(std::string_view name) const { return names_.find(name); }

  /// The shape of a tensor of this header; empty for a scalar.
  const uint64_t* dims_begin(const HeaderTensor& t) const { return dims_.data() + t.first_dim; }
  std::vector<uint64_t> shape(const HeaderTensor& t) const {
    return {dims_begin(t), dims_begin(t) + t.dims};
  }

 private:
  friend struct SafetensorsReader;
  std::shared_ptr<const char[]> text_;
  std::deque<std::string> decoded_;
  std::vector<uint64_t> dims_;
  NameSet names_;
};

using SafetensorsResult = tl::expected<SafetensorsHeader, SafetensorsError>;

/// Checks the length field alone: the number of header bytes to read. `first` are the first bytes
/// of the file, 8 if it has them. Refuses absurd lengths before anything is allocated for them.
tl::expected<uint64_t, SafetensorsError> safetensors_header_length(std::string_view first,
                                                                   uint64_t file_bytes);

/// `text` holds `header_bytes` bytes of JSON (without the length field) of a file of `file_bytes`.
SafetensorsResult parse_safetensors_header(std::shared_ptr<const char[]> text,
                                           uint64_t header_bytes, uint64_t file_bytes);

/// A whole file in memory, or its front part with the header; for tests and fuzzing.
SafetensorsResult parse_safetensors(std::string_view file, uint64_t file_bytes);

}  // namespace rankdx
