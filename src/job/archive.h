// A tiny binary archive for Facts: variable-length integers and length-prefixed text, in the order
// in which a struct's fields() visits them. Reading is bounded by the bytes at hand: no length is
// believed before it was compared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rankdx {

class ArchiveWriter {
 public:
  static constexpr bool kReading = false;
  void number(uint64_t value) {
    while (value >= 0x80) bytes_.push_back(static_cast<char>(value | 0x80)), value >>= 7;
    bytes_.push_back(static_cast<char>(value));
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class ArchiveReader {
 public:
  static constexpr bool kReading = true;
  explicit ArchiveReader(std::string_view bytes) : rest_(bytes) {}
  uint64_t number();
  std::string text();
  /// A count of things that take at least one byte each; more than what is left is an error.
  uint64_t count();
  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

/// Signed numbers with small absolute value take few bytes (zigzag).
inline uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
inline int64_t unzigzag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

}  // namespace rankdx
