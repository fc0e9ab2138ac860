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
  static constexpr size_t kNearBytes = 64;
  /// The same as find() without a branch for each part of the head, for heads that were found
  /// lately. nullptr: call find().
  const Entry* find_near(std::string_view head) {
    if (head.size() < kLeastNear || head.size() > kNearBytes) return nullptr;
    const Near& near = near_[near_place(head)];
    uint64_t differ = near.size ^ head.size();
    for (size_t i = 0; i < kNearBytes / 8; ++i)
      differ |= (load8(head.data() + 8 * i) ^ near.text[i]) & near.mask[i];
    return differ == 0 ? last_ = near.entry : nullptr;
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
  /// A head without times that was found lately: a few bytes say where it would be.
  static constexpr size_t kLeastNear = 16, kNearPlaces = 256;
  struct Near {
    const Entry* entry = nullptr;
    size_t size = 0;
    std::array<uint64_t, kNearBytes / 8> text{}, mask{};  ///< masked: behind the head
  };
  /// Host, ids and device stand at the end.
  static size_t near_place(std::string_view head) {
    const char* const end = head.data() + head.size();
    return mix8(mix8(load8(end - 16), head.size()), load8(end - 8)) % kNearPlaces;
  }

  void put_near(std::string_view head, const Entry& entry);
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
  std::array<Near, kNearPlaces> near_;
  // The head at hand.
  static constexpr int kMaxStamps = 3;
  std::string_view head_, key_;
  uint64_t hash_ = 0;
  bool usable_ = false;
  Stamp stamps_[kMaxStamps];
  size_t stamp_at_[kMaxStamps]{};
  int stamp_count_ = 0;
  char buffer_[kMaxHeadSize];
};

}  // namespace rankdx
