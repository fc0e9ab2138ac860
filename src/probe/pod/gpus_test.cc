// GPUs over a fake management library (tests/nvml) and fake device files: each ok, wrong and
// unknown.
#include <cstdlib>

#include "probe/pod/test_root.h"

namespace rankdx {
namespace {

using enum CheckStatus;

Files machine(int nodes) {
  Files out = {{"/proc/driver/nvidia/version",
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release\n"}};
  for (int i = 0; i < nodes; ++i) {
    out.push_back({"/dev/nvidia" + std::to_string(i), ""});
    out.push_back(
        {"/proc/driver/nvidia/gpus/0000:1" + std::to_string(i) + ":00.0/information", ""});
  }
  return out;
}

struct GpuCase {
  std::string fake;  ///< FAKE_NVML; "-" no library, "" eight healthy GPUs
  PodCheck check;
  std::string id;
  CheckStatus status;
  std::string value, finding;
  std::optional<int64_t> expected = std::nullopt;
  int nodes = 8;
};

void run(const std::vector<GpuCase>& cases) {
  for (const GpuCase& c : cases) {
    setenv("FAKE_NVML", c.fake.c_str(), 1);
    const PodCase pod{c.fake, c.check, c.id, machine(c.nodes), {}, c.status, c.value, c.finding};
    run_cases({pod}, [&](const PodCase&, TestHost&, PodOptions& options, PodContext& ctx) {
      options.expected_gpus = c.expected;
      options.scope = Scope::Host;
      ctx.nvml = read_nvml(c.fake == "-" ? "/nowhere/libnvidia-ml.so.1" : RANKDX_FAKE_NVML,
                           std::chrono::milliseconds(c.fake.starts_with("init_ms") ? 20 : 10000));
    });
  }
}

TEST(PodGpus, Visible) {
  run({
      {"", check_gpus, "gpus", Ok, "8 GPUs (NVIDIA H100 80GB HBM3)", "", 8},
      {"count=7", check_gpus, "gpus", Failed, "7 GPUs", "gpu-not-visible", 8},
      {"count=0", check_gpus, "gpus", Failed, "0 GPUs", "gpu-not-visible"},
      {"", check_gpus, "gpus", Failed, "8 GPUs", "gpu-not-visible", std::nullopt, 4},
      {"init=9", check_gpus, "gpus", Failed, "Driver Not Loaded", "gpu-not-visible"},
      {"init=18", check_gpus, "gpus", Failed, "mismatch", "driver-library-version-mismatch"},
      {"init_ms=200", check_gpus, "gpus", Unknown, "no answer within 20 ms", ""},
      {"-", check_gpus, "gpus", Failed, "libnvidia-ml", "gpu-not-visible"},
      {"-", check_gpus, "gpus", Unknown, "no NVIDIA library", "", std::nullopt, 0},
      {"-", check_gpus, "gpus", Failed, "libnvidia-ml", "gpu-not-visible", 8, 0},
      {"", check_gpus, "gpu-uuids", Ok, "8 different", ""},
      {"same_uuid=1", check_gpus, "gpu-uuids", Failed, "GPU-0000", "duplicate-gpu"},
      {"", check_gpus, "gpu-mig", Ok, "off", ""},
      {"mig=1;instances=2", check_gpus, "gpu-mig", Warning, "8 of 8", "gpu-isolation-breaks-p2p"},
      {"mig=1", check_gpus, "gpu-mig", Failed, "no instance", "gpu-not-visible"},
      {"", check_gpus, "gpu-driver", Ok, "570.86.15", ""},
      {"driver=550.54.14", check_gpus, "gpu-driver", Failed, "550.54.14",
       "driver-library-version-mismatch"},
  });
  setenv("FAKE_NVML", "", 1);
  run_cases({{"no /proc file", check_gpus, "gpu-driver", {}, {}, Unknown, "no such file", ""}},
            [](const PodCase&, TestHost&, PodOptions&, PodContext& ctx) {
              ctx.nvml = read_nvml(RANKDX_FAKE_NVML);
            });
}

TEST(PodGpus, Health) {
  run({
      {"", check_gpu_health, "gpu-alive", Ok, "8 answer", ""},
      {"fail_index=3", check_gpu_health, "gpu-alive", Failed, "GPU 3: GPU is lost",
       "gpu-hardware-fault"},
      {"", check_gpu_health, "gpu-ecc", Ok, "no uncorrected", ""},
      {"ecc_errors=2", check_gpu_health, "gpu-ecc", Failed, "2 uncorrected", "gpu-hardware-fault"},
      {"rows_failed=1", check_gpu_health, "gpu-ecc", Failed, "failed", "gpu-hardware-fault"},
      {"rows_pending=1", check_gpu_health, "gpu-ecc", Warning, "waits", "gpu-hardware-fault"},
      {"", check_gpu_health, "gpu-memory", Ok, "592 MiB of", ""},
      {"used=75161927680;pid=4242", check_gpu_health, "gpu-memory", Warning, "pid 4242",
       "gpu-memory-in-use-at-startup"},
      {"", check_gpu_health, "gpu-compute-mode", Ok, "default", ""},
      {"compute_mode=3", check_gpu_health, "gpu-compute-mode", Failed, "exclusive",
       "gpu-exclusive-process-mode"},
      {"", check_gpu_health, "gpu-persistence", Ok, "on", ""},
      {"persistence=0", check_gpu_health, "gpu-persistence", Warning, "off", "gpu-persistence-off"},
  });
  const auto bare = [](const PodCase&, TestHost&, PodOptions&, PodContext& ctx) {
    ctx.nvml.state = NvmlSnapshot::State::Read;
    ctx.nvml.gpus.resize(2);
  };
  run_cases(
      {{"no mode", check_gpu_health, "gpu-compute-mode", {}, {}, Unknown, "not say", ""},
       {"no persistence", check_gpu_health, "gpu-persistence", {}, {}, Unknown, "not say", ""},
       {"no UUID", check_gpus, "gpu-uuids", {}, {}, Unknown, "no GPU tells", ""},
       {"no MIG", check_gpus, "gpu-mig", {}, {}, Unknown, "does not say", ""},
       {"no counters", check_gpu_health, "gpu-ecc", {}, {}, Unknown, "do not count", ""},
       {"no memory", check_gpu_health, "gpu-memory", {}, {}, Unknown, "no GPU tells", ""},
       {"no fabric", check_gpu_links, "gpu-fabric", {}, {}, Unknown, "does not say", ""},
       {"no pairs", check_gpu_links, "gpu-peer-access", {}, {}, Unknown, "does not say", ""},
       {"no width", check_gpu_links, "gpu-pcie-link", {}, {}, Unknown, "does not tell", ""}},
      bare);
}

TEST(PodGpus, Links) {
  run({
      {"", check_gpu_links, "gpu-nvlink", Ok, "18 active", ""},
      {"nvlink=0", check_gpu_links, "gpu-nvlink", Warning, "inactive", "nvlink-links-down"},
      {"nvlink=-1", check_gpu_links, "gpu-nvlink", Ok, "no NVLink", ""},
      {"", check_gpu_links, "gpu-fabric", Ok, "completed", ""},
      {"fabric=2", check_gpu_links, "gpu-fabric", Failed, "in progress",
       "fabric-manager-not-running"},
      {"", check_gpu_links, "gpu-peer-access", Ok, "56 pairs", ""},
      {"p2p=3", check_gpu_links, "gpu-peer-access", Warning, "topology",
       "p2p-unavailable-between-gpus"},
      {"", check_gpu_links, "gpu-pcie-link", Ok, "x16", ""},
      {"width=8", check_gpu_links, "gpu-pcie-link", Warning, "x8 of x16", "pcie-link-degraded"},
  });
  NvmlSnapshot uneven;
  uneven.state = NvmlSnapshot::State::Read;
  uneven.gpus.resize(2);
  for (NvmlGpu& g : uneven.gpus) g.nvlinks = 18, g.nvlinks_active = 18;
  uneven.gpus[1].index = 1;
  uneven.gpus[1].nvlinks_active = 12;
  run_cases({{"uneven",
              check_gpu_links,
              "gpu-nvlink",
              {},
              {},
              Failed,
              "GPU 1: 12 active",
              "nvlink-links-down"}},
            [&](const PodCase&, TestHost&, PodOptions&, PodContext& ctx) { ctx.nvml = uneven; });
}

TEST(PodGpus, Xid) {
  const Files driver = {{"/proc/driver/nvidia/version", "x"}};
  const auto with = [&](std::string log) {
    Files files = driver;
    files.push_back({"/dev/kmsg", std::move(log)});
    return files;
  };
  run_cases({
      {"none", check_xid, "gpu-xid", with("4,1,2,-;usb 1-1: new device\n"), {}, Ok, "none", ""},
      {"program",
       check_xid,
       "gpu-xid",
       with("4,1,2,-;NVRM: Xid (PCI:0000:1b:00): 31, pid=7, MMU Fault\n"),
       {},
       Ok,
       "programs",
       ""},
      {"lost",
       check_xid,
       "gpu-xid",
       with("4,1,2,-;NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.\n"
            "4,1,3,-;NVRM: Xid (PCI:0000:1b:00): 79, again\n"),
       {},
       Warning,
       "Xid 79 (2 times)",
       "gpu-hardware-fault"},
      {"closed", check_xid, "gpu-xid", driver, {}, Unknown, "root of the host", ""},
  });
}

}  // namespace
}  // namespace rankdx
