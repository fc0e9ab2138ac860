// What a log says again and again, word for word (the topology, back-traces, settings): worked out
// once. Kept are INFO messages that came at least twice, up to a limit. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "events/event.h"

namespace rankdx {

class SaidBefore {
 public:
  static constexpr size_t kMostMessages = 1024;
  static constexpr size_t kLongest = 640;  ///< so short that NCCL cannot have cut it

  struct Message {
    std::string_view body;  ///< into `text`, which is here to be at hand
    std::array<char, kLongest> text;
    Event event;  ///< views into `text`
    bool is_noted = false;
    uint64_t template_hash = 0;  ///< of a noted one
  };

  /// Before each block. The messages found since the last call live until then.
  void start();
  /// nullptr: it is not known. `body` is then what remember() keeps.
  const Message* find(std::string_view body);
  /// Keeps the message that find() did not know if it came before.
  void remember(bool is_noted);

 private:
  static constexpr size_t kSlots = 2048;  // a message whose slot is taken is not kept
  struct Slot {
    uint64_t hash = 0;
    const Message* message = nullptr;
  };
  std::deque<Message> messages_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> seen_;  ///< part of the hash of what came last
  std::string_view body_;
  uint64_t hash_ = 0;
};

}  // namespace rankdx
