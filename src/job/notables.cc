#include "job/notables.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "scan/quick_text.h"

namespace rankdx {
namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Bytes at the start of eight that are no digits.
size_t before_digit(uint64_t eight) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x80 * kOnes;
  const uint64_t low = eight & ~kHigh;
  const uint64_t from_0 = low + (0x80 - '0') * kOnes, above_9 = low + (0x7f - '9') * kOnes;
  const uint64_t digits = from_0 & ~above_9 & ~eight & kHigh;
  return digits == 0 ? 8 : static_cast<size_t>(std::countr_zero(digits)) / 8;
}

}  // namespace

/// Eight bytes at a time: a hash that waits for each byte takes longer than all else that is done
/// with a line.
uint64_t template_hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (size_t i = 0; i < text.size();) {
    if (is_digit(text[i])) {
      while (++i < text.size() && (is_hex(text[i]) || text[i] == 'x')) {
      }
      hash = mix8(hash, '#');
      continue;
    }
    uint64_t eight = 0;
    const size_t left = std::min<size_t>(text.size() - i, sizeof eight);
    std::memcpy(&eight, &text[i], left);
    const size_t n = std::min(before_digit(eight), left);
    if (n < sizeof eight) eight &= (uint64_t{1} << 8 * n) - 1;
    hash = mix8(hash, eight);
    i += n;
  }
  return hash;
}

bool NotableStore::is_full() const {
  if (kept_.size() < kMaxNotables) return false;
  return bytes_ >= kMostBytes || kept_.size() >= kMaxNotables + kMorePerProcess * processes_;
}

uint64_t NotableStore::key(uint64_t template_hash, int process, Level level) {
  return mix8(template_hash, static_cast<uint64_t>(process) << 8 | static_cast<uint64_t>(level));
}

bool NotableStore::counts(uint64_t key, int process, std::string_view body, uint64_t line,
                          uint32_t count) {
  processes_ = std::max(processes_, static_cast<size_t>(std::max(process, -1) + 1));
  const auto found = slots_.find(key);
  if (found != slots_.end() && found->second.samples > 0) {
    const Slot& slot = found->second;
    Notable& kept = kept_[slot.last];
    if (slot.samples >= kSamples || kept.body == body.substr(0, kMaxKeptText)) {
      kept.count += count;
      kept.last_line = line;
      return true;
    }
  }
  const bool full = is_full();
  dropped_ += full;
  return full;
}

void NotableStore::add(uint64_t key, Notable notable, std::string_view text,
                       std::string_view body) {
  Slot& slot = slots_[key];
  notable.last_line = notable.line;
  notable.text = text.substr(0, kMaxKeptText);
  notable.body = body.substr(0, kMaxKeptText);
  bytes_ += notable.text.size() + notable.body.size();
  slot.last = static_cast<uint32_t>(kept_.size());
  ++slot.samples;
  kept_.push_back(std::move(notable));
}

std::vector<Notable> NotableStore::take() {
  std::stable_sort(kept_.begin(), kept_.end(),
                   [](const Notable& a, const Notable& b) { return a.line < b.line; });
  slots_.clear();
  return std::move(kept_);
}

}  // namespace rankdx
