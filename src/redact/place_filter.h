// Where in a line something may begin, by three bytes: a sieve of vectors that lets too much
// through and misses nothing. Each beginning belongs to one of some groups; a place passes when one
// group has all three bytes. Where bytes can be looked up as a whole (AVX-512 VBMI), few others
// pass; AVX2 judges their low and their high four bits, and without it every place passes. Filled
// by one owner; places() may be called by any thread afterwards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rankdx {

enum class Case : uint8_t { Exact, Either };

class PlaceFilter {
 public:
  static constexpr size_t kBytes = 3;    ///< of a beginning
  static constexpr size_t kWindow = 64;  ///< bytes of a line that share a Window

  PlaceFilter();
  /// One more beginning, of its first three bytes, or of two and any third.
  void add(std::string_view beginning, Case letters);

  /// Bit i: something may stand at byte i. An address has several of them, whatever it is.
  struct Window {
    uint64_t begins = 0;  ///< one of the beginnings
    uint64_t dots = 0;    ///< a dot between two digits
    uint64_t colons = 0;  ///< a colon between two hexadecimal digits
    uint64_t twice = 0;   ///< two colons
    bool operator==(const Window&) const = default;
  };
  /// [i / kWindow] of what is returned for byte i: a part of `windows`, which grows as it must. The
  /// last two bytes begin nothing.
  std::span<Window> places(std::string_view line, std::vector<Window>& windows) const {
    static const Way kBest = ways().front();
    return places(line, windows, kBest);
  }

  /// How the windows of a line are looked through, size / kWindow + 1 of them.
  using Way = void (*)(const PlaceFilter&, std::string_view line, Window* windows);
  /// Those that this machine can go, the best first. The last one lets every place through.
  static std::vector<Way> ways();
  std::span<Window> places(std::string_view line, std::vector<Window>& windows, Way way) const;

 private:
  static constexpr size_t kSieves = 3, kGroups = 8 * kSieves;
  static constexpr size_t kDots = kGroups - 3, kColons = kGroups - 2, kTwice = kGroups - 1;
  friend struct PlaceWays;

  /// Bytes below 128; those above are taken for the byte 128 below.
  struct ByteSet {
    std::array<uint64_t, 2> bits{};
    void add(char c) { bits[c >> 6 & 1] |= uint64_t{1} << (c & 63); }
  };
  using Beginning = std::array<ByteSet, kBytes>;
  /// What a byte may be, for eight groups (a bit each).
  struct Sieve {
    std::array<uint8_t, 128> whole{};
    std::array<uint8_t, 16> low{}, high{};  ///< by the halves of the byte
  };

  static double lets_through(const Beginning& group);
  void put(const Beginning& beginning, size_t group);

  std::array<Beginning, kGroups> groups_{};
  std::array<double, kGroups> share_{};  ///< that each group lets through
  std::array<std::array<Sieve, kBytes>, kSieves> sieves_{};
};

}  // namespace rankdx
