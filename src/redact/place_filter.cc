#include "redact/place_filter.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "redact/letters.h"

namespace rankdx {
namespace {

constexpr size_t kWindow = PlaceFilter::kWindow, kReach = PlaceFilter::kBytes - 1;

bool is_letter(char c) { return is_alnum(c) && !is_digit(c); }

/// How often a byte stands in a log, roughly: 1 for all.
constexpr auto kShares = [] {
  std::array<double, 128> shares{};
  double sum = 0;
  const auto is_one_of = [](std::string_view all, char c) { return all.find(c) != all.npos; };
  for (int code = ' '; code < 127; ++code) {
    const char c = static_cast<char>(code);
    const bool lower = c >= 'a' && c <= 'z';
    sum += shares[size_t(code)] = is_one_of("aceinorst", c)                             ? 10
                                  : is_digit(c) || (lower && !is_one_of("jkqvwxyz", c)) ? 5
                                  : is_alnum(c)                                         ? 2
                                                                                        : 1;
  }
  for (double& s : shares) s /= sum;
  return shares;
}();

/// Of a window with so many bytes of the line from its first one on: those where kBytes stand. The
/// last bytes of a line begin nothing.
constexpr uint64_t beginnings(size_t left) {
  if (left >= kWindow + kReach) return ~uint64_t{0};
  return left <= kReach ? 0 : ~uint64_t{0} >> (kWindow + kReach - left);
}

/// Calls fn with the number of each bit that is set.
template <class Fn>
void for_each_bit(uint64_t bits, Fn&& fn) {
  for (; bits != 0; bits &= bits - 1) fn(static_cast<size_t>(std::countr_zero(bits)));
}

}  // namespace

/// How often a group passes where bytes are looked up as a whole, and some of how often it does by
/// their halves.
double PlaceFilter::lets_through(const Beginning& group) {
  constexpr double kWeightOfHalves = 0.3;
  double whole = 1, halves = 1;
  for (const ByteSet& set : group) {
    double share = 0, share_of_halves = 0;
    uint64_t low = 0, high = 0;
    for (size_t word = 0; word < set.bits.size(); ++word) {
      for_each_bit(set.bits[word], [&](size_t bit) {
        const size_t byte = word * 64 + bit;
        share += kShares[byte];
        low |= uint64_t{1} << (byte & 15);
        high |= uint64_t{1} << (byte >> 4);
      });
    }
    for_each_bit(high, [&](size_t h) {
      for_each_bit(low, [&](size_t l) { share_of_halves += kShares[h * 16 + l]; });
    });
    whole *= share;
    halves *= share_of_halves;
  }
  return whole + kWeightOfHalves * halves;
}

struct PlaceWays {
  static constexpr size_t kSieves = PlaceFilter::kSieves, kBytes = PlaceFilter::kBytes;
  static constexpr uint8_t kDots = 0x20, kColons = 0x40, kTwice = 0x80;  ///< of the last sieve
  static constexpr uint8_t kBegins = 0x1f;
  using Window = PlaceFilter::Window;

  static Window cut(const Window& w, uint64_t to) {
    return {w.begins & to, w.dots & to, w.colons & to, w.twice & to};
  }

  static void plain(const PlaceFilter&, std::string_view line, Window* windows) {
    constexpr uint64_t kAll = ~uint64_t{0};
    for (size_t at = 0; at < line.size(); at += kWindow)
      *windows++ = cut({kAll, kAll, kAll, kAll}, beginnings(line.size() - at));
  }

#ifdef __SSE2__
  static __m128i table(const std::array<uint8_t, 16>& half) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(half.data()));
  }

#define RANKDX_AVX2 __attribute__((target("avx2")))
  RANKDX_AVX2 static void avx2_half(const PlaceFilter& filter, const char* p, int shift,
                                    Window& window) {
    const __m256i half = _mm256_set1_epi8(15);
    __m256i groups[kSieves] = {_mm256_set1_epi8(-1), _mm256_set1_epi8(-1), _mm256_set1_epi8(-1)};
#pragma GCC unroll 3
    for (size_t i = 0; i < kBytes; ++i) {
      const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + i));
      const __m256i l = _mm256_and_si256(v, half);
      const __m256i h = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
#pragma GCC unroll 3
      for (size_t k = 0; k < kSieves; ++k) {
        const PlaceFilter::Sieve& sieve = filter.sieves_[k][i];
        const __m256i low = _mm256_broadcastsi128_si256(table(sieve.low));
        const __m256i high = _mm256_broadcastsi128_si256(table(sieve.high));
        groups[k] = _mm256_and_si256(
            groups[k], _mm256_and_si256(_mm256_shuffle_epi8(low, l), _mm256_shuffle_epi8(high, h)));
      }
    }
    const auto bits = [shift](__m256i v) RANKDX_AVX2 {
      return uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(v))} << shift;
    };
    const __m256i begins =
        _mm256_or_si256(_mm256_or_si256(groups[0], groups[1]),
                        _mm256_and_si256(groups[2], _mm256_set1_epi8(static_cast<char>(kBegins))));
    const __m256i none = _mm256_cmpeq_epi8(begins, _mm256_setzero_si256());
    window.begins |= bits(_mm256_xor_si256(none, _mm256_set1_epi8(-1)));
    window.dots |= bits(_mm256_slli_epi16(groups[2], 2));
    window.colons |= bits(_mm256_slli_epi16(groups[2], 1));
    window.twice |= bits(groups[2]);
  }
  RANKDX_AVX2 static void avx2(const PlaceFilter& filter, std::string_view line, Window* windows) {
    std::array<char, kWindow + kReach> copy{};
    for (size_t at = 0; at < line.size(); at += kWindow) {
      const char* p = line.data() + at;
      const size_t left = line.size() - at;
      if (left < copy.size()) p = static_cast<char*>(std::memcpy(copy.data(), p, left));
      Window window;
      avx2_half(filter, p, 0, window);
      avx2_half(filter, p + 32, 32, window);
      *windows++ = cut(window, beginnings(left));
    }
  }

#define RANKDX_AVX512 __attribute__((target("avx512bw,avx512vbmi,bmi2")))
  RANKDX_AVX512 static void avx512(const PlaceFilter& filter, std::string_view line,
                                   Window* windows) {
    __m512i low[kSieves][kBytes], high[kSieves][kBytes];
#pragma GCC unroll 3
    for (size_t k = 0; k < kSieves; ++k) {
#pragma GCC unroll 3
      for (size_t i = 0; i < kBytes; ++i) {
        low[k][i] = _mm512_loadu_si512(filter.sieves_[k][i].whole.data());
        high[k][i] = _mm512_loadu_si512(filter.sieves_[k][i].whole.data() + kWindow);
      }
    }
    for (size_t at = 0; at < line.size(); at += kWindow) {
      const size_t left = line.size() - at;
      __m512i groups[kSieves];
#pragma GCC unroll 3
      for (size_t i = 0; i < kBytes; ++i) {
        // Bytes behind the line are not touched, and zeros.
        const auto there = static_cast<unsigned>(left < i ? 0 : std::min(left - i, kWindow));
        const __m512i v =
            _mm512_maskz_loadu_epi8(_bzhi_u64(~uint64_t{0}, there), line.data() + at + i);
#pragma GCC unroll 3
        for (size_t k = 0; k < kSieves; ++k) {
          const __m512i here = _mm512_permutex2var_epi8(low[k][i], v, high[k][i]);
          groups[k] = i == 0 ? here : _mm512_and_si512(groups[k], here);
        }
      }
      const uint64_t inside = beginnings(left);
      const auto test = [inside](__m512i v, uint8_t bits) RANKDX_AVX512 {
        return _mm512_mask_test_epi8_mask(inside, v, _mm512_set1_epi8(static_cast<char>(bits)));
      };
      const __m512i first = _mm512_or_si512(groups[0], groups[1]);
      *windows++ = {test(first, 0xff) | test(groups[2], kBegins), test(groups[2], kDots),
                    test(groups[2], kColons), test(groups[2], kTwice)};
    }
  }
#endif
};

std::vector<PlaceFilter::Way> PlaceFilter::ways() {
  std::vector<Way> ways;
#ifdef __SSE2__
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi") &&
      __builtin_cpu_supports("bmi2"))
    ways.push_back(PlaceWays::avx512);
  if (__builtin_cpu_supports("avx2")) ways.push_back(PlaceWays::avx2);
#endif
  ways.push_back(PlaceWays::plain);
  return ways;
}

PlaceFilter::PlaceFilter() {
  ByteSet digits, hex, dot, colon, any{{~uint64_t{0}, ~uint64_t{0}}};
  for (char c : std::string_view("0123456789")) digits.add(c);
  for (char c : std::string_view("0123456789abcdefABCDEF")) hex.add(c);
  dot.add('.');
  colon.add(':');
  put({digits, dot, digits}, kDots);
  put({hex, colon, hex}, kColons);
  put({colon, colon, any}, kTwice);
}

void PlaceFilter::put(const Beginning& beginning, size_t group) {
  const auto bit = static_cast<uint8_t>(1u << group % 8);
  for (size_t i = 0; i < kBytes; ++i) {
    Sieve& sieve = sieves_[group / 8][i];
    for (size_t word = 0; word < 2; ++word) {
      groups_[group][i].bits[word] |= beginning[i].bits[word];
      for_each_bit(beginning[i].bits[word], [&](size_t b) {
        const size_t byte = word * 64 + b;
        sieve.whole[byte] |= bit;
        sieve.low[byte & 15] |= bit;
        sieve.high[byte >> 4] |= bit;
        sieve.high[byte >> 4 | 8] |= bit;
      });
    }
  }
  share_[group] = lets_through(groups_[group]);
}

void PlaceFilter::add(std::string_view beginning, Case letters) {
  Beginning sets;
  for (size_t i = 0; i < kBytes; ++i) {
    if (i >= beginning.size()) {
      sets[i].bits.fill(~uint64_t{0});
      continue;
    }
    sets[i].add(beginning[i]);
    if (letters == Case::Either && is_letter(beginning[i]))
      sets[i].add(static_cast<char>(beginning[i] ^ 0x20));
  }
  // The group that then lets least more through.
  size_t best = 0;
  double least = 2;
  for (size_t group = 0; group < kDots; ++group) {
    Beginning with = groups_[group];
    for (size_t i = 0; i < kBytes; ++i) {
      for (size_t word = 0; word < 2; ++word) with[i].bits[word] |= sets[i].bits[word];
    }
    const double more = lets_through(with) - share_[group];
    if (more < least) least = more, best = group;
  }
  put(sets, best);
}

std::span<PlaceFilter::Window> PlaceFilter::places(std::string_view line,
                                                   std::vector<Window>& windows, Way way) const {
  const size_t count = line.size() / kWindow + 1;
  if (windows.size() < count) windows.resize(count);
  windows[count - 1] = {};
  way(*this, line, windows.data());
  return {windows.data(), count};
}

}  // namespace rankdx
