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

constexpr size_t kWindow = 64, kReach = PlaceFilter::kBytes - 1;

bool is_letter(char c) { return is_alnum(c) && !is_digit(c); }

/// How often bytes with these halves stand in a log, roughly: 1 for all.
double share_of(uint32_t low, uint32_t high) {
  static const auto kWeights = [] {
    std::array<double, 256> weights{};
    double sum = 0;
    const auto is_one_of = [](std::string_view all, char c) { return all.find(c) != all.npos; };
    for (int code = ' '; code < 127; ++code) {
      const char c = static_cast<char>(code);
      const bool lower = c >= 'a' && c <= 'z';
      sum += weights[size_t(code)] = is_one_of("aceinorst", c)                             ? 10
                                     : is_digit(c) || (lower && !is_one_of("jkqvwxyz", c)) ? 5
                                     : is_letter(c)                                        ? 2
                                                                                           : 1;
    }
    for (double& w : weights) w /= sum;
    return weights;
  }();
  double share = 0;
  for (; high != 0; high &= high - 1) {
    const size_t row = size_t(std::countr_zero(high)) * 16;
    for (uint32_t left = low; left != 0; left &= left - 1)
      share += kWeights[row + size_t(std::countr_zero(left))];
  }
  return share;
}

}  // namespace

/// Each reads kReach bytes behind its last window.
struct PlaceWays {
  static constexpr size_t kSieves = PlaceFilter::kSieves, kBytes = PlaceFilter::kBytes;

  static void plain(const PlaceFilter&, const char*, size_t windows, uint64_t* masks) {
    std::fill_n(masks, windows, ~uint64_t{0});
  }

#ifdef __SSE2__
  static __m128i table(const std::array<uint8_t, 16>& half) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(half.data()));
  }

#define RANKDX_AVX2 __attribute__((target("avx2")))
  struct Avx2 {
    __m256i low[kSieves][kBytes], high[kSieves][kBytes];
    RANKDX_AVX2 explicit Avx2(const PlaceFilter& filter) {
#pragma GCC unroll 2
      for (size_t k = 0; k < kSieves; ++k) {
#pragma GCC unroll 3
        for (size_t i = 0; i < kBytes; ++i) {
          low[k][i] = _mm256_broadcastsi128_si256(table(filter.sieves_[k][i].low));
          high[k][i] = _mm256_broadcastsi128_si256(table(filter.sieves_[k][i].high));
        }
      }
    }
    RANKDX_AVX2 uint32_t of(const char* p) const {
      const __m256i half = _mm256_set1_epi8(15);
      __m256i groups[kSieves] = {_mm256_set1_epi8(-1), _mm256_set1_epi8(-1)};
#pragma GCC unroll 3
      for (size_t i = 0; i < kBytes; ++i) {
        const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + i));
        const __m256i l = _mm256_and_si256(v, half);
        const __m256i h = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
#pragma GCC unroll 2
        for (size_t k = 0; k < kSieves; ++k)
          groups[k] =
              _mm256_and_si256(groups[k], _mm256_and_si256(_mm256_shuffle_epi8(low[k][i], l),
                                                           _mm256_shuffle_epi8(high[k][i], h)));
      }
      const __m256i any = _mm256_or_si256(groups[0], groups[1]);
      const __m256i none = _mm256_cmpeq_epi8(any, _mm256_setzero_si256());
      return ~static_cast<uint32_t>(_mm256_movemask_epi8(none));
    }
  };
  RANKDX_AVX2 static void avx2(const PlaceFilter& filter, const char* text, size_t windows,
                               uint64_t* masks) {
    const Avx2 sieve(filter);
    for (size_t i = 0; i < windows; ++i, text += kWindow)
      masks[i] = sieve.of(text) | uint64_t{sieve.of(text + 32)} << 32;
  }

#define RANKDX_AVX512 __attribute__((target("avx512bw")))
  struct Avx512 {
    __m512i low[kSieves][kBytes], high[kSieves][kBytes];
    RANKDX_AVX512 explicit Avx512(const PlaceFilter& filter) {
#pragma GCC unroll 2
      for (size_t k = 0; k < kSieves; ++k) {
#pragma GCC unroll 3
        for (size_t i = 0; i < kBytes; ++i) {
          low[k][i] = _mm512_maskz_broadcast_i32x4(0xffff, table(filter.sieves_[k][i].low));
          high[k][i] = _mm512_maskz_broadcast_i32x4(0xffff, table(filter.sieves_[k][i].high));
        }
      }
    }
    RANKDX_AVX512 uint64_t of(const char* p) const {
      const __m512i half = _mm512_set1_epi8(15);
      __m512i groups[kSieves] = {_mm512_set1_epi8(-1), _mm512_set1_epi8(-1)};
#pragma GCC unroll 3
      for (size_t i = 0; i < kBytes; ++i) {
        const __m512i v = _mm512_loadu_si512(p + i);
        const __m512i l = _mm512_and_si512(v, half);
        const __m512i h = _mm512_and_si512(_mm512_srli_epi16(v, 4), half);
#pragma GCC unroll 2
        for (size_t k = 0; k < kSieves; ++k)
          groups[k] =
              _mm512_and_si512(groups[k], _mm512_and_si512(_mm512_shuffle_epi8(low[k][i], l),
                                                           _mm512_shuffle_epi8(high[k][i], h)));
      }
      const __m512i any = _mm512_or_si512(groups[0], groups[1]);
      return _mm512_test_epi8_mask(any, any);
    }
  };
  RANKDX_AVX512 static void avx512(const PlaceFilter& filter, const char* text, size_t windows,
                                   uint64_t* masks) {
    const Avx512 sieve(filter);
    for (size_t i = 0; i < windows; ++i, text += kWindow) masks[i] = sieve.of(text);
  }
#endif
};

std::vector<PlaceFilter::Way> PlaceFilter::ways() {
  std::vector<Way> ways;
#ifdef __SSE2__
  if (__builtin_cpu_supports("avx512bw")) ways.push_back(PlaceWays::avx512);
  if (__builtin_cpu_supports("avx2")) ways.push_back(PlaceWays::avx2);
#endif
  ways.push_back(PlaceWays::plain);
  return ways;
}

PlaceFilter::Beginning PlaceFilter::of_group(int group) const {
  Beginning sets{};
  for (size_t i = 0; i < kBytes; ++i) {
    const Halves& halves = sieves_[size_t(group) / 8][i];
    for (uint32_t half = 0; half < 16; ++half) {
      sets[i].low |= uint32_t(halves.low[half] >> group % 8 & 1) << half;
      sets[i].high |= uint32_t(halves.high[half] >> group % 8 & 1) << half;
    }
  }
  return sets;
}

void PlaceFilter::add(std::string_view beginning, Case letters) {
  Beginning sets;
  for (size_t i = 0; i < kBytes; ++i) {
    sets[i] = {0xffff, 0xffff};
    if (i >= beginning.size()) continue;
    const auto byte = static_cast<unsigned char>(beginning[i]);
    const bool both = letters == Case::Either && is_letter(beginning[i]);  // 'A' 0x41, 'a' 0x61
    sets[i] = {1u << (byte & 15), 1u << (byte >> 4) | (both ? 1u << (byte >> 4 ^ 2) : 0)};
  }
  // The group that then lets least more through.
  const auto lets_through = [](const Beginning& of, const Beginning& with) {
    double product = 1;
    for (size_t i = 0; i < kBytes; ++i)
      product *= share_of(of[i].low | with[i].low, of[i].high | with[i].high);
    return product;
  };
  int best = 0;
  double least = 2;
  for (int group = 0; group < kGroups; ++group) {
    const Beginning had = of_group(group);
    const double more = lets_through(had, sets) - lets_through(had, {});
    if (more < least) least = more, best = group;
  }
  for (size_t i = 0; i < kBytes; ++i) {
    Halves& halves = sieves_[size_t(best) / 8][i];
    for (uint32_t half = 0; half < 16; ++half) {
      halves.low[half] |= static_cast<uint8_t>((sets[i].low >> half & 1) << best % 8);
      halves.high[half] |= static_cast<uint8_t>((sets[i].high >> half & 1) << best % 8);
    }
  }
}

void PlaceFilter::places(std::string_view line, std::vector<uint64_t>& masks, Way way) const {
  masks.resize(line.size() / kWindow + 1);
  const size_t whole = line.size() < kReach ? 0 : (line.size() - kReach) / kWindow;
  if (whole > 0) way(*this, line.data(), whole, masks.data());
  std::fill(masks.begin() + static_cast<long>(whole), masks.end(), 0);
  const size_t at = whole * kWindow, left = line.size() - at;
  if (left < kBytes) return;
  // What is left: again with bytes before it, or from a copy where the line is too short.
  if (whole > 0) {
    const size_t last = line.size() - kReach - kWindow;
    way(*this, line.data() + last, 1, &masks[whole]);
    masks[whole] >>= at - last;
    return;
  }
  std::array<char, kWindow + kReach> copy{};
  std::memcpy(copy.data(), line.data(), left);
  way(*this, copy.data(), 1, masks.data());
  masks[0] &= (uint64_t{1} << (left - kReach)) - 1;
}

}  // namespace rankdx
