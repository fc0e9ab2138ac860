#include "job/said_alike.h"

#include <utility>

#include "scan/quick_text.h"

namespace rankdx {
namespace {

constexpr size_t kBody = 10;  // where it begins behind "NCCL INFO "

/// 8 bytes of text; digits become 0.
uint64_t without_digits(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const uint64_t place = bytes ^ 0x30 * kOnes;
  const uint64_t other = (((place & 0x7f * kOnes) + 0x70 * kOnes) | place) & 0x80 * kOnes;
  return bytes & (other >> 7) * 0xff;
}

/// What may stand behind a message (a count of repeats) is no part of its shape.
bool is_all(std::string_view text, std::string_view body) {
  return body.data() + body.size() == text.data() + text.size() && !body.ends_with(']') &&
         (!body.ends_with(')') || body.ends_with("(nil)"));
}

SaidAlike::Message::Part part_of(std::string_view part, std::string_view text) {
  return {static_cast<uint8_t>(part.data() - text.data()), static_cast<uint8_t>(part.size())};
}

}  // namespace

uint64_t SaidAlike::key_of(std::string_view text) {
  return mix8(without_digits(load8(text.data() + kBody)), text.size());
}

const SaidAlike::Message* SaidAlike::find(std::string_view text) {
  if (text.size() < kLeastBytes) return nullptr;
  const uint64_t key = key_of(text);
  Set& set = sets_[key % kSets];
  for (Slot& slot : set) {
    if (slot.key != key || slot.message == nullptr || slot.message->shape.size != text.size() ||
        !fits_(slot.message->shape, text.data()))
      continue;
    const Message* const message = slot.message;
    std::swap(slot, set.front());  // the next one is mostly like this one
    return message;
  }
  return nullptr;
}

CollectiveCall SaidAlike::call(const Message& known, std::string_view text) {
  const auto part = [&](Message::Part p) { return text.substr(p.at, p.size); };
  return read_call({part(known.name), part(known.op_count), part(known.count), part(known.datatype),
                    part(known.op), part(known.root), part(known.comm)});
}

void SaidAlike::learn(std::string_view text, std::string_view body, EventKind kind,
                      const CallText& call) {
  if (text.size() < kLeastBytes || text.size() > Shape::kMostBytes || !is_all(text, body)) return;
  const uint64_t key = key_of(text);
  Slot* slot = nullptr;
  for (Slot& s : sets_[key % kSets]) {
    if (s.message == nullptr) slot = &s;
  }
  Message* message = nullptr;
  if (slot) {
    message = &messages_.emplace_back();
  } else {
    // Where all are taken, one in a while gives way: shapes that never come again must not cost.
    constexpr uint32_t kPatience = 16;
    if (++refused_ % kPatience != 0) return;
    slot = &sets_[key % kSets][refused_ / kPatience % kWays];
    message = slot->message;
  }
  message->kind = kind;
  const bool is_call = kind == EventKind::CollCall;
  message->shape = shape_of(text, is_call ? call.op_count : std::string_view());
  if (is_call) {
    const auto part = [&](std::string_view p) { return part_of(p, text); };
    message->name = part(call.name);
    message->op_count = part(call.op_count);
    message->count = part(call.count);
    message->datatype = part(call.datatype);
    message->op = part(call.op);
    message->root = part(call.root);
    message->comm = part(call.comm);
  }
  *slot = {key, message};
}

}  // namespace rankdx
