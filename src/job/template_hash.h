// Texts that differ only in their numbers, told by one hash. The widest vectors of this machine are
// chosen when the program runs; all ways give the same text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace rankdx {

/// Hash of a text with each number (a digit, and hexadecimal digits and 'x' behind it) as one '0',
/// so that "rank 3 at 0x7f12" and "rank 4 at 0x80aa" agree.
uint64_t template_hash(std::string_view text);

inline constexpr size_t kNumberPiece = 2048;  ///< bytes of a text that are looked at at once
inline constexpr size_t kNumberSlack = 64;    ///< bytes behind the result that are written, too

/// Writes `piece` (kNumberPiece bytes at most) with its numbers replaced, and returns how many
/// bytes that gave. All pieces of a text but its last one are of that size. `in_number`: whether
/// the piece before ended in a number; then whether this one did, if another follows.
using ReplaceNumbers = size_t (*)(std::string_view piece, char* out, bool& in_number);

struct NumberWay {
  const char* name;
  ReplaceNumbers replace;
};
/// Those that this machine can go, the best first. The last one is plain C++.
std::span<const NumberWay> number_ways();

}  // namespace rankdx
