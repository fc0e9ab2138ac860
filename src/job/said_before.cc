#include "job/said_before.h"

#include <algorithm>

#include "events/nccl.h"
#include "job/template_hash.h"
#include "scan/quick_text.h"

namespace rankdx {

void SaidBefore::start() {
  if (!sets_.empty() && messages_.size() < kMostMessages) return;
  messages_.clear();
  sets_.assign(kSets, {});
  seen_.assign(kSets * kWays, 0);
}

const SaidBefore::Message* SaidBefore::find(std::string_view body) {
  body_ = body;
  if (body.size() > kLongest) return nullptr;
  hash_ = quick_hash(body);
  for (const Slot& slot : sets_[hash_ % kSets].slots) {
    if (slot.hash == hash_ && slot.message != nullptr && quick_equal(slot.message->body, body))
      return slot.message;
  }
  return nullptr;
}

void SaidBefore::remember(bool is_noted) {
  if (body_.size() > kLongest || messages_.size() >= kMostMessages) return;
  uint32_t& seen = seen_[hash_ % seen_.size()];
  const auto mark = static_cast<uint32_t>(hash_ >> 32) | 1;
  if (seen != mark) {
    seen = mark;
    return;
  }
  auto& slots = sets_[hash_ % kSets].slots;
  const auto slot =
      std::find_if(slots.begin(), slots.end(), [](const Slot& s) { return s.message == nullptr; });
  if (slot == slots.end()) return;
  Message& message = messages_.emplace_back();
  message.body = {message.text.data(), body_.copy(message.text.data(), kLongest)};
  message.is_noted = is_noted;
  if (is_noted) message.template_hash = template_hash(message.body);
  Event& event = message.event;
  parse_nccl({Level::Info, message.body, {}, {}, 0}, event);
  message.kind = event.kind;
  message.run = ProcessFold::run_of(event);
  message.is_wanted = ProcessFold::wants(event);
  message.is_cut = event.kind == EventKind::Other && event.truncated;
  *slot = {hash_, &message};
}

}  // namespace rankdx
