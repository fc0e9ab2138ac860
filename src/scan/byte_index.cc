#include "scan/byte_index.h"

#include <bit>
#include <vector>

#include "scan/avx2.h"

namespace rankdx {
namespace {

void index_plain(const char* text, size_t pieces, ByteIndex& index) {
  uint16_t *newlines = index.newlines.data(), *names = index.names.data(), *odd = index.odd.data();
  for (uint16_t at = 0; at < pieces * kPiece; ++at) {
    if (text[at] == '\n') {
      *newlines++ = at;
    } else if (static_cast<signed char>(text[at]) < ' ') {  // signed: also from 0x80 on
      *odd++ = at;
    } else if (text[at] == 'N' && text[at + kNameReach] == 'L') {
      *names++ = at;
    }
  }
  *newlines = *names = *odd = ByteIndex::kEnd;
}

#ifdef __SSE2__
struct PieceMasks {
  uint64_t newlines = 0, names = 0, odd = 0;
};

PieceMasks masks_sse2(const char* text) {
  PieceMasks masks;
  for (size_t at = 0; at < kPiece; at += 16) {
    const auto load = [&](size_t behind) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at + behind));
    };
    const auto bits = [&](__m128i v) {
      return uint64_t{static_cast<uint16_t>(_mm_movemask_epi8(v))} << at;
    };
    const __m128i here = load(0);
    masks.newlines |= bits(_mm_cmpeq_epi8(here, _mm_set1_epi8('\n')));
    masks.odd |= bits(_mm_cmplt_epi8(here, _mm_set1_epi8(' ')));
    masks.names |= bits(_mm_and_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8('N')),
                                      _mm_cmpeq_epi8(load(kNameReach), _mm_set1_epi8('L'))));
  }
  return masks;
}

RANKDX_AVX2 inline PieceMasks masks_avx2(const char* text) {
  using avx2::bits, avx2::load;
  const __m256i low = load(text), high = load(text + 32);
  const __m256i newline = _mm256_set1_epi8('\n'), blank = _mm256_set1_epi8(' ');
  const __m256i n = _mm256_set1_epi8('N'), l = _mm256_set1_epi8('L');
  const __m256i low_behind = _mm256_cmpeq_epi8(load(text + kNameReach), l);
  const __m256i high_behind = _mm256_cmpeq_epi8(load(text + 32 + kNameReach), l);
  return {bits(_mm256_cmpeq_epi8(low, newline), _mm256_cmpeq_epi8(high, newline)),
          bits(_mm256_and_si256(_mm256_cmpeq_epi8(low, n), low_behind),
               _mm256_and_si256(_mm256_cmpeq_epi8(high, n), high_behind)),
          bits(_mm256_cmpgt_epi8(blank, low), _mm256_cmpgt_epi8(blank, high))};
}

#define RANKDX_AVX512 __attribute__((target("avx512bw,bmi,popcnt")))
RANKDX_AVX512 inline PieceMasks masks_avx512(const char* text) {
  const __m512i here = _mm512_loadu_si512(text), behind = _mm512_loadu_si512(text + kNameReach);
  return {_mm512_cmpeq_epi8_mask(here, _mm512_set1_epi8('\n')),
          _mm512_cmpeq_epi8_mask(here, _mm512_set1_epi8('N')) &
              _mm512_cmpeq_epi8_mask(behind, _mm512_set1_epi8('L')),
          _mm512_cmplt_epi8_mask(here, _mm512_set1_epi8(' '))};
}

/// Writes a few places whether there are so many or not: most pieces have one, some two, and no
/// branch can tell.
[[gnu::always_inline]] inline uint16_t* put(uint64_t mask, size_t at, uint16_t* places) {
  const int count = std::popcount(mask);
  constexpr int kBlindly = 3;
  for (int i = 0; i < kBlindly; ++i, mask &= mask - 1) {
    places[i] = static_cast<uint16_t>(at + static_cast<size_t>(std::countr_zero(mask)));
  }
  for (int i = kBlindly; i < count; ++i, mask &= mask - 1) {
    places[i] = static_cast<uint16_t>(at + static_cast<size_t>(std::countr_zero(mask)));
  }
  return places + count;
}

template <class Masks>
[[gnu::always_inline]] inline void index_pieces(const char* text, size_t pieces, ByteIndex& index,
                                                Masks masks_of) {
  uint16_t *newlines = index.newlines.data(), *names = index.names.data(), *odd = index.odd.data();
  for (size_t at = 0; at < pieces * kPiece; at += kPiece) {
    const PieceMasks masks = masks_of(text + at);
    newlines = put(masks.newlines, at, newlines);
    names = put(masks.names, at, names);
    if (masks.odd != masks.newlines) odd = put(masks.odd & ~masks.newlines, at, odd);
  }
  *newlines = *names = *odd = ByteIndex::kEnd;
}

void index_sse2(const char* text, size_t pieces, ByteIndex& index) {
  index_pieces(text, pieces, index, masks_sse2);
}
RANKDX_AVX2 void index_avx2(const char* text, size_t pieces, ByteIndex& index) {
  index_pieces(text, pieces, index, masks_avx2);
}
RANKDX_AVX512 void index_avx512(const char* text, size_t pieces, ByteIndex& index) {
  index_pieces(text, pieces, index, masks_avx512);
}
#endif

std::vector<IndexWay> find_ways() {
  std::vector<IndexWay> ways;
#ifdef __SSE2__
  const bool bits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
  if (bits && __builtin_cpu_supports("avx512bw")) ways.push_back({"avx512", index_avx512});
  if (avx2::is_there()) ways.push_back({"avx2", index_avx2});
  ways.push_back({"sse2", index_sse2});
#endif
  ways.push_back({"plain", index_plain});
  return ways;
}

}  // namespace

std::span<const IndexWay> index_ways() {
  static const std::vector<IndexWay> ways = find_ways();
  return ways;
}

}  // namespace rankdx
