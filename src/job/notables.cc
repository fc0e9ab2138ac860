#include "job/notables.h"

#include <algorithm>

namespace rankdx {
namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void cut(std::string& text) {
  if (text.size() > kMaxKeptText) text.resize(kMaxKeptText);
}

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

void NotableStore::add(Notable notable) {
  cut(notable.text);
  cut(notable.body);
  const uint64_t seed = (static_cast<uint64_t>(notable.process) << 8) | static_cast<uint64_t>(notable.level);
  Slot& slot = slots_[template_hash(notable.body, seed)];
  const bool known = slot.samples > 0 && kept_[slot.last].body == notable.body;
  if (slot.samples > 0 && (known || slot.samples >= kSamples)) {
    Notable& kept = kept_[slot.last];
    kept.count += notable.count;
    kept.last_line = notable.line;
    return;
  }
  if (kept_.size() >= kMaxNotables) {
    ++dropped_;
    return;
  }
  notable.last_line = notable.line;
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
