// A printf format read backwards: does it print this text, and with which values? For the message
// tables, whose formats also hold "<call>" (any word) and "..." (any rest). Not for hot paths.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rankdx {

class PrintfFormat {
 public:
  struct Match {
    int literal_bytes = 0;  ///< bytes of the text that the format fixes, blanks apart
    std::vector<std::string_view> values;  ///< one per conversion, views of the text
  };

  /// Only the first line of a format counts ("\n" as two characters ends it). Views of `format`.
  explicit PrintfFormat(std::string_view format);

  /// Nothing when it does not print exactly this text, or when trying would take too long.
  std::optional<Match> match(std::string_view text) const;

  /// Bytes that any match has in common with the format, blanks apart.
  int literal_bytes() const { return literal_bytes_; }

 private:
  enum class Kind : uint8_t { Literal, Integer, Hex, Pointer, Decimal, Letter, Text, Rest };
  struct Piece {
    Kind kind = Kind::Literal;
    std::string_view literal;
    bool padded = false;  ///< has a width: blanks may stand before the value
  };
  struct Attempt;

  void add_literal(std::string_view text);
  std::string_view add_conversion(std::string_view rest);
  static size_t value_end(Kind kind, std::string_view text);

  std::vector<Piece> pieces_;
  int literal_bytes_ = 0;
};

}  // namespace rankdx
