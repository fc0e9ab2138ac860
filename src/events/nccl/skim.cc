#include "events/nccl/skim.h"

#include <bit>
#include <cstring>
#include <limits>

#include "events/nccl/parsers.h"
#include "scan/quick_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace rankdx {
namespace nccl {
namespace {

constexpr EventKind kParse = EventKind::Unknown;  ///< the long way

/// Up to 16 characters to compare with a text without a call of memcmp.
class Word {
 public:
  consteval explicit Word(std::string_view text) : size_(text.size()) {
    if (size_ < 4 || size_ > 16) throw "4 to 16 characters";
    const size_t half = size_ >= 8 ? 8 : 4;
    first_ = load(text, 0, half);
    last_ = load(text, size_ - half, half);
  }
  constexpr size_t size() const { return size_; }
  bool is_at(const char* text) const {
    return size_ >= 8 ? same<uint64_t>(text) : same<uint32_t>(text);
  }

 private:
  static consteval uint64_t load(std::string_view text, size_t at, size_t size) {
    uint64_t bytes = 0;
    for (size_t i = size; i-- > 0;) bytes = bytes << 8 | static_cast<unsigned char>(text[at + i]);
    return bytes;
  }
  template <class T>
  bool same(const char* text) const {
    T first, last;
    std::memcpy(&first, text, sizeof first);
    std::memcpy(&last, text + size_ - sizeof last, sizeof last);
    return first == first_ && last == last_;
  }
  size_t size_;
  uint64_t first_, last_;
};

/// A cursor of bare pointers. After a take that fails it is of no more use.
class Skimmer {
 public:
  explicit Skimmer(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  char front() const { return at_ == end_ ? '\0' : *at_; }
  bool has(size_t bytes) const { return static_cast<size_t>(end_ - at_) >= bytes; }
  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }

  const char* at() const { return at_; }

  bool take(char c) {
    if (front() != c) return false;
    ++at_;
    return true;
  }

  [[gnu::always_inline]] bool take(Word word) {
    if (!has(word.size()) || !word.is_at(at_)) return false;
    at_ += word.size();
    return true;
  }

  /// Over the rest of a word that ends with one of two characters; false when there is none in
  /// reach.
  bool skip_until(char a, char b) {
    constexpr size_t kReach = 24;
    const char* const stop = has(kReach) ? at_ + kReach : end_;
    while (at_ != stop && *at_ != a && *at_ != b) ++at_;
    return at_ != stop;
  }

  /// A number of so few digits that it fits, most of one digit or up to eight.
  template <class Int>
  bool take_int(Int& value) {
    constexpr int kSureDigits = std::numeric_limits<Int>::digits10;
    uint64_t sum = 0;
    const char* const first = at_;
    while (at_ != end_ && is_digit(*at_)) sum = sum * 10 + static_cast<uint64_t>(*at_++ - '0');
    value = static_cast<Int>(sum);
    return at_ != first && at_ - first <= kSureDigits;
  }

  /// A number of one digit.
  bool take_digit(int& value) {
    value = front() - '0';
    if (!is_digit(front())) return false;
    ++at_;
    return true;
  }

  /// A number of up to eight digits, in the middle of a text.
  template <class Int>
  bool take_number(Int& value) {
    if (!has(8)) return false;
    constexpr uint64_t kOnes = 0x0101010101010101;
    uint64_t x = load8(at_);
    // The high bit of each byte that is no digit.
    const uint64_t none =
        ((x & 0x7f * kOnes) + 0x46 * kOnes) | ((x ^ 0x30 * kOnes) + 0x70 * kOnes) | x;
    const auto digits = static_cast<unsigned>(std::countr_zero(none & 0x80 * kOnes)) / 8;
    if (digits == 0 || digits == 8) return digits != 0 && take_int(value);
    x = (x & 0x0f * kOnes) << 8 * (8 - digits);  // zeros in front
    x = (x * 10 + (x >> 8)) & 0x00ff00ff00ff00ff;
    x = (x * 100 + (x >> 16)) & 0x0000ffff0000ffff;
    x = (x * 10000 + (x >> 32)) & 0xffffffff;
    value = static_cast<Int>(x);
    go_on(digits, 1);
    return true;
  }

  /// Up to 15 hexadecimal digits that do not end the text.
  bool skip_hex() {
    constexpr size_t kUsual = 12;  // of a pointer
    const size_t digits = hex_run();
    go_on(digits, kUsual);
    return digits > 0 && digits < kHexReach;
  }

  bool take_hex(uint64_t& value) {
    const char* const first = at_;
    if (!skip_hex()) return false;
    const size_t digits = static_cast<size_t>(at_ - first);
    value = 0;
    if (digits < 8) {
      for (const char* p = first; p != at_; ++p)
        value = value << 4 | static_cast<uint64_t>(Cursor::hex_digit(*p));
      return true;
    }
    // The first and the last eight digits; where they overlap they are the same.
    value = eight_digits(first) << 4 * (digits - 8) | eight_digits(at_ - 8);
    return true;
  }

 private:
  static constexpr size_t kHexReach = 16;

  /// Over so many characters. For the usual number the processor guesses where the next field
  /// begins and need not wait until this one is counted; the compiler must not see that both ways
  /// come to the same.
  void go_on(size_t count, size_t usual) {
    if (count != usual) {
      at_ += count;
      return;
    }
    asm volatile("" : "+r"(usual));
    at_ += usual;
  }

  size_t hex_run() const {
    if (!has(kHexReach)) return 0;
#ifdef __SSE2__
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at_));
    const auto in_range = [](__m128i bytes, char first, char count) {
      const __m128i place = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
      return _mm_cmpeq_epi8(_mm_min_epu8(place, _mm_set1_epi8(static_cast<char>(count - 1))),
                            place);
    };
    const __m128i lower = _mm_or_si128(text, _mm_set1_epi8(0x20));
    const __m128i hex = _mm_or_si128(in_range(text, '0', 10), in_range(lower, 'a', 6));
    return static_cast<size_t>(std::countr_one(static_cast<unsigned>(_mm_movemask_epi8(hex))));
#else
    size_t digits = 0;
    while (digits < kHexReach && Cursor::hex_digit(at_[digits]) >= 0) ++digits;
    return digits;
#endif
  }

  static uint64_t eight_digits(const char* p) {
    uint64_t x;
    std::memcpy(&x, p, sizeof x);
    constexpr uint64_t kOnes = 0x0101010101010101;
    x = (x & 0x0f * kOnes) + 9 * ((x >> 6) & kOnes);  // letters have bit 6
    // Byte 0 is the highest digit.
    x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ff;
    x = (x << 8 | x >> 16) & 0x0000ffff0000ffff;
    return (x << 16 | x >> 32) & 0xffffffff;
  }

  const char* at_;
  const char* end_;
};
static_assert(std::endian::native == std::endian::little);

/// As parse_collective() in run.cc, from 2.4 on.
bool skim_collective(Skimmer at, CollectiveCall& call) {
  int nranks = 0;
  return at.take_hex(call.op_count) && at.take(Word(" sendbuff 0x")) && at.skip_hex() &&
         at.take(Word(" recvbuff 0x")) && at.skip_hex() && at.take(Word(" count ")) &&
         at.take_number(call.count) && at.take(Word(" datatype ")) &&
         at.take_digit(call.datatype) && at.take(Word(" op ")) && at.take_digit(call.op) &&
         at.take(Word(" root ")) && at.take_number(call.root) && at.take(Word(" comm 0x")) &&
         at.take_hex(call.comm) && at.take(Word(" [nranks=")) && at.take_number(nranks) &&
         at.take(']');
}

/// As parse_operation() in run.cc; `at` stands behind the start of the operation's name.
EventKind skim_operation(std::string_view body, Skimmer at, CollectiveCall& call) {
  if (!at.skip_until(':', ' ')) return kParse;
  call.name = {body.data(), static_cast<size_t>(at.at() - body.data())};
  if (at.take(Word(": opCount "))) return skim_collective(at, call) ? EventKind::CollCall : kParse;
  uint64_t bytes = 0;
  const bool tuning = at.take(':') && at.take(' ') && at.take_number(bytes) &&
                      at.take(Word(" Bytes -> Algo ")) && at.skip_until(' ', ' ') &&
                      at.take(Word(" proto "));
  return tuning ? EventKind::Tuning : kParse;
}

/// As parse_alloc() in run.cc: the number stands behind the head, which ends with "ize ", or behind
/// the first "ize ".
EventKind skim_alloc(const Head& head, Skimmer at) {
  if (!is_digit(at.front())) {
    if (head.text == "Mem Realloc " || head.text.ends_with("ize ")) return kParse;
    const size_t size = at.rest().find("ize ");
    if (size == std::string_view::npos) return kParse;
    at = Skimmer(at.rest().substr(size + 4));
  }
  uint64_t bytes = 0;
  return at.take_number(bytes) ? EventKind::Alloc : kParse;
}

EventKind skim_head(const Head* head, std::string_view body, CollectiveCall& call) {
  if (head == nullptr) return kParse;
  const Skimmer at(body.substr(head->text.size()));
  switch (head->kind) {
    case EventKind::ProxyNote:
      return head->parse == nullptr ? EventKind::ProxyNote : kParse;
    case EventKind::Alloc:
      return skim_alloc(*head, at);
    case EventKind::CollCall:
      return head->text == "opCount " ? kParse : skim_operation(body, at, call);
    default:
      return kParse;
  }
}

/// "alloc.h:55 Cuda Alloc Size …": where the message behind the place starts, 0 without a place.
size_t behind_place(std::string_view body) {
  constexpr size_t kReach = 40;
  const size_t blank = body.substr(0, kReach).find(' ');
  if (blank == std::string_view::npos) return 0;
  size_t colon = blank;
  while (colon > 0 && is_digit(body[colon - 1])) --colon;
  if (colon == blank || colon < 2 || body[colon - 1] != ':' ||
      body[blank + 1 < body.size() ? blank + 1 : blank] == '(')
    return 0;
  return body.substr(0, colon - 1).find('.') == std::string_view::npos ? 0 : blank + 1;
}

}  // namespace
}  // namespace nccl

EventKind skim_nccl(std::string_view body, CollectiveCall& call) {
  if (const auto group = nccl::find_heads(body); !group.empty()) {
    return nccl::skim_head(nccl::longest_head(group, body), body, call);
  }
  if (body.size() < 8 || body.front() < 'a') return nccl::kParse;
  const size_t at = nccl::behind_place(body);
  if (at == 0) return nccl::kParse;
  body.remove_prefix(at);
  return nccl::skim_head(nccl::longest_head(nccl::find_heads(body), body), body, call);
}

}  // namespace rankdx
