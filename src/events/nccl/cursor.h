// Reads a message from left to right. Every take_ function either succeeds and moves on, or fails
// and stays.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/text.h"

namespace rankdx::nccl {

/// By byte; -1: none.
inline constexpr auto kHexDigits = [] {
  std::array<int8_t, 256> digits{};
  digits.fill(-1);
  for (int8_t i = 0; i < 10; ++i) digits[static_cast<size_t>('0' + i)] = i;
  for (int8_t i = 0; i < 6; ++i)
    digits[static_cast<size_t>('a' + i)] = digits[static_cast<size_t>('A' + i)] =
        static_cast<int8_t>(10 + i);
  return digits;
}();

class Cursor {
 public:
  /// Reads `body` from `at` on.
  constexpr explicit Cursor(std::string_view body, size_t at = 0)
      : body_(body), rest_(body.substr(at)) {}

  constexpr std::string_view body() const { return body_; }
  constexpr std::string_view rest() const { return rest_; }
  constexpr bool at_end() const { return rest_.empty(); }

  constexpr bool take(std::string_view literal) {
    if (!rest_.starts_with(literal)) return false;
    rest_.remove_prefix(literal.size());
    return true;
  }

  constexpr void skip_blanks() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }

  /// Moves behind the next `literal`, wherever it is.
  constexpr bool take_past(std::string_view literal) {
    const size_t at = rest_.find(literal);
    if (at == std::string_view::npos) return false;
    rest_.remove_prefix(at + literal.size());
    return true;
  }

  /// The text before the next `literal`; moves behind it.
  constexpr bool take_until(std::string_view literal, std::string_view& text) {
    const size_t at = rest_.find(literal);
    if (at == std::string_view::npos) return false;
    text = rest_.substr(0, at);
    rest_.remove_prefix(at + literal.size());
    return true;
  }

  /// The text up to the next blank or the end; the blank is taken too.
  constexpr std::string_view take_word() {
    const size_t at = rest_.find(' ');
    const std::string_view word = rest_.substr(0, at);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + 1);
    return word;
  }

  /// Decimal, with '-' for signed types; fails when the value does not fit.
  template <std::integral Int>
  constexpr bool take_int(Int& value) {
    const char* at = rest_.data();
    const char* const end = at + rest_.size();
    bool negative = false;
    if constexpr (std::signed_integral<Int>) {
      if (at != end && *at == '-') negative = true, ++at;
    }
    constexpr int kMaxDigits = 19;  // any 19 digits fit in 64 bits
    const char* const first = at;
    uint64_t sum = 0;
    while (at != end && is_digit(*at) && at - first < kMaxDigits) {
      sum = sum * 10 + static_cast<uint64_t>(*at++ - '0');
    }
    const bool too_long = at != end && is_digit(*at);
    if (at == first || too_long || sum > static_cast<uint64_t>(std::numeric_limits<Int>::max()))
      return false;
    value = negative ? static_cast<Int>(-static_cast<int64_t>(sum)) : static_cast<Int>(sum);
    rest_.remove_prefix(static_cast<size_t>(at - rest_.data()));
    return true;
  }

  /// Hexadecimal without "0x", at most 64 bits.
  constexpr bool take_hex(uint64_t& value) {
    constexpr size_t kMaxDigits = 16;
    const size_t most = rest_.size() < kMaxDigits ? rest_.size() : kMaxDigits;
    uint64_t sum = 0;
    size_t n = 0;
    for (; n < most; ++n) {
      const int digit = hex_digit(rest_[n]);
      if (digit < 0) break;
      sum = sum << 4 | static_cast<uint64_t>(digit);
    }
    if (n == 0 || (n == kMaxDigits && n < rest_.size() && hex_digit(rest_[n]) >= 0)) return false;
    value = sum;
    rest_.remove_prefix(n);
    return true;
  }

  /// %p as glibc prints it: "0x7f…" or "(nil)".
  constexpr bool take_pointer(uint64_t& value) {
    if (rest_.size() > 2 && rest_[0] == '0' && rest_[1] == 'x') {
      Cursor digits = *this;
      digits.rest_.remove_prefix(2);
      if (!digits.take_hex(value)) return false;
      *this = digits;
      return true;
    }
    if (!take("(nil)")) return false;
    value = 0;
    return true;
  }

  static constexpr int hex_digit(char c) { return kHexDigits[static_cast<unsigned char>(c)]; }

 private:
  std::string_view body_;
  std::string_view rest_;
};

}  // namespace rankdx::nccl
