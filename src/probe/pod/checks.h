// The topics of `check pod|host`: one function, one file each. A function adds at least one result
// per thing it looks at, "unknown" with the reason where it could not.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "probe/checklist.h"
#include "probe/host_view.h"
#include "probe/nvml.h"
#include "probe/pod/pod.h"

namespace rankdx {

struct PodContext {
  const HostView& host;
  const PodOptions& options;
  std::optional<HostProcess> server;
  Variables environment;  ///< of the server when it runs and may be read, else of this process
  std::string environment_source;  ///< "/proc/212/environ", "this process"
  std::string environment_error;   ///< why the server's could not be read; may be empty
  Variables file_settings;         ///< of nccl.conf files
  NvmlSnapshot nvml;

  /// As NCCL sees it: environment first, then its files.
  std::optional<std::string> variable(std::string_view name) const;
  /// Files of the process that counts: "/proc/212/" or "/proc/self/".
  std::string process_dir() const;
};

using PodCheck = void (*)(const PodContext&, Checklist&);

void check_gpus(const PodContext&, Checklist&);
void check_gpu_health(const PodContext&, Checklist&);
void check_gpu_links(const PodContext&, Checklist&);
void check_xid(const PodContext&, Checklist&);
void check_libraries(const PodContext&, Checklist&);
void check_shm(const PodContext&, Checklist&);
void check_limits(const PodContext&, Checklist&);
void check_memory_limit(const PodContext&, Checklist&);
void check_interfaces(const PodContext&, Checklist&);
void check_name_resolution(const PodContext&, Checklist&);
void check_rdma(const PodContext&, Checklist&);
void check_pcie(const PodContext&, Checklist&);
void check_numa(const PodContext&, Checklist&);
void check_model_files(const PodContext&, Checklist&);
void check_cache_dirs(const PodContext&, Checklist&);
void check_user(const PodContext&, Checklist&);
void check_environment(const PodContext&, Checklist&);
void check_preload(const PodContext&, Checklist&);
void check_clock(const PodContext&, Checklist&);
void check_ports(const PodContext&, Checklist&);

}  // namespace rankdx
