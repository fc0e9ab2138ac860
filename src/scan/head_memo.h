// Heads of messages that were read once: the text before "NCCL " -> what it says. Times are left
// out of the key, so that a log with times has as few heads as one without.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scan/message.h"
#include "scan/quick_text.h"
#include "scan/timestamp.h"

namespace rankdx {

class HeadMemo {
 public:
  /// Heads that are kept; beyond that all are forgotten and learned anew.
  static constexpr size_t kMaxHeads = 8192;
  /// A longer head is read anew each time.
  static constexpr size_t kMaxHeadSize = 512;

  struct Entry {
    std::string key, head;
    Envelope envelope;  ///< views into `head`
    int stamps = 0;     ///< times in the head
    int stamp = -1;     ///< which time of the head is the message's
    bool boxed = false;
    uint32_t index = 0;  ///< number of the entry, from 0 on
  };
  enum class WhenFull : uint8_t { Forget, Refuse };

  explicit HeadMemo(WhenFull when_full = WhenFull::Forget) : when_full_(when_full) {}

  /// The entry of this head, or nullptr. `head` is kept for remember().
  const Entry* find(std::string_view head);
  /// Bytes that must be readable from a head on for find_near().
  static constexpr size_t kNearBytes = 128;
  /// The same as find() for heads like those that were found lately: they are compared, and only
  /// their times are read. nullptr: call find().
  const Entry* find_near(std::string_view head) {
    if (near_.empty() || head.size() < kLeastNear || head.size() > kNearBytes) return nullptr;
    const Near& near = near_[near_place(head)];
    uint64_t differ = near.size ^ head.size();
    for (size_t i = 0; i * 8 < near.size; ++i)
      differ |= (load8(head.data() + 8 * i) ^ near.text[i]) & near.mask[i];
    if (differ != 0 || (near.entry->stamps > 0 && !read_stamps(head, near))) return nullptr;
    return last_ = near.entry;
  }
  /// Keeps what the head that find() did not know says. nullptr: it cannot be kept.
  const Entry* remember(const WholeHead& read);
  size_t size() const { return entries_.size(); }
  void forget();

  /// The time of the head that was found last.
  int64_t time_us(const Entry& entry) const { return stamps_[entry.stamp].time_us; }

 private:
  struct Slot {
    uint64_t hash = 0;
    const Entry* entry = nullptr;
  };
  static constexpr int kMaxStamps = 3;
  static constexpr size_t kLeastNear = 16, kNearPlaces = 128;
  /// A head that was found lately: a few bytes say where it would be.
  struct Near {
    const Entry* entry = nullptr;
    size_t size = 0;
    std::array<uint64_t, kNearBytes / 8> text{}, mask{};  ///< masked: times, and behind the head
    std::array<size_t, kMaxStamps> stamp_at{};
    std::array<Stamp, kMaxStamps> stamps{};
  };
  /// Host, ids and device stand at the end.
  static size_t near_place(std::string_view head) {
    const char* const end = head.data() + head.size();
    return mix8(mix8(load8(end - 16), head.size()), load8(end - 8)) % kNearPlaces;
  }

  bool read_stamps(std::string_view head, const Near& near);
  const Entry* put_near(const Entry* entry);
  bool replace_stamps(std::string_view head);
  bool is_at_hand(const Entry& entry) const;
  const Entry* find_key();
  bool holds_stamp(std::string_view field) const;
  Slot* free_slot(uint64_t hash);
  bool grow();

  WhenFull when_full_;
  std::deque<Entry> entries_;
  std::vector<Slot> slots_;
  const Entry* last_ = nullptr;
  std::vector<Near> near_;  ///< empty, or kNearPlaces
  LastSecond last_second_;
  // The head at hand.
  std::string_view head_, key_;
  uint64_t hash_ = 0;
  bool usable_ = false;
  Stamp stamps_[kMaxStamps];
  size_t stamp_at_[kMaxStamps]{};
  int stamp_count_ = 0;
  char buffer_[kMaxHeadSize];
};

}  // namespace rankdx
