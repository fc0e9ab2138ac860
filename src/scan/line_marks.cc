#include "scan/line_marks.h"

#include <bit>

#include "scan/avx2.h"

namespace rankdx {
namespace {

bool is_odd(char c) { return static_cast<signed char>(c) < 0x20; }  // signed: also from 0x80 on

inline void note(std::string_view line, size_t at, LineMarks& marks) {
  if (!line.substr(at).starts_with("NCCL ")) return;
  if (marks.nccl == LineMarks::kNone) {
    marks.nccl = at;
  } else if (at > marks.nccl && marks.nccl_again == LineMarks::kNone) {
    marks.nccl_again = at;
  }
}

void mark_bytes(std::string_view line, LineMarks& marks) {
  for (size_t i = 0; i < line.size(); ++i) {
    marks.odd |= is_odd(line[i]);
    if (line[i] == 'N') note(line, i, marks);
  }
}

#ifdef __SSE2__
constexpr size_t kReach = 3;  // each block is looked at twice, kReach bytes apart: for 'N' and 'L'

struct Sse2 {
  static constexpr size_t kBlock = 16;
  __m128i odd = _mm_setzero_si128();

  static __m128i load(const char* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  /// A bit for each 'N' that an 'L' follows at its place.
  uint64_t names(const char* p) {
    const __m128i here = load(p);
    odd = _mm_or_si128(odd, _mm_cmplt_epi8(here, _mm_set1_epi8(' ')));
    return static_cast<unsigned>(
        _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8('N')),
                                        _mm_cmpeq_epi8(load(p + kReach), _mm_set1_epi8('L')))));
  }
  bool any_odd() const { return _mm_movemask_epi8(odd) != 0; }
};

struct Avx2 {
  static constexpr size_t kBlock = 64;
  __m256i odd;

  RANKDX_AVX2 Avx2() : odd(_mm256_setzero_si256()) {}
  RANKDX_AVX2 uint64_t names32(const char* p) {
    const __m256i here = avx2::load(p);
    odd = _mm256_or_si256(odd, _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), here));
    return static_cast<unsigned>(_mm256_movemask_epi8(
        _mm256_and_si256(_mm256_cmpeq_epi8(here, _mm256_set1_epi8('N')),
                         _mm256_cmpeq_epi8(avx2::load(p + kReach), _mm256_set1_epi8('L')))));
  }
  RANKDX_AVX2 uint64_t names(const char* p) { return names32(p) | names32(p + 32) << 32; }
  RANKDX_AVX2 bool any_odd() const { return _mm256_movemask_epi8(odd) != 0; }
};

/// The last block overlaps the one before it, so that nothing behind the line is read.
template <class Vectors>
[[gnu::always_inline]] inline void mark_blocks(std::string_view line, LineMarks& marks) {
  Vectors vectors;
  LineMarks found;
  const size_t last = line.size() - Vectors::kBlock - kReach;
  for (size_t at = 0;;) {
    for (uint64_t names = vectors.names(&line[at]); names; names &= names - 1) {
      note(line, at + std::countr_zero(names), found);
    }
    if (at == last) break;
    at = at + Vectors::kBlock < last ? at + Vectors::kBlock : last;
  }
  found.odd = vectors.any_odd();
  for (size_t i = line.size() - kReach; i < line.size(); ++i) found.odd |= is_odd(line[i]);
  marks = found;
}

RANKDX_AVX2 void mark_blocks_avx2(std::string_view line, LineMarks& marks) {
  mark_blocks<Avx2>(line, marks);
}
#endif

}  // namespace

LineMarks mark_line(std::string_view line) {
  LineMarks marks;
#ifdef __SSE2__
  static const bool has_avx2 = avx2::is_there();
  if (has_avx2 && line.size() >= Avx2::kBlock + kReach) {
    mark_blocks_avx2(line, marks);
    return marks;
  }
  if (line.size() >= Sse2::kBlock + kReach) {
    mark_blocks<Sse2>(line, marks);
    return marks;
  }
#endif
  mark_bytes(line, marks);
  return marks;
}

}  // namespace rankdx
