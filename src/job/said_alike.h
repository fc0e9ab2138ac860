// What a log is full of (operations, tuning, allocations, proxy notes) differs in its numbers only:
// a message of the shape of an earlier one is known without reading its words. A thread learns
// shapes as it meets them, up to a limit. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "events/nccl/skim.h"
#include "scan/shape.h"

namespace rankdx {

class SaidAlike {
 public:
  struct Message {
    EventKind kind = EventKind::Unknown;
    /// The parts of a call, as offsets in the text.
    struct Part {
      uint8_t at = 0, size = 0;
    };
    Part name, op_count, count, datatype, op, root, comm;
    Shape shape;
  };

  explicit SaidAlike(FitsShape fits = shape_ways().front().fits) : fits_(fits) {}

  /// What a message of the shape of `text` was, or nullptr. `text`: from "NCCL " to the end of its
  /// line; Shape::kMostBytes must be readable from there on. The message lives until the next
  /// learn().
  const Message* find(std::string_view text);
  /// The call that is `text`, if `known` is one.
  static CollectiveCall call(const Message& known, std::string_view text);
  /// `text`, which find() did not know, says `body`, and that is what skim_nccl() says with `call`.
  void learn(std::string_view text, std::string_view body, EventKind kind, const CallText& call);

 private:
  static constexpr size_t kSets = 256, kWays = 4;
  static constexpr size_t kLeastBytes = 24;
  struct Slot {
    uint64_t key = 0;
    Message* message = nullptr;
  };
  using Set = std::array<Slot, kWays>;
  static uint64_t key_of(std::string_view text);

  FitsShape fits_;
  std::vector<Set> sets_{kSets};
  std::deque<Message> messages_;
  uint32_t refused_ = 0;
};

}  // namespace rankdx
