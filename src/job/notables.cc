#include "job/notables.h"

#include <algorithm>

namespace rankdx {
namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

uint64_t template_hash(std::string_view text, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325ULL ^ seed;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (is_digit(c)) {
      while (i + 1 < text.size() && (is_hex(text[i + 1]) || text[i + 1] == 'x')) ++i;
      c = '#';
    }
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return hash;
}

bool NotableStore::is_full() const {
  if (kept_.size() < kMaxNotables) return false;
  return bytes_ >= kMostBytes || kept_.size() >= kMaxNotables + kMorePerProcess * processes_;
}

bool NotableStore::add(Notable notable, std::string_view text, std::string_view body) {
  body = body.substr(0, kMaxKeptText);
  const uint64_t seed =
      (static_cast<uint64_t>(notable.process) << 8) | static_cast<uint64_t>(notable.level);
  const uint64_t hash = template_hash(body, seed);
  processes_ = std::max(processes_, static_cast<size_t>(std::max(notable.process, -1) + 1));
  if (is_full() && !slots_.contains(hash)) {
    ++dropped_;
    return false;
  }
  Slot& slot = slots_[hash];
  const bool known = slot.samples > 0 && kept_[slot.last].body == body;
  if (slot.samples > 0 && (known || slot.samples >= kSamples)) {
    Notable& kept = kept_[slot.last];
    kept.count += notable.count;
    kept.last_line = notable.line;
    return false;
  }
  if (is_full()) {
    ++dropped_;
    return false;
  }
  notable.last_line = notable.line;
  notable.text = text.substr(0, kMaxKeptText);
  notable.body = body;
  bytes_ += notable.text.size() + notable.body.size();
  slot.last = static_cast<uint32_t>(kept_.size());
  ++slot.samples;
  kept_.push_back(std::move(notable));
  return true;
}

std::vector<Notable> NotableStore::take() {
  std::stable_sort(kept_.begin(), kept_.end(),
                   [](const Notable& a, const Notable& b) { return a.line < b.line; });
  slots_.clear();
  return std::move(kept_);
}

}  // namespace rankdx
