// The envelope of a message: who wrote this line, when, at which level. Grammar of NCCL 2.3 to
// 2.30.7 (debug.cc of every release) and of the wrappers that launchers and log collectors put
// around it. The views point into the line that was scanned or into the scanner (it rewrites lines
// with escape sequences and remembers prefixes): they live until the callback returns.
#pragma once

#include <cstdint>
#include <string_view>

namespace rankdx {

enum class Level : uint8_t { None, Version, Warn, Info, Abort, Trace, Call };

inline constexpr uint32_t kNoWriter = 0xffffffff;
inline constexpr int64_t kNoTime = INT64_MIN;

/// One message. `level == None`: not an NCCL line (a framework's, a launcher's, or free text).
struct Envelope {
  /// The wrapper that names a writer: "pod/container", a compose service, a journald unit, the host
  /// label of pdsh; "" without one. The innermost wins, also for the actor and the label.
  std::string_view origin;
  std::string_view actor;     ///< "RayWorkerWrapper", "Worker_TP0", "APIServer"...; ""
  std::string_view actor_ip;  ///< ip=... of a Ray wrapper; ""
  int actor_pid = -1;         ///< pid=... of the actor wrapper, -1 when absent
  /// Rank printed by a launcher's wrapper: "[rank3]:", "3: " (Slurm), "[1,3]<stdout>:" (mpirun).
  int label_rank = -1;
  /// Microseconds since 1970. UTC is assumed without a zone; a stamp with a zone wins.
  int64_t time_us = kNoTime;
  uint32_t repeated = 1;  ///< Ray's "[repeated 14x across cluster]": lines this one stands for

  std::string_view host;  ///< of the NCCL prefix; "" without one, or when it is not sure
  int pid = -1;
  int tid = -1;
  int cuda_dev = -1;  ///< the bracket behind the tid: the calling thread's CUDA ordinal, not a rank
  /// Small number, the same for lines of one (origin, host, pid, tid); kNoWriter without a host.
  uint32_t writer = kNoWriter;
  Level level = Level::None;
  /// Glued to another message, cut, or holding broken bytes: its words are real, but it may lack
  /// some, and digits of its numbers.
  bool damaged = false;
  std::string_view file;  ///< of a WARN: "misc/socket.cc"; "" otherwise
  std::string_view func;  ///< of a WARN of 2.30.7; "" otherwise
  /// What was said: behind "NCCL INFO "; for level None the line without wrappers and ANSI codes.
  std::string_view body;

  bool operator==(const Envelope&) const = default;
};

}  // namespace rankdx
