// Small helpers over std::string_view. Nothing is copied unless a std::string is returned: views
// point into the argument. ASCII only; no locale.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Without white space at both ends.
std::string_view trim(std::string_view text);

/// The parts between separators; always one more than there are separators.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Text before the first separator; `rest` becomes what follows it ("" without a separator).
std::string_view take_until(std::string_view text, char separator, std::string_view& rest);

std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// Lower case, A-Z only.
std::string lower(std::string_view text);

/// Every occurrence of `from` replaced; an empty `from` changes nothing.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// The whole text as a number, or nothing: no sign but '-', no white space, no overflow.
template <std::integral Int>
std::optional<Int> parse_int(std::string_view text, int base = 10) {
  Int value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "0x1b" or "1b" as 27.
std::optional<uint64_t> parse_hex(std::string_view text);

/// The whole text as a finite decimal number, or nothing.
std::optional<double> parse_double(std::string_view text);

}  // namespace rankdx
