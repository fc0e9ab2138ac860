// A running launch as its host sees it (`check --live`, host side): what each process does between
// two looks at /proc. RAS and logs are joined by whoever calls. Pure functions over two samples;
// sampling reads files only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "probe/host_view.h"
#include "probe/nvml.h"
#include "probe/process.h"

namespace rankdx {

struct ProcessSample {
  HostProcess process;
  char state = '?';          ///< R running, S sleeping, D waiting for a device, Z zombie, T stopped
  std::string wait_channel;  ///< kernel function it sleeps in; "" hidden or running
  double cpu_s = 0;          ///< user and system time of all threads
  std::optional<uint64_t> read_bytes;  ///< by read calls (rchar), page cache included
  std::optional<uint64_t>
      mapped_file_bytes;  ///< resident pages of files: how mapped weights arrive
  int threads = 0;
};

ProcessSample sample_process(const HostView& host, HostProcess process);

struct LiveSample {
  double time_s = 0;  ///< monotonic
  std::vector<ProcessSample> processes;
  NvmlSnapshot nvml;
  std::optional<bool>
      serving;  ///< the API server's port listens; nothing when sockets are not readable
};

LiveSample sample_launch(const HostView& host, uint16_t api_port, double time_s);

enum class LiveState : uint8_t { Serving, Loading, Busy, Waiting, Stuck, Gone, Unknown };
std::string_view to_string(LiveState state);

/// What one process did between the samples.
struct ProcessChange {
  HostProcess process;
  LiveState state = LiveState::Unknown;
  double cpu_cores = 0;         ///< busy cores in the mean
  double read_bytes_per_s = 0;  ///< read or mapped
  std::string why;
};

/// `later`: the same process after `seconds`; null when it has gone.
ProcessChange change_of(const ProcessSample& before, const ProcessSample* later, double seconds);

struct LiveVerdict {
  LiveState state = LiveState::Unknown;
  std::vector<ProcessChange> processes;
  double gpu_memory_growth_per_s = 0;  ///< bytes, over all GPUs
  std::optional<double> remaining_s;   ///< of loading, when `weight_bytes` is known
  CheckReport report;
};

/// `weight_bytes`: what one host must read in all, for the remaining time; 0 unknown.
LiveVerdict judge_launch(const LiveSample& before, const LiveSample& after, uint64_t weight_bytes);

}  // namespace rankdx
