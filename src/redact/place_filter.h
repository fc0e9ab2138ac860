// Where in a line something may begin, by three bytes: a sieve of vectors that lets too much
// through and misses nothing. Each beginning belongs to one of 16 groups; a place passes when
// one group has all three bytes, judged by their low and their high four bits. Without AVX2 every
// place passes. Filled by one owner; places() may be called by any thread afterwards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rankdx {

enum class Case : uint8_t { Exact, Either };

class PlaceFilter {
 public:
  static constexpr size_t kBytes = 3;  ///< of a beginning

  /// One more beginning, of its first three bytes, or of two and any third.
  void add(std::string_view beginning, Case letters);
  /// Bit i % 64 of masks[i / 64]: something may begin at byte i. The last two bytes begin nothing.
  void places(std::string_view line, std::vector<uint64_t>& masks) const {
    static const Way kBest = ways().front();
    places(line, masks, kBest);
  }

  /// How windows of 64 bytes that follow each other are looked through.
  using Way = void (*)(const PlaceFilter&, const char* text, size_t windows, uint64_t* masks);
  /// Those that this machine can go, the best first. The last one lets every place through.
  static std::vector<Way> ways();
  void places(std::string_view line, std::vector<uint64_t>& masks, Way way) const;

 private:
  /// For each byte of a beginning: the eight groups (bits) that have its low or its high half.
  struct Halves {
    std::array<uint8_t, 16> low{}, high{};
  };
  using Sieve = std::array<Halves, kBytes>;
  static constexpr int kSieves = 2, kGroups = 8 * kSieves;
  friend struct PlaceWays;

  /// Halves of a byte in both forms; all of them where the beginning is shorter.
  struct ByteSet {
    uint32_t low = 0, high = 0;
  };
  using Beginning = std::array<ByteSet, kBytes>;
  Beginning of_group(int group) const;
  std::array<Sieve, kSieves> sieves_{};
};

}  // namespace rankdx
