// The GPUs as NVIDIA's management library (libnvidia-ml.so.1) sees them, loaded with dlopen: no
// build needs it. The snapshot is a value; a library that does not answer in time is left alone in
// a thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rankdx {

struct GpuProcess {
  uint32_t pid = 0;  ///< in the host's numbering; means nothing inside another PID namespace
  std::optional<uint64_t> used_bytes;
};

/// What one GPU answered; absent: this driver or GPU does not say.
struct NvmlGpu {
  uint32_t index = 0;  ///< nvidia-smi order
  int error = 0;       ///< nvmlReturn_t of the first call that failed on the handle; 0 none
  std::string error_text;
  std::string name, uuid, bus_id;
  std::optional<uint64_t> total_bytes, used_bytes;
  std::vector<GpuProcess> processes;
  std::optional<bool> persistence, mig, ecc;
  std::optional<uint32_t> mig_instances;
  std::optional<uint64_t> ecc_uncorrected;  ///< since the driver was loaded
  std::optional<bool> rows_pending, rows_failed;
  std::optional<uint32_t> pcie_generation, pcie_generation_max, pcie_width, pcie_width_max;
  std::optional<uint32_t> nvlinks_active, nvlinks;
  std::optional<int> fabric_state;   ///< 0 not supported, 1 not started, 2 in progress, 3 completed
  std::optional<int> fabric_status;  ///< nvmlReturn_t, meaningful when completed
  std::optional<int> compute_mode;   ///< 0 default, 2 prohibited, 3 exclusive process
};

struct GpuPair {
  uint32_t a = 0, b = 0;
  int status = 0;  ///< of P2P reads: 0 ok, 1 chipset, 2 GPU, 3 topology, 4 registry key, 5 not
                   ///< supported, 6 unknown
};

struct NvmlSnapshot {
  enum class State : uint8_t { NotTried, NoLibrary, InitFailed, TimedOut, Read };
  State state = State::NotTried;
  int code = 0;  ///< nvmlReturn_t of nvmlInit
  std::string error;
  std::string driver_version;
  int cuda_version = 0;  ///< newest CUDA that the driver runs: 12080 is 12.8
  std::vector<NvmlGpu> gpus;
  std::vector<GpuPair> pairs;
};

NvmlSnapshot read_nvml(const std::string& library = "libnvidia-ml.so.1",
                       std::chrono::milliseconds timeout = std::chrono::seconds(10));

}  // namespace rankdx
