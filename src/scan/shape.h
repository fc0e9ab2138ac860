// The shape of a text: its bytes, but for the digits of its numbers, which may be any. Messages of
// one kind differ in their numbers only, so that one comparison says what reading the words of a
// message would. The widest vectors of this machine are chosen when the program runs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "scan/byte_index.h"

namespace rankdx {

struct Shape {
  static constexpr size_t kMostBytes = 256;

  static constexpr size_t kPieces = kMostBytes / kPiece;

  alignas(kPiece) std::array<char, kMostBytes> text{};
  /// A bit per byte: which are compared, and which are digits.
  std::array<uint64_t, kPieces> fixed{}, decimal{}, hex{};
  size_t size = 0;  ///< of the text; 0: no shape
};

/// The shape of `text`, of up to kMostBytes bytes. Free are the hexadecimal digits behind "0x" and
/// of `hex` (a view into the text, or empty), and all other decimal digits.
Shape shape_of(std::string_view text, std::string_view hex);

/// Has the text at `text`, which is as long, this shape? Shape::kMostBytes must be readable from
/// there on, whatever they are.
using FitsShape = bool (*)(const Shape& shape, const char* text);

struct ShapeWay {
  const char* name;
  FitsShape fits;
};
/// Those that this machine can go, the best first. The last one is plain C++.
std::span<const ShapeWay> shape_ways();

}  // namespace rankdx
