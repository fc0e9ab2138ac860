// A launch for the reader: a table with one line per rank, and one line (or JSON object) per change
// of state. All words of the logs are made safe here. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "live/stall.h"
#include "present/terminal.h"

namespace rankdx {

/// The verdict, then a line per rank: phase, bar, rate, time left, silence. At most `most_rows`
/// lines of processes.
std::string state_table(const LaunchState& state, const LaunchVerdict& verdict, double now_s,
                        size_t width, size_t most_rows, Paint paint);

/// A process, a rank that nobody has seen, or the whole launch took another state.
struct StateChange {
  double at_s = 0;
  std::string subject;  ///< "rank 3", "APIServer", "launch"
  std::string source;
  std::string state;  ///< a phase, "failed", or for the launch its motion
  std::string text;   ///< the verdict or the evidence; safe
  BarState progress;
  std::optional<int> exit_code;  ///< of a container or command that has ended
};

/// Remembers what it has said, and says what is new.
class ChangeLog {
 public:
  std::vector<StateChange> changes(const LaunchState& state, const LaunchVerdict& verdict,
                                   double now_s);

 private:
  std::map<std::string, std::string> said_;
};

std::string change_text(const StateChange& change);
/// One JSON object in a line; schema "rankdx.watch/1".
std::string change_json(const StateChange& change);

}  // namespace rankdx
