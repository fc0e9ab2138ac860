#include "scan/literal_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

namespace rankdx {
namespace {

constexpr size_t kWindow = 4;
constexpr size_t kMaxStep = 4;
constexpr int kHashBits = 17;

uint32_t window_at(std::string_view text, size_t at) {
  uint32_t bytes;
  std::memcpy(&bytes, text.data() + at, sizeof bytes);
  return bytes;
}

uint32_t hash_of(uint32_t window) { return window * 0x9e3779b1U >> (32 - kHashBits); }

/// How often each window stands in the literals, which are texts of logs themselves: the more
/// often, the more lines it would select in vain.
class Commonness {
 public:
  explicit Commonness(const std::vector<std::string>& literals) : count_(size_t{1} << kHashBits) {
    for (const std::string& literal : literals) {
      for (size_t at = 0; at + kWindow <= literal.size(); ++at) add(window_at(literal, at));
      for (char c : literal) ++bytes_[static_cast<unsigned char>(c)];
    }
  }
  uint32_t of(std::string_view window) const {
    uint32_t bytes = 0;
    for (char c : window) bytes += bytes_[static_cast<unsigned char>(c)];
    return count_[hash_of(window_at(window, 0))] * 65536U + std::min(bytes, 65535U);
  }

 private:
  void add(uint32_t window) {
    uint16_t& count = count_[hash_of(window)];
    if (count < UINT16_MAX) ++count;
  }
  std::vector<uint16_t> count_;
  std::array<uint32_t, 256> bytes_{};
};

/// Where the rarest `step` windows in a row start.
size_t rarest_windows(std::string_view literal, size_t step, const Commonness& commonness) {
  size_t best = 0;
  uint64_t least = UINT64_MAX;
  for (size_t from = 0; from + step + kWindow - 1 <= literal.size(); ++from) {
    uint64_t sum = 0;
    for (size_t i = from; i < from + step; ++i) sum += commonness.of(literal.substr(i, kWindow));
    if (sum < least) {
      least = sum;
      best = from;
    }
  }
  return best;
}

}  // namespace

LiteralSet::LiteralSet(std::vector<std::string> literals) : literals_(std::move(literals)) {
  if (literals_.empty()) return;
  size_t shortest = kWindow + kMaxStep;
  for (const std::string& literal : literals_) {
    assert(literal.size() >= kWindow);
    if (literal.size() >= kWindow) shortest = std::min(shortest, literal.size());
  }
  step_ = std::min(shortest - kWindow + 1, kMaxStep);
  const Commonness commonness(literals_);
  for (uint32_t i = 0; i < literals_.size(); ++i) {
    if (literals_[i].size() < kWindow) continue;
    const size_t from = rarest_windows(literals_[i], step_, commonness);
    for (size_t at = from; at < from + step_; ++at) {
      windows_.push_back({window_at(literals_[i], at), i, static_cast<uint32_t>(at)});
    }
  }
  std::sort(windows_.begin(), windows_.end(),
            [](const Window& a, const Window& b) { return hash_of(a.bytes) < hash_of(b.bytes); });
  bitmap_.resize(size_t{1} << (kHashBits - 6));
  before_.resize(bitmap_.size());
  for (size_t i = 0; i < windows_.size(); ++i) {
    const uint32_t hash = hash_of(windows_[i].bytes);
    if (i && hash == hash_of(windows_[i - 1].bytes)) continue;
    bitmap_[hash / 64] |= uint64_t{1} << hash % 64;
    first_of_.push_back(static_cast<uint32_t>(i));
  }
  first_of_.push_back(static_cast<uint32_t>(windows_.size()));
  for (size_t i = 1; i < bitmap_.size(); ++i) {
    before_[i] = before_[i - 1] + std::popcount(bitmap_[i - 1]);
  }
}

/// Looks at the literals that have this window. False: stop here.
template <class OnHit>
bool LiteralSet::check(std::string_view text, size_t at, uint32_t hash, OnHit&& on_hit) const {
  const uint64_t below = (uint64_t{1} << hash % 64) - 1;
  const size_t nth = before_[hash / 64] + std::popcount(bitmap_[hash / 64] & below);
  const uint32_t bytes = window_at(text, at);
  for (uint32_t i = first_of_[nth]; i < first_of_[nth + 1]; ++i) {
    const Window& window = windows_[i];
    if (window.bytes != bytes || window.offset > at) continue;
    if (text.substr(at - window.offset).starts_with(literals_[window.literal]) &&
        !on_hit(window.literal)) {
      return false;
    }
  }
  return true;
}

template <class OnHit>
void LiteralSet::scan(std::string_view text, OnHit&& on_hit) const {
  if (literals_.empty()) return;
  for (size_t at = 0; at + kWindow <= text.size(); at += step_) {
    const uint32_t hash = hash_of(window_at(text, at));
    if ((bitmap_[hash / 64] >> hash % 64 & 1) == 0) continue;
    if (!check(text, at, hash, on_hit)) return;
  }
}

bool LiteralSet::any(std::string_view text) const {
  bool found = false;
  scan(text, [&](uint32_t) {
    found = true;
    return false;
  });
  return found;
}

void LiteralSet::find(std::string_view text, std::vector<uint32_t>& hits) const {
  const size_t start = hits.size();
  auto make_unique = [&] {
    std::sort(hits.begin() + start, hits.end());
    hits.erase(std::unique(hits.begin() + start, hits.end()), hits.end());
  };
  scan(text, [&](uint32_t literal) {
    hits.push_back(literal);
    // A long line can hold one literal thousands of times.
    if (hits.size() - start > 2 * literals_.size() + 64) make_unique();
    return true;
  });
  if (hits.size() > start + 1) make_unique();
}

}  // namespace rankdx
