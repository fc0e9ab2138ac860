// What one message says against what is wanted, and what it adds to the statistics. Internal to the
// room; not thread-safe.
#pragma once

#include <bitset>
#include <string_view>

#include "bundle/filter.h"
#include "bundle/subsystem.h"
#include "events/event.h"
#include "job/said_alike.h"
#include "job/said_before.h"

namespace rankdx {

class MessageJudge {
 public:
  /// A message without who said it.
  struct Said {
    Level level;
    int64_t time_us;
    std::string_view body, file, func;
    size_t host_size;
    /// The body with "NCCL INFO " before it, if it ends its line and Shape::kMostBytes are readable
    /// from there on; else empty.
    std::string_view text = {};
  };
  explicit MessageJudge(const FilterOptions& options);

  /// Before many lines.
  void start() { said_before_.start(); }
  /// Whether every line that says anything is kept.
  bool takes_all() const { return takes_all_; }
  bool asks_for_time() const { return options_.since_us || options_.until_us; }
  bool asks_for_rank() const { return !options_.ranks.empty(); }
  /// Whether the line cannot matter, for itself or for lines that follow, whoever wrote it.
  bool is_out(std::string_view line) const;
  Subsystem subsystem(const Said& message);
  /// Whether it is wanted, whenever it was said. `rank`: -1 when it is not known, or not asked for.
  bool wants(const Said& message, int rank);
  void note_time(const Said& message) {
    if (message.time_us != kNoTime) last_time = message.time_us;
  }
  /// Whether the last time lies where it shall.
  bool is_in_time() const;

  /// The time of the last message that had one.
  int64_t last_time = kNoTime;

 private:
  const FilterOptions& options_;
  bool takes_all_;
  std::bitset<kSubsystems> subsystems_;
  SaidAlike said_alike_;
  SaidBefore said_before_;
  Event event_;  ///< of the message at hand
};

}  // namespace rankdx
