// Heads of messages that were read once: the text before "NCCL " -> what it says. Times are left
// out of the key, so that a log with times has as few heads as one without.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scan/line_marks.h"
#include "scan/message.h"
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
    int stamp = -1;     ///< which time of the head is the message's
    bool boxed = false;
  };

  /// Looks the head of `line` up that ends at marks.nccl. nullptr: not known. remember() uses the
  /// same head.
  const Entry* find(std::string_view line, const LineMarks& marks);
  void remember(std::string_view line, const WholeHead& head);

  /// The time of the head that was found last.
  int64_t time_us(const Entry& entry) const { return stamps_[entry.stamp].time_us; }

 private:
  struct Slot {
    uint64_t hash = 0;
    const Entry* entry = nullptr;
  };
  bool make_key(std::string_view line, const LineMarks& marks);
  bool holds_stamp(std::string_view line, std::string_view field) const;
  Slot* free_slot(uint64_t hash);
  void grow();

  std::deque<Entry> entries_;
  std::vector<Slot> slots_;
  // The head at hand.
  std::string_view key_;
  uint64_t hash_ = 0;
  bool usable_ = false;
  Stamp stamps_[LineMarks::kMaxDates];
  size_t stamp_at_[LineMarks::kMaxDates]{};
  int stamp_count_ = 0;
  char buffer_[kMaxHeadSize];
};

}  // namespace rankdx
