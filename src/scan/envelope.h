// The envelope of a message: who wrote this line, when, at which level. Grammar of NCCL 2.3
// to 2.30.7 (debug.cc of every release) and of the wrappers that launchers and log collectors put
// around it. All views point into the line that was scanned; nothing is copied.
#pragma once

#include <cstdint>
#include <string_view>

namespace rankdx {

enum class Level : uint8_t { None, Version, Warn, Info, Abort, Trace, Call };

inline constexpr uint32_t kNoWriter = 0xffffffff;
inline constexpr int64_t kNoTime = INT64_MIN;

/// One message. `level == None` means: not an NCCL line (a framework's, a launcher's, or free
/// text).
struct Envelope {
  std::string_view origin;  ///< pod/container, compose service, journald unit, Ray node: the
                            ///< wrapper that names a writer; ""
  std::string_view
      actor;           ///< "RayWorkerWrapper", "Worker_TP0", "EngineCore_DP0", "APIServer"...; ""
  int actor_pid = -1;  ///< pid=… of the actor wrapper, -1 when absent
  std::string_view actor_ip;  ///< ip=… of a Ray wrapper; ""
  int64_t time_us = kNoTime;  ///< microseconds since 1970 (UTC assumed when the stamp has no zone)
  int label_rank = -1;  ///< rank printed by a launcher wrapper: "[rank3]:", "3: " (Slurm --label),
                        ///< "[1,3]<stdout>:" (mpirun)
  uint32_t repeated =
      1;  ///< Ray's "[repeated 14x across cluster]": how many lines this one stands for
  std::string_view host;  ///< NCCL prefix; "" without one
  int pid = -1;
  int tid = -1;
  int cuda_dev =
      -1;  ///< the bracket behind the tid: CUDA ordinal of the calling thread, not the rank
  Level level = Level::None;
  std::string_view file;  ///< of a WARN: "misc/socket.cc"; "" otherwise
  std::string_view func;  ///< of a WARN of 2.30.7; "" otherwise
  std::string_view body;  ///< message text: after "NCCL INFO "; for level None the line without
                          ///< wrappers and ANSI codes
  uint32_t writer = kNoWriter;  ///< small number, same for lines of one (origin, host, pid, tid);
                                ///< kNoWriter if not an NCCL line
  bool damaged =
      false;  ///< glued, cut or overwritten: text before/after does not belong to this message
};

}  // namespace rankdx
