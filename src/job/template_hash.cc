#include "job/template_hash.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "scan/avx2.h"
#include "scan/quick_text.h"

namespace rankdx {
namespace {

bool goes_on(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return is_digit(c) || (lower >= 'a' && lower <= 'f') || c == 'x';
}

size_t replace_plain(std::string_view piece, char* out, bool& in_number) {
  char* to = out;
  for (char c : piece) {
    if (in_number && goes_on(c)) continue;
    in_number = is_digit(c);
    *to++ = in_number ? '0' : c;
  }
  return static_cast<size_t>(to - out);
}

#ifdef __SSE2__
constexpr size_t kWindow = 64;

/// The bytes of a window that stay: all but those of a number behind its first one. `more`: digits
/// and what may stand in a number behind one.
[[gnu::always_inline]] inline uint64_t staying(uint64_t digits, uint64_t more, uint64_t& carry) {
  // In a row of `more` the first digit makes a carry that runs to the end of the row: what it
  // passes belongs to a number.
  const uint64_t numbers = digits | (more & ~(more + digits + carry));
  const uint64_t behind = numbers & (numbers << 1 | carry);
  carry = numbers >> 63;
  return ~behind;
}

#define RANKDX_AVX512 __attribute__((target("avx512bw,avx512vbmi2,bmi,popcnt")))
RANKDX_AVX512 size_t replace_avx512(std::string_view piece, char* out, bool& in_number) {
  const __m512i zero = _mm512_set1_epi8('0');
  uint64_t carry = in_number;
  char* to = out;
  for (size_t at = 0; at < piece.size(); at += kWindow) {
    const size_t left = piece.size() - at;
    const uint64_t there = left >= kWindow ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
    const __m512i text = _mm512_maskz_loadu_epi8(there, piece.data() + at);
    const __m512i lower = _mm512_or_si512(text, _mm512_set1_epi8(0x20));
    const auto in_range = [](__m512i bytes, char first, char count) RANKDX_AVX512 {
      return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(first)),
                                    _mm512_set1_epi8(count));
    };
    const uint64_t digits = in_range(text, '0', 10);
    const uint64_t more =
        digits | in_range(lower, 'a', 6) | _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('x'));
    const uint64_t stay = staying(digits, more, carry) & there;
    _mm512_storeu_si512(to,
                        _mm512_maskz_compress_epi8(stay, _mm512_mask_mov_epi8(text, digits, zero)));
    to += std::popcount(stay);
  }
  in_number = carry;
  return static_cast<size_t>(to - out);
}

/// For each mask of eight bytes: the places of those that stay, moved together.
constexpr auto kTogether = [] {
  std::array<std::array<uint8_t, 8>, 256> table{};
  for (size_t mask = 0; mask < table.size(); ++mask) {
    size_t n = 0;
    for (uint8_t i = 0; i < 8; ++i) {
      if (mask >> i & 1) table[mask][n++] = i;
    }
  }
  return table;
}();

RANKDX_AVX2 size_t replace_avx2(std::string_view piece, char* out, bool& in_number) {
  uint64_t carry = in_number;
  char* to = out;
  std::array<char, kWindow> copy{};
  for (size_t at = 0; at < piece.size(); at += kWindow) {
    const size_t left = std::min(piece.size() - at, kWindow);
    const uint64_t there = left == kWindow ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
    const char* from = piece.data() + at;
    if (left < kWindow) {
      copy.fill(0);
      from = static_cast<char*>(std::memcpy(copy.data(), from, left));
    }
    uint64_t digits = 0, more = 0;
    std::array<char, kWindow> zeros;
    for (size_t half = 0; half < kWindow; half += 32) {
      const __m256i text = avx2::load(from + half);
      const __m256i lower = _mm256_or_si256(text, _mm256_set1_epi8(0x20));
      const __m256i digit = avx2::in_range(text, '0', '9');
      const __m256i letter = _mm256_or_si256(avx2::in_range(lower, 'a', 'f'),
                                             _mm256_cmpeq_epi8(text, _mm256_set1_epi8('x')));
      digits |= avx2::bits(digit) << half;
      more |= avx2::bits(_mm256_or_si256(digit, letter)) << half;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(&zeros[half]),
                          _mm256_blendv_epi8(text, _mm256_set1_epi8('0'), digit));
    }
    const uint64_t stay = staying(digits, more, carry) & there;
    for (size_t i = 0; i < kWindow; i += 8) {
      const uint8_t mask = static_cast<uint8_t>(stay >> i);
      const auto load = [](const void* p)
                            RANKDX_AVX2 { return _mm_loadl_epi64(static_cast<const __m128i*>(p)); };
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to),
                       _mm_shuffle_epi8(load(&zeros[i]), load(kTogether[mask].data())));
      to += std::popcount(mask);
    }
  }
  in_number = carry;
  return static_cast<size_t>(to - out);
}
#endif

/// All of 128 bits count: this hash alone says whether two texts are one. A text whose size is no
/// multiple of 16 has zeros behind it.
uint64_t hash_of(const char* text, size_t size, uint64_t hash) {
  using Wide = unsigned __int128;
  hash ^= size;
  for (size_t at = 0; at < size; at += 16) {
    const Wide product = static_cast<Wide>(load8(text + at) ^ hash ^ 0xa0761d6478bd642fULL) *
                         (load8(text + at + 8) ^ 0xe7037ed1a0b428dbULL);
    hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  return hash;
}

std::vector<NumberWay> find_ways() {
  std::vector<NumberWay> ways;
#ifdef __SSE2__
  const bool bits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
  if (bits && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2"))
    ways.push_back({"avx512", replace_avx512});
  if (avx2::is_there()) ways.push_back({"avx2", replace_avx2});
#endif
  ways.push_back({"plain", replace_plain});
  return ways;
}

}  // namespace

std::span<const NumberWay> number_ways() {
  static const std::vector<NumberWay> ways = find_ways();
  return ways;
}

uint64_t template_hash(std::string_view text) {
  static const ReplaceNumbers replace = number_ways().front().replace;
  std::array<char, 2 * kNumberPiece + kNumberSlack> buffer;
  uint64_t hash = 0;
  size_t size = 0;
  bool in_number = false;
  while (true) {
    const std::string_view piece = text.substr(0, kNumberPiece);
    size += replace(piece, buffer.data() + size, in_number);
    text.remove_prefix(piece.size());
    if (text.empty()) {
      std::memset(buffer.data() + size, 0, 16);
      return hash_of(buffer.data(), size, hash);
    }
    if (size < kNumberPiece) continue;
    size -= kNumberPiece;
    hash = hash_of(buffer.data(), kNumberPiece, hash);
    std::memmove(buffer.data(), buffer.data() + kNumberPiece, size);
  }
}

}  // namespace rankdx
