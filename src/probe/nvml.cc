#include "probe/nvml.h"

#include <dlfcn.h>

#include <array>
#include <memory>

#include "probe/within.h"

namespace rankdx {
namespace {

using Handle = void*;
constexpr int kOk = 0;
constexpr int kInsufficientSize = 7;  // NVML_ERROR_INSUFFICIENT_SIZE
constexpr uint32_t kMaxGpus = 64, kMaxLinks = 18;

// Layouts of nvml.h, which do not change within a function's _vN.
struct PciInfo {
  char bus_id_legacy[16];
  uint32_t domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
};
struct MemoryInfo {
  unsigned long long total, free, used;
};
struct ProcessInfo {
  uint32_t pid;
  unsigned long long used;
  uint32_t gpu_instance, compute_instance;
};
struct FabricInfo {
  char cluster_uuid[16];
  int status;
  uint32_t clique;
  unsigned char state;
};

class Library {
 public:
  explicit Library(const std::string& name) : handle_(dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) error_ = dlerror();
  }
  // Never closed: the library keeps threads and exit handlers.
  bool loaded() const { return handle_ != nullptr; }
  const std::string& error() const { return error_; }

  /// The result of a function, or -1 when this library does not have it.
  template <class... Args>
  int call(const char* name, Args... args) const {
    const auto f = reinterpret_cast<int (*)(Args...)>(dlsym(handle_, name));
    return f == nullptr ? -1 : f(args...);
  }
  std::string text_of(int code) const {
    const auto f = reinterpret_cast<const char* (*)(int)>(dlsym(handle_, "nvmlErrorString"));
    return f == nullptr ? "error " + std::to_string(code) : f(code);
  }

 private:
  void* handle_;
  std::string error_;
};

template <class T>
std::optional<T> ask(const Library& lib, const char* name, Handle gpu) {
  T value{};
  return lib.call(name, gpu, &value) == kOk ? std::optional(value) : std::nullopt;
}

std::string text(const Library& lib, const char* name, Handle gpu, NvmlGpu& out) {
  std::array<char, 128> buffer{};
  const int code = lib.call(name, gpu, buffer.data(), static_cast<unsigned>(buffer.size() - 1));
  if (code > 0 && out.error == 0) out.error = code, out.error_text = lib.text_of(code);
  return buffer.data();
}

void read_memory(const Library& lib, Handle handle, NvmlGpu& gpu) {
  if (const auto m = ask<MemoryInfo>(lib, "nvmlDeviceGetMemoryInfo", handle)) {
    gpu.total_bytes = m->total;
    gpu.used_bytes = m->used;
  }
  std::vector<ProcessInfo> list(64);
  for (int round = 0; round < 2; ++round) {
    auto count = static_cast<unsigned>(list.size());
    const int code =
        lib.call("nvmlDeviceGetComputeRunningProcesses_v3", handle, &count, list.data());
    if (code == kInsufficientSize && count < 65536) {
      list.resize(count + 16);
      continue;
    }
    if (code != kOk) return;
    for (unsigned i = 0; i < count && i < list.size(); ++i) {
      const bool known = list[i].used != ~0ULL;
      gpu.processes.push_back(
          {list[i].pid, known ? std::optional<uint64_t>(list[i].used) : std::nullopt});
    }
    return;
  }
}

void read_health(const Library& lib, Handle handle, NvmlGpu& gpu) {
  if (const auto on = ask<int>(lib, "nvmlDeviceGetPersistenceMode", handle)) {
    gpu.persistence = *on != 0;
  }
  int current = 0, pending = 0;
  if (lib.call("nvmlDeviceGetEccMode", handle, &current, &pending) == kOk) gpu.ecc = current != 0;
  unsigned long long errors = 0;
  // 1: uncorrected, 0: since the driver was loaded.
  if (lib.call("nvmlDeviceGetTotalEccErrors", handle, 1, 0, &errors) == kOk) {
    gpu.ecc_uncorrected = errors;
  }
  unsigned corrected = 0, uncorrected = 0, is_pending = 0, failed = 0;
  if (lib.call("nvmlDeviceGetRemappedRows", handle, &corrected, &uncorrected, &is_pending,
               &failed) == kOk) {
    gpu.rows_pending = is_pending != 0;
    gpu.rows_failed = failed != 0;
  }
  gpu.compute_mode = ask<int>(lib, "nvmlDeviceGetComputeMode", handle);
}

void read_mig(const Library& lib, Handle handle, NvmlGpu& gpu) {
  unsigned current = 0, pending = 0, most = 0;
  if (lib.call("nvmlDeviceGetMigMode", handle, &current, &pending) != kOk) return;
  gpu.mig = current != 0;
  if (!*gpu.mig || lib.call("nvmlDeviceGetMaxMigDeviceCount", handle, &most) != kOk) return;
  gpu.mig_instances = 0;
  for (unsigned i = 0; i < most && i < 16; ++i) {
    Handle instance = nullptr;
    if (lib.call("nvmlDeviceGetMigDeviceHandleByIndex", handle, i, &instance) == kOk) {
      ++*gpu.mig_instances;
    }
  }
}

void read_links(const Library& lib, Handle handle, NvmlGpu& gpu) {
  gpu.pcie_generation = ask<unsigned>(lib, "nvmlDeviceGetCurrPcieLinkGeneration", handle);
  gpu.pcie_generation_max = ask<unsigned>(lib, "nvmlDeviceGetMaxPcieLinkGeneration", handle);
  gpu.pcie_width = ask<unsigned>(lib, "nvmlDeviceGetCurrPcieLinkWidth", handle);
  gpu.pcie_width_max = ask<unsigned>(lib, "nvmlDeviceGetMaxPcieLinkWidth", handle);
  uint32_t known = 0, active = 0;
  for (unsigned link = 0; link < kMaxLinks; ++link) {
    unsigned on = 0;
    if (lib.call("nvmlDeviceGetNvLinkState", handle, link, &on) != kOk) break;
    ++known;
    active += on != 0 ? 1 : 0;
  }
  if (known > 0) gpu.nvlinks = known, gpu.nvlinks_active = active;
  FabricInfo fabric{};
  if (lib.call("nvmlDeviceGetGpuFabricInfo", handle, &fabric) == kOk) {
    gpu.fabric_state = fabric.state;
    gpu.fabric_status = fabric.status;
  }
}

NvmlGpu read_gpu(const Library& lib, unsigned index, Handle& handle) {
  NvmlGpu gpu;
  gpu.index = index;
  const int code = lib.call("nvmlDeviceGetHandleByIndex_v2", index, &handle);
  if (code != kOk) {
    gpu.error = code;
    gpu.error_text = lib.text_of(code);
    return gpu;
  }
  gpu.name = text(lib, "nvmlDeviceGetName", handle, gpu);
  gpu.uuid = text(lib, "nvmlDeviceGetUUID", handle, gpu);
  if (gpu.error != 0) return gpu;
  if (auto pci = ask<PciInfo>(lib, "nvmlDeviceGetPciInfo_v3", handle)) {
    pci->bus_id[31] = '\0';
    gpu.bus_id = pci->bus_id;
  }
  read_memory(lib, handle, gpu);
  read_health(lib, handle, gpu);
  read_mig(lib, handle, gpu);
  read_links(lib, handle, gpu);
  return gpu;
}

void read_pairs(const Library& lib, const std::vector<Handle>& handles, NvmlSnapshot& out) {
  for (size_t a = 0; a < handles.size(); ++a) {
    for (size_t b = 0; b < handles.size(); ++b) {
      int status = 0;
      if (a == b || out.gpus[a].error != 0 || out.gpus[b].error != 0) continue;
      // 0: reads.
      if (lib.call("nvmlDeviceGetP2PStatus", handles[a], handles[b], 0, &status) != kOk) return;
      out.pairs.push_back({static_cast<uint32_t>(a), static_cast<uint32_t>(b), status});
    }
  }
}

NvmlSnapshot read_now(const std::string& library) {
  NvmlSnapshot out;
  const Library lib(library);
  if (!lib.loaded()) {
    out.state = NvmlSnapshot::State::NoLibrary;
    out.error = lib.error();
    return out;
  }
  out.code = lib.call("nvmlInit_v2");
  if (out.code != kOk) {
    out.state = NvmlSnapshot::State::InitFailed;
    out.error = out.code < 0 ? "the library has no nvmlInit_v2" : lib.text_of(out.code);
    return out;
  }
  out.state = NvmlSnapshot::State::Read;
  std::array<char, 96> version{};
  lib.call("nvmlSystemGetDriverVersion", version.data(), static_cast<unsigned>(version.size() - 1));
  out.driver_version = version.data();
  lib.call("nvmlSystemGetCudaDriverVersion_v2", &out.cuda_version);
  unsigned count = 0;
  lib.call("nvmlDeviceGetCount_v2", &count);
  std::vector<Handle> handles(std::min(count, kMaxGpus));
  for (unsigned i = 0; i < handles.size(); ++i) {
    out.gpus.push_back(read_gpu(lib, i, handles[i]));
  }
  read_pairs(lib, handles, out);
  lib.call("nvmlShutdown");
  return out;
}

}  // namespace

NvmlSnapshot read_nvml(const std::string& library, std::chrono::milliseconds timeout) {
  auto snapshot = within(timeout, [library] { return read_now(library); });
  if (snapshot) return std::move(*snapshot);
  NvmlSnapshot none;
  none.state = NvmlSnapshot::State::TimedOut;
  none.error = "no answer within " + std::to_string(timeout.count()) + " ms";
  return none;
}

}  // namespace rankdx
