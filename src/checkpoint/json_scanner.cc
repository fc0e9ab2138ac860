#include "checkpoint/json_scanner.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.h"

namespace rankdx {
namespace {

constexpr uint64_t kOnes = 0x0101010101010101u, kHighs = 0x8080808080808080u;

/// High bit set in each byte that is zero (exact for the lowest such byte).
constexpr uint64_t zero_bytes(uint64_t v) { return (v - kOnes) & ~v & kHighs; }

/// Offset of the first '"', '\\' or control character from `at`, or the size of the text.
size_t plain_until(std::string_view text, size_t at) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\'),
                control = _mm_set1_epi8(0x1F);
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i stop =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, escape)),
                     _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
    if (const int mask = _mm_movemask_epi8(stop); mask != 0)
      return at + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(mask)));
  }
#endif
  while (at + 8 <= text.size()) {
    uint64_t v;
    std::memcpy(&v, text.data() + at, 8);
    const uint64_t stop = zero_bytes(v ^ (kOnes * '"')) | zero_bytes(v ^ (kOnes * '\\')) |
                          ((v - kOnes * 0x20) & ~v & kHighs);
    if (stop != 0) return at + static_cast<size_t>(__builtin_ctzll(stop)) / 8;
    at += 8;
  }
  while (at < text.size() && text[at] != '"' && text[at] != '\\' &&
         static_cast<unsigned char>(text[at]) >= 0x20)
    ++at;
  return at;
}

void append_utf8(std::string& out, uint32_t c) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)),
        put(0x80 | (c & 0x3F));
  }
}

/// Bytes of the UTF-8 character at `at`, 0 where it is none.
size_t utf8_length(const unsigned char* p, size_t left) {
  const auto tail = [&](size_t i, unsigned low, unsigned high) {
    return i < left && p[i] >= low && p[i] <= high;
  };
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xC2 && p[0] <= 0xDF) return tail(1, 0x80, 0xBF) ? 2 : 0;
  if ((p[0] & 0xF0) == 0xE0) {
    const unsigned low = p[0] == 0xE0 ? 0xA0 : 0x80, high = p[0] == 0xED ? 0x9F : 0xBF;
    return tail(1, low, high) && tail(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (p[0] >= 0xF0 && p[0] <= 0xF4) {
    const unsigned low = p[0] == 0xF0 ? 0x90 : 0x80, high = p[0] == 0xF4 ? 0x8F : 0xBF;
    return tail(1, low, high) && tail(2, 0x80, 0xBF) && tail(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

JsonPlace place_in(std::string_view text, size_t offset) {
  JsonPlace place;
  for (size_t i = 0; i < std::min(offset, text.size()); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\n') {
      ++place.line, place.column = 1;
    } else if ((c & 0xC0) != 0x80) {
      ++place.column;
    }
  }
  return place;
}

size_t first_invalid_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  size_t at = 0;
  while (at < text.size()) {
    uint64_t v;
    while (at + 8 <= text.size() && (std::memcpy(&v, p + at, 8), (v & kHighs) == 0)) at += 8;
    if (at == text.size()) break;
    const size_t length = utf8_length(p + at, text.size() - at);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

JsonScanner::JsonScanner(std::string_view text, JsonDialect dialect, unsigned max_depth)
    : text_(text), max_depth_(max_depth), dialect_(dialect) {}

bool JsonScanner::fail(const char* text) {
  if (error_ == nullptr) error_ = text;
  return false;
}

JsonError JsonScanner::error() const {
  return {error_ == nullptr ? "" : error_, place_in(text_, at_)};
}

JsonType JsonScanner::peek() {
  skip_space();
  if (at_ == text_.size()) return JsonType::End;
  switch (text_[at_]) {
    case '{':
      return JsonType::Object;
    case '[':
      return JsonType::Array;
    case '"':
      return JsonType::String;
    case 't':
      return JsonType::True;
    case 'f':
      return JsonType::False;
    case 'n':
      return JsonType::Null;
    case '-':
      return JsonType::Number;
    case 'N':
    case 'I':
      return dialect_ == JsonDialect::Python ? JsonType::Number : JsonType::Other;
    default:
      return is_digit(text_[at_]) ? JsonType::Number : JsonType::Other;
  }
}

bool JsonScanner::open(char bracket) {
  if (failed()) return false;
  skip_space();
  if (at_ == text_.size() || text_[at_] != bracket)
    return fail(bracket == '{' ? "expected an object" : "expected a list");
  if (depth_ == max_depth_) return fail("recursion limit exceeded");
  ++depth_;
  ++at_;
  first_ = true;
  return true;
}

bool JsonScanner::begin_object() { return open('{'); }
bool JsonScanner::begin_array() { return open('['); }

bool JsonScanner::next(char close, const char* expected) {
  if (failed()) return false;
  skip_space();
  if (at_ == text_.size()) return fail("unexpected end");
  if (text_[at_] == close) {
    ++at_;
    --depth_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (text_[at_] != ',') return fail(expected);
    ++at_;
    skip_space();
    if (at_ == text_.size()) return fail("unexpected end");
    if (text_[at_] == close) return fail("trailing comma");
  }
  first_ = false;
  return true;
}

bool JsonScanner::next_member(std::string_view& key) {
  if (!next('}', "expected `,` or `}`")) return false;
  if (text_[at_] != '"') return fail("key must be a string");
  if (!string(key)) return false;
  skip_space();
  if (at_ == text_.size()) return fail("unexpected end");
  if (text_[at_] != ':') return fail("expected `:`");
  ++at_;
  return true;
}

bool JsonScanner::next_element() { return next(']', "expected `,` or `]`"); }

bool JsonScanner::string(std::string_view& value) {
  if (failed()) return false;
  skip_space();
  if (at_ == text_.size() || text_[at_] != '"') return fail("expected a string");
  const size_t begin = ++at_;
  at_ = plain_until(text_, at_);
  if (at_ == text_.size()) return fail("unexpected end of a string");
  first_ = false;
  if (text_[at_] == '"') {
    value = text_.substr(begin, at_ - begin);
    ++at_;
    return true;
  }
  return decode_string(begin, value);
}

bool JsonScanner::decode_string(size_t begin, std::string_view& value) {
  std::string out(text_.substr(begin, at_ - begin));
  for (;;) {
    if (at_ == text_.size()) return fail("unexpected end of a string");
    if (text_[at_] == '"') break;
    if (text_[at_] != '\\') return fail("control character in a string");
    ++at_;
    if (!decode_escape(out)) return false;
    const size_t from = at_;
    at_ = plain_until(text_, at_);
    out.append(text_.substr(from, at_ - from));
  }
  ++at_;
  value = decoded_.emplace_back(std::move(out));
  return true;
}

bool JsonScanner::hex4(uint32_t& value) {
  if (text_.size() - at_ < 4) return fail("unexpected end of an escape");
  value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = text_[at_];
    const int digit = is_digit(c)              ? c - '0'
                      : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                      : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                               : -1;
    if (digit < 0) return fail("invalid escape");
    value = value << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

bool JsonScanner::decode_escape(std::string& out) {
  static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
  if (at_ == text_.size()) return fail("unexpected end of a string");
  const char c = text_[at_++];
  if (const size_t i = kFrom.find(c); i != std::string_view::npos) {
    out.push_back(kTo[i]);
    return true;
  }
  uint32_t code = 0;
  if (c != 'u') return fail("invalid escape");
  if (!hex4(code)) return false;
  if (code >= 0xD800 && code <= 0xDBFF && text_.substr(at_, 2) == "\\u") {
    const size_t back = at_;
    uint32_t low = 0;
    at_ += 2;
    if (!hex4(low)) return false;
    if (low >= 0xDC00 && low <= 0xDFFF) {
      append_utf8(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
      return true;
    }
    at_ = back;
  }
  if (code >= 0xD800 && code <= 0xDFFF) {
    if (dialect_ == JsonDialect::Strict) return fail("lone surrogate in an escape");
    code = 0xFFFD;
  }
  append_utf8(out, code);
  return true;
}

bool JsonScanner::digits() {
  const size_t from = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  return at_ > from || fail("invalid number");
}

bool JsonScanner::check_range(std::string_view text) {
  if (dialect_ == JsonDialect::Python) return true;  // becomes infinity there
  return std::isfinite(std::strtod(std::string(text).c_str(), nullptr)) ||
         fail("number out of range");
}

bool JsonScanner::word(std::string_view text) {
  if (text_.substr(at_, text.size()) != text) return fail("expected a value");
  at_ += text.size();
  first_ = false;
  return true;
}

bool JsonScanner::number(JsonNumber& value) {
  if (failed()) return false;
  skip_space();
  value = {};
  const size_t begin = at_;
  if (at_ < text_.size() && text_[at_] == '-') value.negative = true, ++at_;
  if (at_ < text_.size() && (text_[at_] == 'N' || text_[at_] == 'I') &&
      dialect_ == JsonDialect::Python) {
    if (!word(text_[at_] == 'I' ? "Infinity" : "NaN")) return false;
    value.text = text_.substr(begin, at_ - begin);
    return true;
  }
  const size_t first = at_;
  uint64_t magnitude = 0;
  for (; at_ < text_.size() && is_digit(text_[at_]); ++at_)
    magnitude = magnitude * 10 + static_cast<uint64_t>(text_[at_] - '0');
  if (at_ == first) return fail("invalid number");
  if (text_[first] == '0' && at_ - first > 1) return at_ = first, fail("invalid number");
  const std::string_view whole = text_.substr(first, at_ - first);
  bool fraction = false, exponent = false;
  if (at_ < text_.size() && text_[at_] == '.') {
    fraction = true, ++at_;
    if (!digits()) return false;
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    exponent = true, ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (!digits()) return false;
  }
  value.text = text_.substr(begin, at_ - begin);
  first_ = false;
  if (!fraction && !exponent) {
    // 19 digits cannot overflow.
    const auto parsed = whole.size() <= 19 ? std::optional(magnitude) : parse_int<uint64_t>(whole);
    const uint64_t most = value.negative ? uint64_t{1} << 63 : UINT64_MAX;
    value.integer = parsed && *parsed <= most && !(value.negative && *parsed == 0);
    value.magnitude = value.integer ? *parsed : 0;
  }
  return (!exponent && whole.size() < 300) || check_range(value.text);
}

bool JsonScanner::literal() {
  if (failed()) return false;
  switch (peek()) {
    case JsonType::True:
      return word("true");
    case JsonType::False:
      return word("false");
    case JsonType::Null:
      return word("null");
    default:
      return fail("expected a value");
  }
}

bool JsonScanner::skip() {
  if (failed()) return false;
  std::string_view text;
  JsonNumber value;
  switch (peek()) {
    case JsonType::Object:
      if (!begin_object()) return false;
      while (next_member(text))
        if (!skip()) return false;
      return !failed();
    case JsonType::Array:
      if (!begin_array()) return false;
      while (next_element())
        if (!skip()) return false;
      return !failed();
    case JsonType::String:
      return string(text);
    case JsonType::Number:
      return number(value);
    case JsonType::End:
      return fail("unexpected end");
    case JsonType::Other:
      return fail("expected a value");
    default:
      return literal();
  }
}

bool JsonScanner::end() {
  if (failed()) return false;
  skip_space();
  return at_ == text_.size() || fail("trailing characters");
}

}  // namespace rankdx
