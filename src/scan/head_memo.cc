#include "scan/head_memo.h"

#include <cstring>

namespace rankdx {
namespace {

constexpr size_t kFirstSlots = 64;
constexpr size_t kMaxSlots = 4 * HeadMemo::kMaxHeads;
constexpr size_t kProbes = 8;  // a head stands at most so far from its place

uint64_t word(const char* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

uint64_t mix(uint64_t a, uint64_t b) {
  a = (a ^ b) * 0x9e3779b97f4a7c15ULL;
  return a ^ (a >> 32);
}

uint64_t hash_of(std::string_view key) {
  const char* p = key.data();
  const size_t n = key.size();
  if (n < 8) {
    uint64_t value = n;
    for (char c : key) value = value << 8 | static_cast<unsigned char>(c);
    return mix(value, 0);
  }
  uint64_t even = n, odd = ~n;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    even = mix(even, word(p + i));
    odd = mix(odd, word(p + i + 8));
  }
  if (i + 8 <= n) even = mix(even, word(p + i));
  return mix(mix(even, word(p + n - 8)), odd);
}

std::string_view moved(std::string_view view, std::string_view from, std::string_view to) {
  return view.empty() ? view : to.substr(view.data() - from.data(), view.size());
}

}  // namespace

/// The head with each time replaced by three bytes that say of which form it is.
bool HeadMemo::make_key(std::string_view line, const LineMarks& marks) {
  stamp_count_ = 0;
  key_ = line.substr(0, marks.nccl);
  if (marks.nccl > kMaxHeadSize || marks.dates == LineMarks::kMaxDates) return false;
  size_t read = 0, size = 0;
  for (int i = 0; i < marks.dates; ++i) {
    const size_t at = marks.date[i];
    if (at < read) continue;
    const auto stamp = parse_stamp(line.substr(at, marks.nccl - at));
    if (!stamp) continue;
    std::memcpy(buffer_ + size, &line[read], at - read);
    size += at - read;
    buffer_[size++] = stamp->zoned ? '\1' : '\2';
    buffer_[size++] = stamp->separator;
    buffer_[size++] = static_cast<char>(stamp->size);
    stamps_[stamp_count_] = *stamp;
    stamp_at_[stamp_count_++] = at;
    read = at + stamp->size;
  }
  if (stamp_count_) {
    std::memcpy(buffer_ + size, &line[read], marks.nccl - read);
    key_ = {buffer_, size + marks.nccl - read};
  }
  return true;
}

const HeadMemo::Entry* HeadMemo::find(std::string_view line, const LineMarks& marks) {
  usable_ = make_key(line, marks);
  if (!usable_) return nullptr;
  hash_ = hash_of(key_);
  if (slots_.empty()) return nullptr;
  for (size_t i = 0; i < kProbes; ++i) {
    const Slot& slot = slots_[(hash_ + i) & (slots_.size() - 1)];
    if (slot.entry == nullptr) return nullptr;
    if (slot.hash == hash_ && slot.entry->key == key_) return slot.entry;
  }
  return nullptr;
}

HeadMemo::Slot* HeadMemo::free_slot(uint64_t hash) {
  for (size_t i = 0; i < kProbes && !slots_.empty(); ++i) {
    Slot& slot = slots_[(hash + i) & (slots_.size() - 1)];
    if (slot.entry == nullptr) return &slot;
  }
  return nullptr;
}

/// Twice the slots, or a fresh start when there are too many heads.
void HeadMemo::grow() {
  std::vector<Slot> old = std::move(slots_);
  const bool full = old.size() >= kMaxSlots || entries_.size() >= kMaxHeads;
  slots_.assign(full || old.empty() ? kFirstSlots : old.size() * 2, {});
  if (full) entries_.clear();
  for (const Slot& slot : old) {
    if (full || slot.entry == nullptr) continue;
    if (Slot* place = free_slot(slot.hash)) *place = slot;
  }
}

/// A pod can have a date in its name.
bool HeadMemo::holds_stamp(std::string_view line, std::string_view field) const {
  for (int i = 0; i < stamp_count_; ++i) {
    const char* stamp = &line[stamp_at_[i]];
    if (stamp < field.data() + field.size() && field.data() < stamp + stamps_[i].size) return true;
  }
  return false;
}

void HeadMemo::remember(std::string_view line, const WholeHead& head) {
  if (!usable_) return;
  const Envelope& read = head.envelope;
  for (auto view : {read.origin, read.actor, read.actor_ip, read.host, read.file, read.func}) {
    if (holds_stamp(line, view)) return;
  }
  int stamp = -1;
  for (int i = 0; i < stamp_count_; ++i) {
    if (&line[stamp_at_[i]] == head.time_at) stamp = i;
  }
  if (head.time_at && stamp < 0) return;
  if (entries_.size() * 2 >= slots_.size()) grow();
  Slot* slot = free_slot(hash_);
  if (slot == nullptr) {
    grow();
    slot = free_slot(hash_);
  }
  if (slot == nullptr) return;
  Entry& entry = entries_.emplace_back();
  entry.key = key_;
  entry.head = line.substr(0, head.nccl);
  entry.envelope = head.envelope;
  entry.stamp = stamp;
  entry.boxed = head.boxed;
  Envelope& e = entry.envelope;
  for (std::string_view* view : {&e.origin, &e.actor, &e.actor_ip, &e.host, &e.file, &e.func}) {
    *view = moved(*view, line, entry.head);
  }
  *slot = {hash_, &entry};
}

}  // namespace rankdx
