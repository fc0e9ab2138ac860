// Reads JSON from memory front to back, without a tree: headers of weight files and indexes have
// tens of thousands of entries that are looked at once. Views of strings point into the text, or
// into the scanner where escapes had to be decoded (take_decoded() hands that memory over). After
// the first error every call returns false. One thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace rankdx {

/// Strict is what Rust's serde_json takes; Python also takes NaN, Infinity and halves of surrogate
/// pairs.
enum class JsonDialect : uint8_t { Strict, Python };

enum class JsonType : uint8_t { Object, Array, String, Number, True, False, Null, End, Other };

struct JsonNumber {
  std::string_view text;
  bool integer = false;  ///< fits 64 bits with its sign; "-0", "1.0" and "1e2" do not count
  bool negative = false;
  uint64_t magnitude = 0;  ///< where integer
};

/// Where reading stopped, both 1-based; columns count characters.
struct JsonPlace {
  uint64_t line = 1, column = 1;
};

struct JsonError {
  std::string text;  ///< without the place: "expected `,` or `}`"
  JsonPlace place;
};

JsonPlace place_in(std::string_view text, size_t offset);

/// The first byte that is not UTF-8, or npos.
size_t first_invalid_utf8(std::string_view text);

class JsonScanner {
 public:
  /// Deeper nesting than `max_depth` is an error (serde_json: 127; Python's recursion limit is
  /// about 1000).
  JsonScanner(std::string_view text, JsonDialect dialect, unsigned max_depth = 127);

  /// What comes next, over white space; nothing is consumed but that.
  JsonType peek();
  bool begin_object();
  bool begin_array();
  /// False at the end of the object (consumed) and on an error; tell them apart by failed().
  bool next_member(std::string_view& key);
  bool next_element();
  bool string(std::string_view& value);
  bool number(JsonNumber& value);
  /// The short way for what headers are full of: up to 18 digits and then a comma or a bracket.
  /// False, and nothing is consumed, for anything else, which may well be a number.
  bool plain_integer(uint64_t& value) {
    if (failed()) return false;
    size_t at = at_;
    while (at < text_.size() && text_[at] == ' ') ++at;
    const size_t first = at;
    uint64_t sum = 0;
    for (; at < text_.size() && text_[at] >= '0' && text_[at] <= '9'; ++at)
      sum = sum * 10 + static_cast<uint64_t>(text_[at] - '0');
    if (at == first || at - first > 18 || at == text_.size()) return false;
    if ((text_[at] != ',' && text_[at] != ']') || (text_[first] == '0' && at - first > 1))
      return false;
    value = sum;
    at_ = at;
    first_ = false;
    return true;
  }
  /// true, false or null.
  bool literal();
  /// Any value, checked as thoroughly as if it were wanted.
  bool skip();
  /// Nothing but white space is left.
  bool end();

  bool failed() const { return error_ != nullptr; }
  JsonError error() const;
  /// Reports an error of meaning at the current position; always false.
  bool fail(const char* text);
  size_t position() const { return at_; }
  std::deque<std::string> take_decoded() { return std::move(decoded_); }

 private:
  bool open(char bracket);
  bool next(char close, const char* expected);
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool decode_string(size_t begin, std::string_view& value);
  bool decode_escape(std::string& out);
  bool hex4(uint32_t& value);
  bool digits();
  bool check_range(std::string_view text);
  bool word(std::string_view text);

  std::string_view text_;
  size_t at_ = 0;
  unsigned depth_ = 0, max_depth_;
  JsonDialect dialect_;
  bool first_ = false;  ///< just behind an opening bracket
  const char* error_ = nullptr;
  std::deque<std::string> decoded_;
};

}  // namespace rankdx
