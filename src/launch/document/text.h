// Text that remembers where it stands in its file. A SourceText owns the file's bytes; spans are
// offsets into them. Plain values: any thread may read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx::lint {

/// Bytes [begin, end) of the file.
struct Span {
  uint32_t begin = 0, end = 0;
  auto operator<=>(const Span&) const = default;
};

struct Position {
  uint32_t line = 1, column = 1;  ///< 1-based; columns count characters, not bytes
};

class SourceText {
 public:
  SourceText(std::string name, std::string bytes);

  const std::string& name() const { return name_; }
  const std::string& bytes() const { return bytes_; }
  uint32_t size() const { return static_cast<uint32_t>(bytes_.size()); }

  Position position(uint32_t offset) const;
  /// Without its newline; "" beyond the end.
  std::string_view line(uint32_t number) const;
  uint32_t line_begin(uint32_t offset) const;
  /// Offset behind the newline that ends the line of `offset`.
  uint32_t line_end(uint32_t offset) const;
  std::string_view part(Span span) const;

 private:
  size_t line_index(uint32_t offset) const;

  std::string name_, bytes_;
  std::vector<uint32_t> line_starts_;
};

/// Text whose bytes come from places of a file: the value of a scalar, a shell word without its
/// quotes, a script inside both.
struct MappedText {
  std::string text;
  std::vector<uint32_t> at;  ///< offset in the file of each byte of `text`

  void push(char c, uint32_t offset) {
    text.push_back(c);
    at.push_back(offset);
  }
  void append(const MappedText& other);
  MappedText part(size_t begin, size_t count = std::string::npos) const;
  /// From the first byte to behind the last one; {0, 0} when empty.
  Span span() const;
};

/// Every byte where it stands.
MappedText mapped(std::string_view bytes, uint32_t begin = 0);

/// Replaces the bytes of a span.
struct Edit {
  Span span;
  std::string text;
  bool operator==(const Edit&) const = default;
};

/// The bytes after all edits. Edits that touch one made earlier in the list are left out: the
/// caller tries again on the result.
std::string edited(std::string_view bytes, std::vector<Edit> edits);

}  // namespace rankdx::lint
