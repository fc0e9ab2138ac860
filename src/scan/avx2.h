// What the AVX2 ways of several passes over bytes share. For functions with RANKDX_AVX2 (or more)
// only, on machines that have it.
#pragma once

#ifdef __SSE2__
#include <immintrin.h>

#include <cstdint>

#define RANKDX_AVX2 __attribute__((target("avx2,bmi,popcnt")))

namespace rankdx::avx2 {

/// Whether this machine has all that RANKDX_AVX2 asks for.
inline bool is_there() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("popcnt");
}

RANKDX_AVX2 inline __m256i load(const char* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

/// A bit per byte: of 32, or of two times 32.
RANKDX_AVX2 inline uint64_t bits(__m256i v) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(v));
}
RANKDX_AVX2 inline uint64_t bits(__m256i low, __m256i high) { return bits(low) | bits(high) << 32; }

RANKDX_AVX2 inline __m256i in_range(__m256i v, char first, char last) {
  const __m256i place = _mm256_sub_epi8(v, _mm256_set1_epi8(first));
  const __m256i most = _mm256_set1_epi8(static_cast<char>(last - first));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(place, most), place);
}

}  // namespace rankdx::avx2
#endif
