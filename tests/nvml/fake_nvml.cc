// A pretend libnvidia-ml.so.1. FAKE_NVML holds "key=value;..." with: count, name, driver, cuda,
// total, used, init (code of nvmlInit), init_ms (how long it takes), fail_index and fail_code (a
// GPU that is lost), nvlink (active links of 18), p2p, mig, instances, ecc_errors, rows_failed,
// rows_pending, persistence, compute_mode, fabric, fabric_status, gen, width, same_uuid, pid (a
// process on every GPU). Unset: eight healthy GPUs of an NVLink machine.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr int kOk = 0, kInvalidArgument = 2, kNotSupported = 3, kInsufficientSize = 7;
constexpr int kGpuIsLost = 15;

std::string setting(const std::string& key, const std::string& otherwise) {
  const char* all = std::getenv("FAKE_NVML");
  const std::string text = std::string(";") + (all == nullptr ? "" : all) + ";";
  const size_t at = text.find(";" + key + "=");
  if (at == std::string::npos) return otherwise;
  const size_t from = at + key.size() + 2;
  return text.substr(from, text.find(';', from) - from);
}

long number(const std::string& key, long otherwise) {
  return std::strtol(setting(key, std::to_string(otherwise)).c_str(), nullptr, 0);
}

int put(char* out, unsigned size, const std::string& text) {
  if (text.size() + 1 > size) return kInsufficientSize;
  std::memcpy(out, text.c_str(), text.size() + 1);
  return kOk;
}

long index_of(void* gpu) { return reinterpret_cast<intptr_t>(gpu) - 1; }
bool lost(void* gpu) { return index_of(gpu) == number("fail_index", -1); }
int lost_code() { return static_cast<int>(number("fail_code", kGpuIsLost)); }

template <class T>
int give(void* gpu, T* out, long value) {
  if (lost(gpu)) return lost_code();
  *out = static_cast<T>(value);
  return kOk;
}

}  // namespace

extern "C" {

struct Pci {
  char bus_id_legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
};
struct Memory {
  unsigned long long total, free, used;
};
struct ProcessInfo {
  unsigned pid;
  unsigned long long used;
  unsigned gpu_instance, compute_instance;
};
struct Fabric {
  char cluster_uuid[16];
  int status;
  unsigned clique;
  unsigned char state;
};

int nvmlInit_v2() {
  usleep(static_cast<useconds_t>(number("init_ms", 0) * 1000));
  return static_cast<int>(number("init", 0));
}
int nvmlShutdown() { return kOk; }
const char* nvmlErrorString(int code) {
  switch (code) {
    case 9:
      return "Driver Not Loaded";
    case 15:
      return "GPU is lost";
    case 18:
      return "Driver/library version mismatch";
    default:
      return "Unknown Error";
  }
}
int nvmlSystemGetDriverVersion(char* out, unsigned size) {
  return put(out, size, setting("driver", "570.86.15"));
}
int nvmlSystemGetCudaDriverVersion_v2(int* out) {
  *out = static_cast<int>(number("cuda", 12080));
  return kOk;
}
int nvmlDeviceGetCount_v2(unsigned* out) {
  *out = static_cast<unsigned>(number("count", 8));
  return kOk;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** out) {
  if (index >= number("count", 8)) return kInvalidArgument;
  *out = reinterpret_cast<void*>(static_cast<intptr_t>(index) + 1);
  return kOk;
}
int nvmlDeviceGetName(void* gpu, char* out, unsigned size) {
  return lost(gpu) ? lost_code() : put(out, size, setting("name", "NVIDIA H100 80GB HBM3"));
}
int nvmlDeviceGetUUID(void* gpu, char* out, unsigned size) {
  if (lost(gpu)) return lost_code();
  char text[64];
  const long i = number("same_uuid", 0) != 0 ? 0 : index_of(gpu);
  std::snprintf(text, sizeof text, "GPU-00000000-0000-0000-0000-%012ld", i);
  return put(out, size, text);
}
int nvmlDeviceGetMemoryInfo(void* gpu, Memory* out) {
  if (lost(gpu)) return lost_code();
  out->total = std::strtoull(setting("total", "85520809984").c_str(), nullptr, 0);
  out->used = std::strtoull(setting("used", "620756992").c_str(), nullptr, 0);
  out->free = out->total - out->used;
  return kOk;
}
int nvmlDeviceGetPciInfo_v3(void* gpu, Pci* out) {
  if (lost(gpu)) return lost_code();
  *out = {};
  out->bus = static_cast<unsigned>(0x1a + index_of(gpu) * 0x10);
  std::snprintf(out->bus_id, sizeof out->bus_id, "00000000:%02X:00.0", out->bus);
  return kOk;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void* gpu, unsigned* count, ProcessInfo* out) {
  if (lost(gpu)) return lost_code();
  const long pid = number("pid", 0);
  if (pid == 0) return *count = 0, kOk;
  if (*count < 1) return *count = 1, kInsufficientSize;
  *count = 1;
  out[0] = {static_cast<unsigned>(pid), 70ULL << 30, ~0U, ~0U};
  return kOk;
}
int nvmlDeviceGetNvLinkState(void* gpu, unsigned link, unsigned* on) {
  if (number("nvlink", 18) < 0) return kNotSupported;
  return link >= 18 ? kInvalidArgument : give(gpu, on, link < number("nvlink", 18) ? 1 : 0);
}
int nvmlDeviceGetP2PStatus(void* a, void*, int, int* out) { return give(a, out, number("p2p", 0)); }
int nvmlDeviceGetEccMode(void* gpu, int* current, int* pending) {
  *pending = 1;
  return give(gpu, current, 1);
}
int nvmlDeviceGetTotalEccErrors(void* gpu, int, int, unsigned long long* out) {
  return give(gpu, out, number("ecc_errors", 0));
}
int nvmlDeviceGetRemappedRows(void* gpu, unsigned* corrected, unsigned* uncorrected,
                              unsigned* pending, unsigned* failed) {
  *corrected = *uncorrected = 0;
  *pending = static_cast<unsigned>(number("rows_pending", 0));
  return give(gpu, failed, number("rows_failed", 0));
}
int nvmlDeviceGetPersistenceMode(void* gpu, int* on) {
  return give(gpu, on, number("persistence", 1));
}
int nvmlDeviceGetComputeMode(void* gpu, int* mode) {
  return give(gpu, mode, number("compute_mode", 0));
}
int nvmlDeviceGetMigMode(void* gpu, unsigned* current, unsigned* pending) {
  *pending = 0;
  return give(gpu, current, number("mig", 0));
}
int nvmlDeviceGetMaxMigDeviceCount(void* gpu, unsigned* count) { return give(gpu, count, 7); }
int nvmlDeviceGetMigDeviceHandleByIndex(void* gpu, unsigned index, void** out) {
  if (index >= number("instances", 0)) return kInvalidArgument;
  *out = gpu;
  return kOk;
}
int nvmlDeviceGetGpuFabricInfo(void* gpu, Fabric* out) {
  *out = {};
  out->status = static_cast<int>(number("fabric_status", 0));
  return give(gpu, &out->state, number("fabric", 3));
}
int nvmlDeviceGetCurrPcieLinkGeneration(void* gpu, unsigned* out) {
  return give(gpu, out, number("gen", 5));
}
int nvmlDeviceGetMaxPcieLinkGeneration(void* gpu, unsigned* out) { return give(gpu, out, 5); }
int nvmlDeviceGetCurrPcieLinkWidth(void* gpu, unsigned* out) {
  return give(gpu, out, number("width", 16));
}
int nvmlDeviceGetMaxPcieLinkWidth(void* gpu, unsigned* out) { return give(gpu, out, 16); }

}  // extern "C"
