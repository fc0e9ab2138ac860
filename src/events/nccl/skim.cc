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

constexpr uint64_t kOnes = 0x0101010101010101;

/// How many of 8 bytes are decimal digits before the first one that is not.
unsigned digit_run(uint64_t bytes) {
  // The high bit of each byte that is no digit.
  const uint64_t none =
      ((bytes & 0x7f * kOnes) + 0x46 * kOnes) | ((bytes ^ 0x30 * kOnes) + 0x70 * kOnes) | bytes;
  return static_cast<unsigned>(std::countr_zero(none & 0x80 * kOnes)) / 8;
}

/// 8 bytes of text may be read from the first digit on.
uint64_t decimal(std::string_view digits) {
  uint64_t x = 0;
  if (digits.size() > 8) {
    for (char c : digits) x = x * 10 + static_cast<uint64_t>(c - '0');
    return x;
  }
  x = (load8(digits.data()) & 0x0f * kOnes) << 8 * (8 - digits.size());  // zeros in front
  x = (x * 10 + (x >> 8)) & 0x00ff00ff00ff00ff;
  x = (x * 100 + (x >> 16)) & 0x0000ffff0000ffff;
  return (x * 10000 + (x >> 32)) & 0xffffffff;
}

/// Byte 0 is the highest digit; bytes of value 0 count as 0.
uint64_t eight_hex(uint64_t x) {
  x = (x & 0x0f * kOnes) + 9 * ((x >> 6) & kOnes);  // letters have bit 6
  x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ff;
  x = (x << 8 | x >> 16) & 0x0000ffff0000ffff;
  return (x << 16 | x >> 32) & 0xffffffff;
}

/// Up to 16 digits; 8 bytes of text may be read from the first digit on.
uint64_t hexadecimal(std::string_view digits) {
  const size_t n = digits.size();
  if (n <= 8) return eight_hex(load8(digits.data()) << 8 * (8 - n));
  // The first and the last eight digits; where they overlap they are the same.
  return eight_hex(load8(digits.data())) << 4 * (n - 8) | eight_hex(load8(digits.data() + n - 8));
}

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

  /// Behind the next such text.
  bool take_past(std::string_view text) {
    const size_t at = rest().find(text);
    if (at == std::string_view::npos) return false;
    at_ += at + text.size();
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

  /// A number of one digit.
  bool take_digit(std::string_view& digits) {
    digits = {at_, 1};
    if (!is_digit(front())) return false;
    ++at_;
    return true;
  }

  /// A number in the middle of a text, of so few digits that it fits in an `Int`.
  template <class Int = uint64_t>
  bool take_number(std::string_view& digits) {
    constexpr size_t kSureDigits = std::numeric_limits<Int>::digits10;
    if (!has(8)) return false;
    const char* const first = at_;
    const size_t count = digit_run(load8(at_));
    go_on(count, 1);
    if (count == 8) {
      while (at_ != end_ && is_digit(*at_)) ++at_;
    }
    digits = {first, static_cast<size_t>(at_ - first)};
    return !digits.empty() && digits.size() <= kSureDigits;
  }

  /// Up to 15 hexadecimal digits that do not end the text.
  bool take_hex(std::string_view& digits) {
    constexpr size_t kUsual = 12;  // of a pointer
    const size_t count = hex_run();
    digits = {at_, count};
    go_on(count, kUsual);
    return count > 0 && count < kHexReach;
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

  const char* at_;
  const char* end_;
};
static_assert(std::endian::native == std::endian::little);

/// As parse_collective() in run.cc, from 2.4 on.
bool skim_collective(Skimmer at, CallText& call) {
  std::string_view skipped;
  return at.take_hex(call.op_count) && at.take(Word(" sendbuff 0x")) && at.take_hex(skipped) &&
         at.take(Word(" recvbuff 0x")) && at.take_hex(skipped) && at.take(Word(" count ")) &&
         at.take_number(call.count) && at.take(Word(" datatype ")) &&
         at.take_digit(call.datatype) && at.take(Word(" op ")) && at.take_digit(call.op) &&
         at.take(Word(" root ")) && at.take_number<int>(call.root) && at.take(Word(" comm 0x")) &&
         at.take_hex(call.comm) && at.take(Word(" [nranks=")) && at.take_number<int>(skipped) &&
         at.take(']');
}

/// As parse_operation() in run.cc; `at` stands behind the start of the operation's name.
EventKind skim_operation(std::string_view body, Skimmer at, CallText& call) {
  if (!at.skip_until(':', ' ')) return kParse;
  call.name = {body.data(), static_cast<size_t>(at.at() - body.data())};
  if (at.take(Word(": opCount "))) return skim_collective(at, call) ? EventKind::CollCall : kParse;
  std::string_view bytes;
  const bool tuning = at.take(':') && at.take(' ') && at.take_number(bytes) &&
                      at.take(Word(" Bytes -> Algo ")) && at.skip_until(' ', ' ') &&
                      at.take(Word(" proto "));
  return tuning ? EventKind::Tuning : kParse;
}

/// As parse_alloc() in run.cc: the number stands behind the head, which ends with "ize ", or behind
/// the first "ize ", of a new size.
EventKind skim_alloc(const Head& head, Skimmer at) {
  if (!is_digit(at.front())) {
    if (head.text.ends_with("ize ")) return kParse;
    if (head.text == "Mem Realloc " && !at.take_past("new ")) return kParse;
    if (!at.take_past("ize ")) return kParse;
  }
  std::string_view bytes;
  return at.take_number(bytes) ? EventKind::Alloc : kParse;
}

EventKind skim_head(const Head* head, std::string_view body, CallText& call) {
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

CollectiveCall read_call(const CallText& text) {
  CollectiveCall call;
  call.name = text.name;
  call.comm = nccl::hexadecimal(text.comm);
  call.op_count = nccl::hexadecimal(text.op_count);
  call.count = nccl::decimal(text.count);
  call.datatype = text.datatype.front() - '0';
  call.op = text.op.front() - '0';
  call.root = static_cast<int>(nccl::decimal(text.root));
  return call;
}

EventKind skim_nccl(std::string_view body, CallText& call) {
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
