#include "job/notables.h"

#include <algorithm>

#include "scan/quick_text.h"

namespace rankdx {
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
