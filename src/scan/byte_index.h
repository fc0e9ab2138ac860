// Bytes to places: where lines end, where NCCL may speak, which bytes want a closer look. The
// widest vectors of this machine are chosen when the program runs; all ways give the same places.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rankdx {

inline constexpr size_t kPiece = 64;       ///< bytes that are looked at at once
inline constexpr size_t kNameReach = 3;    ///< bytes behind the last piece that are read, too
inline constexpr size_t kMostPieces = 64;  ///< of one index

/// Offsets, ascending.
struct ByteIndex {
  static constexpr uint16_t kEnd = 0xffff;  ///< behind the last one
  using Places = std::array<uint16_t, kMostPieces * kPiece + 8>;
  Places newlines;
  Places names;  ///< each 'N' that has an 'L' kNameReach bytes behind it
  Places odd;    ///< each control character but '\n', and each byte outside ASCII
};

/// Looks through `pieces` pieces from `text` on.
using IndexBytes = void (*)(const char* text, size_t pieces, ByteIndex& index);

struct IndexWay {
  const char* name;
  IndexBytes index;
};
/// Those that this machine can go, the best first. The last one is plain C++.
std::span<const IndexWay> index_ways();

}  // namespace rankdx
