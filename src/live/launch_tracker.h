// Where each process of a launch stands, from its log lines as they come. Time is what the caller
// says, so a test sets it. Memory is bounded: a line beyond the limits moves nothing. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "events/phases.h"
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
  BarState progress;        ///< total 0: no bar in this phase
  bool logged_bar = false;  ///< the log has a bar; what its machine shows is coarser
  double since_s = 0;       ///< when the phase began
  double last_line_s = 0;   ///< the last line that shows progress
  bool failed = false;
  std::string evidence;      ///< the line of the failure, without secrets
  std::string activity;      ///< what its machine shows; "" when that is not looked at
  std::vector<float> rates;  ///< of loading, latest last: items or bytes per second
  bool operator==(const ProcessState&) const = default;
};

/// What is known of a log's container or command besides its lines.
struct SourceState {
  std::string word;  ///< "Running", "ImagePullBackOff", "OOMKilled"
  std::optional<int> exit_code;
  int restarts = 0;
  std::string before;  ///< how the instance before this one ended; without secrets
  bool operator==(const SourceState&) const = default;
};

/// A process as its machine shows it between two looks.
struct ProcessSight {
  int pid = -1;
  std::string name;      ///< "VLLM::Worker_TP1"
  std::string activity;  ///< "loading", "waiting", "gone"
  double cpu_cores = 0, bytes_per_s = 0;
  uint64_t bytes_read = 0;
  std::optional<uint64_t> gpu_bytes;
  BarState shards;       ///< total 0: no shard of a checkpoint is open
  bool moved = false;    ///< it got on: read, or opened another shard
  bool serving = false;  ///< it listens on the port of the API
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
  std::map<std::string, SourceState> sources;  ///< those that something was said of
  int world = 0;                               ///< the largest group seen
  int restarts = 0;                            ///< containers that started anew
  bool engine = false;  ///< words of vLLM were seen: its phases can be judged
  uint64_t lines = 0;
};

class LaunchTracker {
 public:
  LaunchTracker();
  ~LaunchTracker();
  /// A log; lines of it are fed with the number that this returns. Process ids mean the same in
  /// all logs of one `place`; "": the log is a place of its own.
  int add_source(std::string label, std::string place = {});
  /// One line without its newline; `when_s` is when it was written, on the caller's clock.
  void feed(int source, std::string_view line, double when_s);
  /// The container of this log has started anew.
  void restarted(int source);
  void set_source(int source, SourceState now);
  /// What a machine shows of a process; `source` names the machine's place.
  void observe(int source, const ProcessSight& sight, double when_s);
  const LaunchState& state() const;

 private:
  bool select(int source, double when_s);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankdx
