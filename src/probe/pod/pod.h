// `rankdx check pod|host`: everything one container or node can say about itself. Reads only; the
// one thing it makes are empty temporary files in cache directories and /dev/shm, removed at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "probe/host_view.h"
#include "probe/process.h"

namespace rankdx {

enum class Scope : uint8_t { Pod, Host };

struct PodOptions {
  Scope scope = Scope::Pod;
  std::optional<int64_t> expected_gpus;
  std::optional<int64_t> server_pid;    ///< whose environment counts; found by itself when absent
  std::vector<uint16_t> ports;          ///< must be free
  std::vector<std::string> only;        ///< topics of pod_topics(); empty: all
  std::vector<std::string> cache_dirs;  ///< beside those that the variables name
  std::string model;         ///< model directory; "": that of the running server's command, if any
  std::string nvml_library;  ///< "": libnvidia-ml.so.1 on this machine, none below a root
  std::optional<double> caller_time_s;  ///< the caller's clock as Unix time, to compare with
  Variables environment;                ///< what a server started here would inherit
};

/// What `only` may name; "shared" stands for all that another container of the pod sees as well.
std::vector<std::string> pod_topics();

CheckReport check_pod(const HostView& host, const PodOptions& options);

struct PodLimits {
  std::chrono::milliseconds topic{5'000}, all{30'000};
};
/// How the reason of a topic begins that took too long.
inline constexpr std::string_view kNoAnswer = "no answer within ";
/// The same for a caller who cannot wait: a topic that hangs (a dead mount) is unknown with that
/// reason, and goes on in a thread of its own.
CheckReport check_pod_within(const PodLimits& limits, const HostView& host,
                             const PodOptions& options);

/// Whether this machine is a container, as far as its engine tells.
bool is_container(const HostView& host, const Variables& environment);

}  // namespace rankdx
