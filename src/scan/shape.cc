#include "scan/shape.h"

#include <vector>

#include "base/text.h"
#include "scan/avx2.h"

namespace rankdx {
namespace {

/// A bit per byte of a piece.
struct PieceBits {
  uint64_t same = 0;     ///< as in the shape
  uint64_t digits = 0;   ///< 0 to 9
  uint64_t letters = 0;  ///< a to f, A to F
};

bool is_hex_letter(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f';
}

bool is_hex(char c) { return is_digit(c) || is_hex_letter(c); }

template <class BitsOf>
[[gnu::always_inline]] inline bool fits_pieces(const Shape& shape, const char* text,
                                               BitsOf bits_of) {
  for (size_t i = 0; i * kPiece < shape.size; ++i) {
    const PieceBits bits = bits_of(shape.text.data() + i * kPiece, text + i * kPiece);
    const uint64_t misfits = (shape.fixed[i] & ~bits.same) | (shape.decimal[i] & ~bits.digits) |
                             (shape.hex[i] & ~(bits.digits | bits.letters));
    if (misfits != 0) return false;
  }
  return true;
}

PieceBits bits_plain(const char* model, const char* text) {
  PieceBits bits;
  for (size_t i = 0; i < kPiece; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    if (text[i] == model[i]) bits.same |= bit;
    if (is_digit(text[i])) bits.digits |= bit;
    if (is_hex_letter(text[i])) bits.letters |= bit;
  }
  return bits;
}

bool fits_plain(const Shape& shape, const char* text) {
  return fits_pieces(shape, text, bits_plain);
}

#ifdef __SSE2__
PieceBits bits_sse2(const char* model, const char* text) {
  PieceBits bits;
  for (size_t at = 0; at < kPiece; at += 16) {
    const auto load = [&](const char* p) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + at));
    };
    const auto mask = [&](__m128i v) {
      return uint64_t{static_cast<uint16_t>(_mm_movemask_epi8(v))} << at;
    };
    const auto in_range = [](__m128i v, char first, char last) {
      const __m128i place = _mm_sub_epi8(v, _mm_set1_epi8(first));
      const __m128i most = _mm_set1_epi8(static_cast<char>(last - first));
      return _mm_cmpeq_epi8(_mm_min_epu8(place, most), place);
    };
    const __m128i here = load(text);
    bits.same |= mask(_mm_cmpeq_epi8(here, load(model)));
    bits.digits |= mask(in_range(here, '0', '9'));
    bits.letters |= mask(in_range(_mm_or_si128(here, _mm_set1_epi8(0x20)), 'a', 'f'));
  }
  return bits;
}

RANKDX_AVX2 inline PieceBits bits_avx2(const char* model, const char* text) {
  using avx2::bits, avx2::in_range, avx2::load;
  const __m256i low = load(text), high = load(text + 32), blank = _mm256_set1_epi8(0x20);
  return {bits(_mm256_cmpeq_epi8(low, load(model)), _mm256_cmpeq_epi8(high, load(model + 32))),
          bits(in_range(low, '0', '9'), in_range(high, '0', '9')),
          bits(in_range(_mm256_or_si256(low, blank), 'a', 'f'),
               in_range(_mm256_or_si256(high, blank), 'a', 'f'))};
}

#define RANKDX_AVX512 __attribute__((target("avx512bw,bmi")))
RANKDX_AVX512 inline PieceBits bits_avx512(const char* model, const char* text) {
  const __m512i here = _mm512_loadu_si512(text);
  const __m512i digit = _mm512_sub_epi8(here, _mm512_set1_epi8('0'));
  const __m512i letter =
      _mm512_sub_epi8(_mm512_or_si512(here, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
  return {_mm512_cmpeq_epi8_mask(here, _mm512_loadu_si512(model)),
          _mm512_cmplt_epu8_mask(digit, _mm512_set1_epi8(10)),
          _mm512_cmplt_epu8_mask(letter, _mm512_set1_epi8(6))};
}

bool fits_sse2(const Shape& shape, const char* text) { return fits_pieces(shape, text, bits_sse2); }
RANKDX_AVX2 bool fits_avx2(const Shape& shape, const char* text) {
  return fits_pieces(shape, text, bits_avx2);
}
RANKDX_AVX512 bool fits_avx512(const Shape& shape, const char* text) {
  return fits_pieces(shape, text, bits_avx512);
}
#endif

std::vector<ShapeWay> find_ways() {
  std::vector<ShapeWay> ways;
#ifdef __SSE2__
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi"))
    ways.push_back({"avx512", fits_avx512});
  if (avx2::is_there()) ways.push_back({"avx2", fits_avx2});
  ways.push_back({"sse2", fits_sse2});
#endif
  ways.push_back({"plain", fits_plain});
  return ways;
}

enum class Free : uint8_t { No, Decimal, Hex };

void put(Shape& shape, size_t at, char c, Free free) {
  auto& bits = free == Free::No ? shape.fixed : free == Free::Hex ? shape.hex : shape.decimal;
  bits[at / kPiece] |= uint64_t{1} << at % kPiece;
  if (free == Free::No) shape.text[at] = c;
}

}  // namespace

Shape shape_of(std::string_view text, std::string_view hex) {
  Shape shape;
  shape.size = text.size();
  const size_t hex_at = hex.empty() ? text.size() : static_cast<size_t>(hex.data() - text.data());
  bool inside = false;  // of a hexadecimal number
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::string_view rest = text.substr(i);
    if (rest.size() > 2 && rest.starts_with("0x") && is_hex(rest[2])) {
      put(shape, i, '0', Free::No);
      put(shape, ++i, 'x', Free::No);
      inside = true;
      continue;
    }
    inside = inside && is_hex(c);
    const bool given = i >= hex_at && i < hex_at + hex.size();
    put(shape, i, c, inside || given ? Free::Hex : is_digit(c) ? Free::Decimal : Free::No);
  }
  return shape;
}

std::span<const ShapeWay> shape_ways() {
  static const std::vector<ShapeWay> ways = find_ways();
  return ways;
}

}  // namespace rankdx
