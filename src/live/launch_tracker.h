// Where each process of a launch stands, from its log lines as they come. Time is what the caller
// says, so a test sets it. Memory is bounded: a line beyond the limits moves nothing. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "live/phases.h"
#include "scan/scanner.h"

namespace rankdx {

/// One process: a rank, or the API server or engine of a source.
struct ProcessState {
  std::string name;    ///< "Worker_TP0", "APIServer"; "" when nothing names it
  std::string source;  ///< the log, and the wrapper's origin behind it
  std::string host;    ///< as NCCL prints it; "" when it has not
  int pid = -1;
  int rank = -1;
  int world = 0;  ///< ranks of the group that gave the rank; 0: the rank comes from a name
  Phase phase = Phase::Boot;
  BarState progress;       ///< total 0: no bar in this phase
  double since_s = 0;      ///< when the phase began
  double last_line_s = 0;  ///< the last line that shows progress
  bool failed = false;
  std::string evidence;  ///< the line of the failure, without secrets
  bool operator==(const ProcessState&) const = default;
};

/// Ranks that must meet: an NCCL communicator, or torch's process group.
struct Meeting {
  std::string what;  ///< "NCCL commId 0x1234", "tcp://10.0.0.1:29500"
  int size = 0;
  std::set<int> arrived, completed;
  double since_s = 0;  ///< when the first arrived
};

struct LaunchState {
  std::vector<ProcessState> processes;  ///< in order of appearance
  std::map<std::string, Meeting> meetings;
  int world = 0;     ///< the largest group seen
  int restarts = 0;  ///< containers that started anew
  uint64_t lines = 0;
};

class LaunchTracker {
 public:
  LaunchTracker();
  ~LaunchTracker();
  /// A log; lines of it are fed with the number that this returns.
  int add_source(std::string label);
  /// One line without its newline; `when_s` is when it was written, on the caller's clock.
  void feed(int source, std::string_view line, double when_s);
  const LaunchState& state() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankdx
