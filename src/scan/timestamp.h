// Dates with a time of day, as log collectors and NCCL 2.26+ write them:
// "2026-03-19T19:40:08.123456789Z", "2026-11-24T13:12:01+0000", "2026-03-19 19:40:08,123".
#pragma once

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

/// The stamp at the start of `text`, or nothing. What follows the stamp is not looked at.
std::optional<Stamp> parse_stamp(std::string_view text);

}  // namespace rankdx
