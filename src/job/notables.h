// The lines that are kept for the rules, bounded: repetitions of one text (digits and addresses
// apart) by one process are folded into a few samples and a count.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "job/facts.h"

namespace rankdx {

class NotableStore {
 public:
  /// Distinct texts kept per process and template before repetitions only raise the count.
  static constexpr int kSamples = 4;

  /// More than kMaxNotables are kept of a source with many processes: some of each, within these
  /// bytes.
  static constexpr size_t kMorePerProcess = 8, kMostBytes = size_t{64} << 20;

  /// Of the lines that are folded into one. `template_hash`: that of the body, cut to kMaxKeptText.
  static uint64_t key(uint64_t template_hash, int process, Level level);
  /// Counts a line into an earlier one if it says nothing new, or if there is no room for it.
  /// False: add() it.
  bool counts(uint64_t key, int process, std::string_view body, uint64_t line, uint32_t count);
  /// Keeps a line that counts() refused. `notable` comes without its text and body, which are
  /// copied and cut to kMaxKeptText.
  void add(uint64_t key, Notable notable, std::string_view text, std::string_view body);
  /// Gives up the lines in line order and resets the store.
  std::vector<Notable> take();
  uint64_t dropped() const { return dropped_; }

 private:
  bool is_full() const;
  struct Slot {
    uint32_t samples = 0;
    uint32_t last = 0;
  };
  std::unordered_map<uint64_t, Slot> slots_;
  std::vector<Notable> kept_;
  uint64_t dropped_ = 0;
  size_t processes_ = 0, bytes_ = 0;
};

}  // namespace rankdx
