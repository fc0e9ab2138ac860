// Dates with a time of day, as log collectors and NCCL 2.26+ write them:
// "2026-03-19T19:40:08.123456789Z", "2026-11-24T13:12:01+0000", "2026-03-19 19:40:08,123".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rankdx {

struct Stamp {
  int64_t time_us = 0;  ///< since 1970; UTC is assumed without a zone
  size_t size = 0;      ///< bytes of text it takes
  char separator = 0;   ///< between date and time: 'T' or ' '
  bool zoned = false;   ///< ends with Z or an offset
};

/// The second that was read last: most lines of a log share it with the line before.
class LastSecond {
 public:
  static constexpr size_t kSize = 19;  ///< "0000-00-00 00:00:00"

  /// Of the kSize bytes at `text`; nothing if they are no time. In microseconds since 1970.
  std::optional<int64_t> read(const char* text);

 private:
  std::array<char, kSize> text_{};
  int64_t us_ = 0;
};

/// The stamp at the start of `text`, or nothing. What follows the stamp is not looked at.
std::optional<Stamp> parse_stamp(std::string_view text, LastSecond& last);
std::optional<Stamp> parse_stamp(std::string_view text);

}  // namespace rankdx
