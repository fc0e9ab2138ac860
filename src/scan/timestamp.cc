#include "scan/timestamp.h"

#include <cstring>

#include "base/text.h"

namespace rankdx {
namespace {

int two(const char* p) { return (p[0] - '0') * 10 + (p[1] - '0'); }

/// Eight bytes at once against a shape in which '0' stands for any digit. This runs for each line
/// of a log with times.
bool has_shape(const char* p, const char (&shape)[9]) {
  uint64_t bytes, wanted;
  std::memcpy(&bytes, p, sizeof bytes);
  std::memcpy(&wanted, shape, sizeof wanted);
  constexpr uint64_t kEach = 0x0101010101010101ULL;
  const uint64_t high = kEach * 0xf0;  // '0'..'9' are 0x30..0x39, '-' and ':' are not 0x30
  const uint64_t is_digit_place = ~(((wanted ^ kEach * 0x30) + kEach * 0x7f) | kEach * 0x7f) >> 7;
  const uint64_t digits = is_digit_place * 0xff;
  if ((bytes & ~digits) != (wanted & ~digits)) return false;
  if ((bytes & digits & high) != (wanted & digits & high)) return false;
  return ((bytes + kEach * 6) & digits & high) == (wanted & digits & high);
}

/// Days from 1970-01-01 in the Gregorian calendar; years start in March, so that a leap day comes
/// last.
int64_t days_since_1970(int year, int month, int day) {
  year -= month <= 2;
  const int era = year / 400, year_of_era = year - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return int64_t{era} * 146097 + day_of_era - 719468;
}

/// ".123456789" or ",123" at `at`: the bytes it takes and its microseconds.
size_t fraction(std::string_view text, size_t at, int64_t& us) {
  if (at + 1 >= text.size() || (text[at] != '.' && text[at] != ',') || !is_digit(text[at + 1])) {
    return 0;
  }
  constexpr size_t kMicro = 6, kNano = 9;
  const char* const p = text.data() + at + 1;
  if (text.size() - at > kNano && has_shape(p, "00000000")) {  // the usual nine digits
    us = two(p) * 10'000 + two(p + 2) * 100 + two(p + 4);
    return is_digit(p[kNano - 1]) ? 1 + kNano : kNano;
  }
  size_t end = at + 1;
  for (size_t digits = 0; digits < kNano; ++digits) {
    const bool more = end < text.size() && is_digit(text[end]);
    if (digits < kMicro) us = us * 10 + (more ? text[end] - '0' : 0);
    if (more) ++end;
    if (!more && digits >= kMicro) break;
  }
  return end - at;
}

/// "Z", "+02:00" or "+0200" at `at`: the bytes it takes and its offset from UTC.
size_t zone(std::string_view text, size_t at, int64_t& offset_us) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with('Z')) return 1;
  if (rest.size() < 5 || (rest[0] != '+' && rest[0] != '-')) return 0;
  const size_t minutes = rest[3] == ':' ? 4 : 3;
  if (rest.size() < minutes + 2) return 0;
  for (size_t i : {size_t{1}, size_t{2}, minutes, minutes + 1}) {
    if (!is_digit(rest[i])) return 0;
  }
  const int64_t offset_min = two(&rest[1]) * 60 + two(&rest[minutes]);
  offset_us = (rest[0] == '-' ? -offset_min : offset_min) * 60'000'000;
  return minutes + 2;
}

/// As LastSecond::read().
std::optional<int64_t> read_second(const char* p) {
  if (!has_shape(p, "0000-00-") || !has_shape(p + 11, "00:00:00")) return std::nullopt;
  if (!is_digit(p[8]) || !is_digit(p[9]) || (p[10] != 'T' && p[10] != ' ')) return std::nullopt;
  const int year = two(p) * 100 + two(p + 2), month = two(p + 5), day = two(p + 8);
  const int hour = two(p + 11), minute = two(p + 14), second = two(p + 17);
  if (month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const int64_t seconds =
      days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
  return seconds * 1'000'000;
}

}  // namespace

std::optional<int64_t> LastSecond::read(const char* text) {
  if (std::memcmp(text_.data(), text, kSize) == 0) return us_;
  const auto us = read_second(text);
  if (us) {
    std::memcpy(text_.data(), text, kSize);
    us_ = *us;
  }
  return us;
}

std::optional<Stamp> parse_stamp(std::string_view text, LastSecond& last) {
  size_t size = LastSecond::kSize;
  if (text.size() < size) return std::nullopt;
  const auto second_us = last.read(text.data());
  if (!second_us) return std::nullopt;
  int64_t us = 0, offset_us = 0;
  size += fraction(text, size, us);
  const size_t zone_size = zone(text, size, offset_us);
  return Stamp{*second_us + us - offset_us, size + zone_size, text[10], zone_size > 0};
}

std::optional<Stamp> parse_stamp(std::string_view text) {
  LastSecond none;
  return parse_stamp(text, none);
}

}  // namespace rankdx
