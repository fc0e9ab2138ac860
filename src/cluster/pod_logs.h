// Logs of pods: whole (current and previous instance), or followed over restarts and broken
// connections. One stream per container, so that one that breaks never takes the others along.
// Lines carry the kubelet's timestamp; it is what makes a reconnect without loss or repetition
// possible. No state outside the objects; see LogFollower for threads.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/api.h"
#include "cluster/pods.h"

namespace rankdx {

struct LogSource {
  std::string ns, pod, container;
  auto operator<=>(const LogSource&) const = default;
};

/// "pod/container", as it is shown and as diagnose names the source.
std::string to_string(const LogSource& source);

/// All containers of the pods that can have a log: init containers too, not those that never
/// started.
std::vector<LogSource> log_sources(const std::vector<PodInfo>& pods);

/// A line of a log with its timestamp ("2026-11-22T12:24:56.123456789Z") taken off.
struct StampedLine {
  std::string_view stamp;  ///< empty: there was none
  std::string_view text;
};

/// Parts stamp and text. Kubelets before 1.23 repeat the timestamp inside lines of more than 16
/// KiB; `scratch` then holds the text without them.
StampedLine split_stamp(std::string_view line, std::string& scratch);

/// Nanoseconds since 1970 of an RFC 3339 time, or nothing.
std::optional<int64_t> stamp_ns(std::string_view stamp);

struct LogOptions {
  enum class Instance : uint8_t { Current, Previous };
  Instance instance = Instance::Current;
  std::optional<int64_t> tail_lines;  ///< none: everything that the node still has
  std::string since;                  ///< timestamp; empty: from the start
  size_t limit_bytes = 32 << 20;      ///< of more, the start and the last lines are kept
  std::chrono::milliseconds timeout{30'000};
};

struct LogText {
  std::string text;  ///< without timestamps
  std::string first_stamp, last_stamp;
  uint64_t lines = 0;
  bool cut = false;          ///< at limit_bytes, or the stream broke: see `problem`
  bool starts_late = false;  ///< the node has rotated the beginning away
  std::string problem;       ///< why it is not whole; empty when it is
};

/// Fails where there is no log and says why in words ("container is waiting to start:
/// ContainerCreating"). `started_at` of the container, when known, tells whether the beginning is
/// missing.
Result<LogText> read_log(ClusterApi& api, const LogSource& source, const LogOptions& options,
                         std::string_view started_at = {});

enum class LogEvent : uint8_t {
  Attached,   ///< lines flow (again)
  Lost,       ///< the connection broke; it is tried again
  Gap,        ///< lines may be missing here: the node rotated its log faster than it could be read
  Repeats,    ///< lines that had been seen were sent again and dropped
  Restarted,  ///< the container started again; its new log follows
  Ended,      ///< the container is over, or the pod is gone
  Refused     ///< no log to be had, and why; tried again while the pod lives
};

/// Calls come one at a time (a lock is held), from threads of the client or from run().
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void on_line(const LogSource& source, std::string_view stamp, std::string_view text) = 0;
  virtual void on_event(const LogSource& source, LogEvent event, std::string_view text) = 0;
  /// With FollowOptions::also: what the API server said at each look, or why it said nothing. From
  /// run(), without a lock.
  virtual void on_pods(const std::vector<PodInfo>&) {}
  virtual void on_pods_unknown(const Error&) {}
};

struct FollowOptions {
  std::optional<int64_t> tail_lines;  ///< none: from the start
  std::chrono::milliseconds retry{
      1'000};  ///< first pause before a reconnect; doubles up to 16 times that
  std::chrono::milliseconds stall{0};  ///< reconnect when nothing came for so long; zero: never
  /// Pods that appear under this selection later are followed too; empty: only those given.
  std::optional<PodSelection> also;
  std::chrono::milliseconds look_again{5'000};
};

/// Follows many logs at once.
class LogFollower {
 public:
  LogFollower(ClusterApi& api, std::vector<LogSource> sources, LogSink& sink,
              FollowOptions options);
  ~LogFollower();
  /// Returns when `stop` becomes true (looked at every 100 ms) or, without `also`, when all logs
  /// have ended.
  void run(const std::atomic<bool>& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankdx
