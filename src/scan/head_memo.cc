#include "scan/head_memo.h"

#include <cstring>

namespace rankdx {
namespace {

constexpr size_t kFirstSlots = 64;
constexpr size_t kMaxSlots = 4 * HeadMemo::kMaxHeads;
constexpr std::string_view kTags = "\1\2";  // in a key: a time stood here
constexpr size_t kProbes = 8;               // a head stands at most so far from its place

std::string_view moved(std::string_view view, std::string_view from, std::string_view to) {
  return view.empty() ? view : to.substr(view.data() - from.data(), view.size());
}

}  // namespace

/// Makes key_ the head with each time replaced by three bytes that say of which form it is.
bool HeadMemo::replace_stamps(std::string_view head) {
  size_t read = 0, size = 0;
  for (size_t dash = head.find('-', 4); dash < head.size(); dash = head.find('-', dash + 1)) {
    const auto stamp =
        dash >= read + 4 ? parse_stamp(head.substr(dash - 4), last_second_) : std::nullopt;
    if (!stamp || stamp_count_ == kMaxStamps) continue;
    const size_t at = dash - 4;
    std::memcpy(buffer_ + size, &head[read], at - read);
    size += at - read;
    buffer_[size++] = kTags[stamp->zoned ? 0 : 1];
    buffer_[size++] = stamp->separator;
    buffer_[size++] = static_cast<char>(stamp->size);
    stamps_[stamp_count_] = *stamp;
    stamp_at_[stamp_count_++] = at;
    read = at + stamp->size;
    dash = read;
  }
  if (stamp_count_ == 0) return false;
  std::memcpy(buffer_ + size, &head[read], head.size() - read);
  key_ = {buffer_, size + head.size() - read};
  return true;
}

bool HeadMemo::is_at_hand(const Entry& entry) const {
  return entry.stamps == stamp_count_ && quick_equal(entry.key, key_);
}

/// The entry of key_, which is made usable for remember().
const HeadMemo::Entry* HeadMemo::find_key() {
  hash_ = quick_hash(key_);
  for (size_t i = 0; i < kProbes && !slots_.empty(); ++i) {
    const Slot& slot = slots_[(hash_ + i) & (slots_.size() - 1)];
    if (slot.entry == nullptr) return nullptr;
    if (slot.hash == hash_ && is_at_hand(*slot.entry)) return last_ = slot.entry;
  }
  return nullptr;
}

/// Reads the times of a head that is like `near`; false if they are of another form.
bool HeadMemo::read_stamps(std::string_view head, const Near& near) {
  stamp_count_ = near.entry->stamps;
  for (size_t i = 0; i < static_cast<size_t>(stamp_count_); ++i) {
    const Stamp& form = near.stamps[i];
    const auto stamp = parse_stamp(head.substr(near.stamp_at[i]), last_second_);
    if (!stamp || stamp->size != form.size || stamp->separator != form.separator ||
        stamp->zoned != form.zoned)
      return false;
    stamps_[i] = *stamp;
  }
  return true;
}

/// Keeps the head at hand, which is that of `entry`, for find_near().
const HeadMemo::Entry* HeadMemo::put_near(const Entry* entry) {
  if (entry == nullptr || head_.size() < kLeastNear || head_.size() > kNearBytes) return entry;
  near_.resize(kNearPlaces);
  Near& near = near_[near_place(head_)];
  near = {entry, head_.size()};
  std::array<char, kNearBytes> text{}, mask{};
  head_.copy(text.data(), head_.size());
  std::memset(mask.data(), 0xff, head_.size());
  for (size_t i = 0; i < static_cast<size_t>(stamp_count_); ++i) {
    near.stamp_at[i] = stamp_at_[i];
    near.stamps[i] = stamps_[i];
    std::memset(mask.data() + stamp_at_[i], 0, stamps_[i].size);
  }
  std::memcpy(near.text.data(), text.data(), kNearBytes);
  std::memcpy(near.mask.data(), mask.data(), kNearBytes);
  return entry;
}

const HeadMemo::Entry* HeadMemo::find(std::string_view head) {
  stamp_count_ = 0;
  head_ = head;
  key_ = head;
  usable_ = head.size() <= kMaxHeadSize;
  if (!usable_) return nullptr;
  // A key with times holds control characters, so that no head without times is taken for it.
  if (last_ == nullptr || last_->stamps == 0) {
    if (const Entry* known = find_key()) return put_near(known);
  }
  if (replace_stamps(head)) return put_near(find_key());
  return last_ == nullptr || last_->stamps == 0 ? nullptr : put_near(find_key());
}

HeadMemo::Slot* HeadMemo::free_slot(uint64_t hash) {
  for (size_t i = 0; i < kProbes && !slots_.empty(); ++i) {
    Slot& slot = slots_[(hash + i) & (slots_.size() - 1)];
    if (slot.entry == nullptr) return &slot;
  }
  return nullptr;
}

void HeadMemo::forget() {
  slots_.assign(kFirstSlots, {});
  entries_.clear();
  last_ = nullptr;
  near_.clear();
}

/// Twice the slots, or a fresh start when there are too many heads. False: refused.
bool HeadMemo::grow() {
  if (slots_.size() >= kMaxSlots || entries_.size() >= kMaxHeads) {
    if (when_full_ == WhenFull::Forget) forget();
    return when_full_ == WhenFull::Forget;
  }
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? kFirstSlots : old.size() * 2, {});
  for (const Slot& slot : old) {
    if (slot.entry == nullptr) continue;
    if (Slot* place = free_slot(slot.hash)) *place = slot;
  }
  return true;
}

/// A pod can have a date in its name.
bool HeadMemo::holds_stamp(std::string_view field) const {
  for (int i = 0; i < stamp_count_; ++i) {
    const char* stamp = &head_[stamp_at_[i]];
    if (stamp < field.data() + field.size() && field.data() < stamp + stamps_[i].size) return true;
  }
  return false;
}

const HeadMemo::Entry* HeadMemo::remember(const WholeHead& read) {
  if (!usable_ || head_.find_first_of(kTags) != std::string_view::npos) return nullptr;
  const Envelope& e = read.envelope;
  for (auto view : {e.origin, e.actor, e.actor_ip, e.host, e.file, e.func}) {
    if (holds_stamp(view)) return nullptr;
  }
  int stamp = -1;
  for (int i = 0; i < stamp_count_; ++i) {
    if (&head_[stamp_at_[i]] == read.time_at) stamp = i;
  }
  if (read.time_at && stamp < 0) return nullptr;
  if (entries_.size() * 2 >= slots_.size() && !grow()) return nullptr;
  Slot* slot = free_slot(hash_);
  if (slot == nullptr && grow()) slot = free_slot(hash_);
  if (slot == nullptr) return nullptr;
  Entry& entry = entries_.emplace_back();
  entry.index = static_cast<uint32_t>(entries_.size() - 1);
  entry.key = key_;
  entry.head = head_;
  Envelope& kept = entry.envelope;
  kept = e;
  entry.stamps = stamp_count_;
  entry.stamp = stamp;
  entry.boxed = read.boxed;
  for (std::string_view* view :
       {&kept.origin, &kept.actor, &kept.actor_ip, &kept.host, &kept.file, &kept.func}) {
    *view = moved(*view, head_, entry.head);
  }
  *slot = {hash_, &entry};
  return &entry;
}

}  // namespace rankdx
