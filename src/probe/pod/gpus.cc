// Which GPUs are there: the management library, the driver's /proc files and the device nodes must
// agree.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

constexpr std::string_view kProc = "/proc/driver/nvidia";
constexpr int kDriverNotLoaded = 9, kVersionMismatch = 18;

const std::vector<Fix>& fixes_for_no_gpu() {
  static const std::vector<Fix> fixes = {
      {"kubernetes", "Request GPUs in the container's limits and use the NVIDIA runtime class",
       "resources: {limits: {nvidia.com/gpu: 8}}"},
      {"docker", "Pass the GPUs into the container", "docker run --gpus all ..."},
      {"slurm", "Request GPUs for the step", "srun --gpus-per-node=8 ..."}};
  return fixes;
}

size_t device_nodes(const HostView& host) {
  const auto names = host.list("/dev");
  if (!names) return 0;
  return static_cast<size_t>(std::count_if(names->begin(), names->end(), [](const std::string& n) {
    return n.starts_with("nvidia") && n.size() > 6 &&
           n.find_first_not_of("0123456789", 6) == std::string::npos;
  }));
}

size_t proc_gpus(const HostView& host) {
  const auto gpus = host.list(std::string(kProc) + "/gpus");
  return gpus ? gpus->size() : 0;
}

Problem no_gpu(std::string cause) {
  return {"gpu-not-visible",  Layer::Driver,      "No GPU is visible here",
          std::move(cause),   fixes_for_no_gpu(), {},
          Confidence::Certain};
}

void check_library(const PodContext& ctx, Checklist& out) {
  const NvmlSnapshot& n = ctx.nvml;
  const size_t nodes = device_nodes(ctx.host), procs = proc_gpus(ctx.host);
  const std::string source = "NVML, /dev/nvidia*, /proc/driver/nvidia/gpus";
  const std::string others = fmt::format("{} device nodes, {} in /proc", nodes, procs);
  using State = NvmlSnapshot::State;
  if (n.state == State::NotTried || n.state == State::TimedOut) {
    out.unknown("gpus", fmt::format("the management library was not asked: {}", n.error), source,
                others);
  } else if (n.state == State::NoLibrary && nodes == 0 && procs == 0 &&
             !ctx.options.expected_gpus) {
    // A CPU-only place (a controller, a build host) is no fault by itself; a wanted count makes it
    // one.
    out.unknown("gpus", "no NVIDIA library, device or driver; give --gpus to demand some", source,
                "0 GPUs");
  } else if (n.state == State::NoLibrary) {
    out.failed("gpus", n.error, source,
               no_gpu("libnvidia-ml.so.1 cannot be loaded: the driver's libraries are not mounted "
                      "into this container, or there is no driver."));
  } else if (n.state == State::InitFailed && n.code == kVersionMismatch) {
    out.failed("gpus", n.error, source,
               {"driver-library-version-mismatch",
                Layer::Driver,
                "Driver module and driver libraries have different versions",
                "The libraries were updated while the old kernel module stayed loaded.",
                {{"any", "Reload the nvidia modules or reboot the node", ""}}});
  } else if (n.state == State::InitFailed) {
    out.failed("gpus", n.error, source,
               no_gpu(n.code == kDriverNotLoaded ? "The NVIDIA kernel module is not loaded."
                                                 : "The management library does not start."));
  }
}

void check_count(const PodContext& ctx, Checklist& out) {
  const auto& gpus = ctx.nvml.gpus;
  const size_t nodes = device_nodes(ctx.host);
  std::string value = fmt::format("{} GPU{}", gpus.size(), gpus.size() == 1 ? "" : "s");
  if (!gpus.empty()) value += " (" + gpus.front().name + ")";
  const auto wanted = ctx.options.expected_gpus;
  if (gpus.empty() && !wanted) {
    out.failed("gpus", value, "NVML", no_gpu("The driver answers and lists no GPU."));
  } else if (wanted && static_cast<size_t>(*wanted) != gpus.size()) {
    Problem p = no_gpu(fmt::format("{} were expected, {} device nodes exist.", *wanted, nodes));
    p.title = fmt::format("{} GPUs are visible, {} were expected", gpus.size(), *wanted);
    out.failed("gpus", value, "NVML", std::move(p));
  } else if (nodes > 0 && nodes < gpus.size()) {
    Problem p = no_gpu("NVML lists a GPU that has no device node, so CUDA cannot open it.");
    p.title = fmt::format("Only {} of {} GPUs have a device node", nodes, gpus.size());
    out.failed("gpus", value, "NVML, /dev/nvidia*", std::move(p));
  } else {
    out.ok("gpus", value, "NVML");
  }
}

void check_uuids(const NvmlSnapshot& nvml, Checklist& out) {
  std::set<std::string> seen;
  for (const NvmlGpu& g : nvml.gpus) {
    if (g.uuid.empty() || seen.insert(g.uuid).second) continue;
    out.failed(
        "gpu-uuids", g.uuid, "NVML",
        {"duplicate-gpu",
         Layer::Driver,
         "The same GPU is listed twice",
         "Two entries carry one UUID: NCCL refuses two ranks on one GPU.",
         {{"kubernetes", "Look for time-slicing or a device plugin that replicates GPUs", ""}}});
    return;
  }
  if (seen.empty()) return out.unknown("gpu-uuids", "no GPU tells its UUID", "NVML");
  out.ok("gpu-uuids", fmt::format("{} different", seen.size()), "NVML");
}

void check_mig(const NvmlSnapshot& nvml, Checklist& out) {
  size_t on = 0, empty = 0;
  for (const NvmlGpu& g : nvml.gpus) {
    on += g.mig == true ? 1 : 0;
    empty += g.mig == true && g.mig_instances == 0u ? 1 : 0;
  }
  const std::string value = on == 0 ? "off" : fmt::format("on for {} of {}", on, nvml.gpus.size());
  if (empty > 0) {
    out.failed("gpu-mig", value, "NVML",
               {"gpu-not-visible",
                Layer::Driver,
                "MIG is on, but a GPU has no instance",
                "With MIG on and no instance, CUDA sees no device on that GPU.",
                {{"any", "Create instances or switch MIG off", "nvidia-smi -i N -mig 0"}}});
  } else if (on > 0) {
    out.warning("gpu-mig", value, "NVML",
                {"gpu-isolation-breaks-p2p",
                 Layer::Driver,
                 "GPUs are divided into MIG instances",
                 "MIG instances have no peer access: NCCL cannot join them within one GPU and uses "
                 "shared memory or the network between them.",
                 {{"any", "Use whole GPUs for tensor parallelism", "nvidia-smi -i N -mig 0"}}});
  } else if (std::any_of(nvml.gpus.begin(), nvml.gpus.end(),
                         [](const NvmlGpu& g) { return g.mig.has_value(); })) {
    out.ok("gpu-mig", value, "NVML");
  } else {
    out.unknown("gpu-mig", "this driver does not say", "NVML");
  }
}

void check_driver(const PodContext& ctx, Checklist& out) {
  const auto text = ctx.host.read(std::string(kProc) + "/version", 4096);
  if (!text) {
    return out.unknown("gpu-driver", text.error().text, std::string(kProc) + "/version",
                       ctx.nvml.driver_version);
  }
  std::string_view rest;
  const std::string line(take_until(*text, '\n', rest));
  const std::string& library = ctx.nvml.driver_version;
  if (!library.empty() && line.find(library) == std::string::npos) {
    return out.failed("gpu-driver", fmt::format("module: {}; library: {}", line, library),
                      std::string(kProc) + "/version",
                      {"driver-library-version-mismatch",
                       Layer::Driver,
                       "Driver module and driver libraries have different versions",
                       "The kernel module and the libraries in this container do not belong "
                       "together.",
                       {{"any",
                         "Reload the nvidia modules or reboot the node, then restart the "
                         "container",
                         ""}}});
  }
  out.ok("gpu-driver", line, std::string(kProc) + "/version");
}

}  // namespace

void check_gpus(const PodContext& ctx, Checklist& out) {
  if (ctx.nvml.state != NvmlSnapshot::State::Read) {
    check_library(ctx, out);
  } else {
    check_count(ctx, out);
    check_uuids(ctx.nvml, out);
    check_mig(ctx.nvml, out);
  }
  if (ctx.nvml.state == NvmlSnapshot::State::Read || ctx.host.exists(kProc)) check_driver(ctx, out);
}

}  // namespace rankdx
