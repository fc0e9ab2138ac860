#include "job/said_before.h"

#include "events/nccl.h"
#include "job/template_hash.h"
#include "scan/quick_text.h"

namespace rankdx {

void SaidBefore::start() {
  if (!slots_.empty() && messages_.size() < kMostMessages) return;
  messages_.clear();
  slots_.assign(kSlots, {});
  seen_.assign(kSlots, 0);
}

const SaidBefore::Message* SaidBefore::find(std::string_view body) {
  body_ = body;
  if (body.size() > kLongest) return nullptr;
  hash_ = quick_hash(body);
  const Slot& slot = slots_[hash_ % kSlots];
  if (slot.message == nullptr || slot.hash != hash_ || !quick_equal(slot.message->body, body))
    return nullptr;
  return slot.message;
}

void SaidBefore::remember(bool is_noted) {
  if (body_.size() > kLongest || messages_.size() >= kMostMessages) return;
  Slot& slot = slots_[hash_ % kSlots];
  uint32_t& seen = seen_[hash_ % kSlots];
  const auto mark = static_cast<uint32_t>(hash_ >> 32) | 1;
  if (slot.message != nullptr || seen != mark) {
    seen = mark;
    return;
  }
  Message& message = messages_.emplace_back();
  message.body = {message.text.data(), body_.copy(message.text.data(), kLongest)};
  message.is_noted = is_noted;
  if (is_noted) message.template_hash = template_hash(message.body);
  parse_nccl({Level::Info, message.body, {}, {}, 0}, message.event);
  slot = {hash_, &message};
}

}  // namespace rankdx
