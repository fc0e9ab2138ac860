#include "scan/line_marks.h"

#include <bit>
#include <cstring>

#include "base/text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace rankdx {
namespace {

constexpr std::string_view kNccl = "NCCL ";

bool is_odd(char c) { return static_cast<signed char>(c) < 0x20; }  // signed: also from 0x80 on

/// `dash` is the first '-' of a possible date.
void note_date(std::string_view line, size_t dash, LineMarks& marks) {
  if (dash < 4 || dash + 6 > line.size() || marks.dates == LineMarks::kMaxDates) return;
  if (marks.dates && marks.date[marks.dates - 1] + 4 >= dash) return;
  for (size_t i :
       {dash - 4, dash - 3, dash - 2, dash - 1, dash + 1, dash + 2, dash + 4, dash + 5}) {
    if (!is_digit(line[i])) return;
  }
  marks.date[marks.dates++] = dash - 4;
}

void note_nccl(std::string_view line, size_t at, LineMarks& marks) {
  if (line.size() - at < kNccl.size() || std::memcmp(&line[at], kNccl.data(), kNccl.size()) != 0) {
    return;
  }
  if (marks.nccl == LineMarks::kNone) {
    marks.nccl = at;
  } else if (at > marks.nccl && marks.nccl_again == LineMarks::kNone) {
    marks.nccl_again = at;
  }
}

void note(std::string_view line, size_t at, LineMarks& marks) {
  if (line[at] == 'N') return note_nccl(line, at, marks);
  if (marks.nccl == LineMarks::kNone) note_date(line, at, marks);
}

void mark_bytes(std::string_view line, LineMarks& marks) {
  for (size_t i = 0; i < line.size(); ++i) {
    marks.odd |= is_odd(line[i]);
    if (line[i] == 'N' || (line[i] == '-' && i + 3 < line.size() && line[i + 3] == '-')) {
      note(line, i, marks);
    }
  }
}

#ifdef __SSE2__
constexpr size_t kBlock = 16, kReach = 3;  // each block is looked at twice, kReach bytes apart

__m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

void mark_blocks(std::string_view line, LineMarks& marks) {
  const __m128i n = _mm_set1_epi8('N'), l = _mm_set1_epi8('L'), dash = _mm_set1_epi8('-');
  const __m128i blank = _mm_set1_epi8(' ');
  __m128i odd = _mm_setzero_si128();
  const size_t last = line.size() - kBlock - kReach;
  for (size_t at = 0;;) {
    const __m128i here = load(&line[at]), ahead = load(&line[at + kReach]);
    odd = _mm_or_si128(odd, _mm_cmplt_epi8(here, blank));
    const __m128i name = _mm_and_si128(_mm_cmpeq_epi8(here, n), _mm_cmpeq_epi8(ahead, l));
    const __m128i date = _mm_and_si128(_mm_cmpeq_epi8(here, dash), _mm_cmpeq_epi8(ahead, dash));
    auto hits = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(name, date)));
    for (; hits; hits &= hits - 1) note(line, at + std::countr_zero(hits), marks);
    if (at == last) break;
    at = at + kBlock < last ? at + kBlock : last;
  }
  marks.odd = _mm_movemask_epi8(odd) != 0;
  for (size_t i = line.size() - kReach; i < line.size(); ++i) marks.odd |= is_odd(line[i]);
}
#endif

}  // namespace

LineMarks mark_line(std::string_view line) {
  LineMarks marks;
#ifdef __SSE2__
  if (line.size() >= kBlock + kReach) {
    mark_blocks(line, marks);
    return marks;
  }
#endif
  mark_bytes(line, marks);
  return marks;
}

}  // namespace rankdx
