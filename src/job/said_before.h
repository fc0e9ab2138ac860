// What a log says again and again, word for word (the topology, back-traces, settings): worked out
// once. Kept are INFO messages that came at least twice, up to a limit. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "job/process_fold.h"

namespace rankdx {

class SaidBefore {
 public:
  static constexpr size_t kMostMessages = 1024;
  static constexpr size_t kLongest = 640;  ///< so short that NCCL cannot have cut it

  /// What nearly all messages are asked for stands together in front: that is all the memory that
  /// most of them touch.
  struct alignas(64) Message {
    std::string_view body;       ///< into `text`
    uint64_t template_hash = 0;  ///< of a noted one
    EventKind kind = EventKind::Unknown;
    ProcessFold::Run run = ProcessFold::Run::None;
    bool is_wanted = false;  ///< by ProcessFold
    bool is_noted = false;
    bool is_cut = false;
    std::array<char, kLongest> text;
    Event event;  ///< views into `text`
  };

  /// Before each block. The messages found since the last call live until then.
  void start();
  /// nullptr: it is not known. `body` is then what remember() keeps.
  const Message* find(std::string_view body);
  /// Keeps the message that find() did not know if it came before.
  void remember(bool is_noted);

 private:
  static constexpr size_t kSets = 1024, kWays = 4;  // a message whose set is full is not kept
  struct Slot {
    uint64_t hash = 0;
    const Message* message = nullptr;
  };
  struct alignas(64) Set {
    std::array<Slot, kWays> slots;
  };
  std::deque<Message> messages_;
  std::vector<Set> sets_;
  std::vector<uint32_t> seen_;  ///< by another part of the hash: a part of that of what came last
  std::string_view body_;
  uint64_t hash_ = 0;
};

}  // namespace rankdx
