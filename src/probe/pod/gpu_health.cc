// Whether each GPU is alive and free: lost GPUs, memory errors, who holds memory, compute mode,
// persistence.
#include <fmt/format.h>

#include <algorithm>

#include "probe/pod/checks.h"

namespace rankdx {
namespace {

constexpr int kGpuIsLost = 15, kProhibited = 2, kExclusiveProcess = 3;
/// CUDA's own context and driver reserve up to about 1 GiB on an idle GPU; more belongs to
/// somebody.
constexpr uint64_t kIdleBytes = 1500ULL << 20;

Where gpu(const NvmlGpu& g) {
  Where w;
  w.gpu = static_cast<int>(g.index);
  return w;
}

void check_alive(const NvmlSnapshot& nvml, Checklist& out) {
  bool fault = false;
  for (const NvmlGpu& g : nvml.gpus) {
    if (g.error == 0) continue;
    fault = true;
    out.failed("gpu-alive", fmt::format("GPU {}: {}", g.index, g.error_text), "NVML",
               {"gpu-hardware-fault",
                Layer::Hardware,
                fmt::format("GPU {} does not answer ({})", g.index, g.error_text),
                g.error == kGpuIsLost ? "The GPU fell off the bus or needs a reset."
                                      : "The driver gives an error for this GPU.",
                {{"any", "Look for Xid lines in the kernel log; drain and reset or reboot the node",
                  "dmesg | grep -i xid"}},
                gpu(g)});
  }
  if (!fault) out.ok("gpu-alive", fmt::format("{} answer", nvml.gpus.size()), "NVML");
}

void check_ecc(const NvmlSnapshot& nvml, Checklist& out) {
  bool known = false, bad = false;
  for (const NvmlGpu& g : nvml.gpus) {
    known |= g.ecc_uncorrected.has_value() || g.rows_failed.has_value();
    const bool failed = g.rows_failed == true || g.ecc_uncorrected.value_or(0) > 0;
    if (!failed && g.rows_pending != true) continue;
    bad = true;
    const std::string value = fmt::format("GPU {}: {} uncorrected errors, row remapping {}",
                                          g.index, g.ecc_uncorrected.value_or(0),
                                          g.rows_failed == true    ? "failed"
                                          : g.rows_pending == true ? "waits for a reset"
                                                                   : "in order");
    Problem p{"gpu-hardware-fault",
              Layer::Hardware,
              failed ? fmt::format("GPU {} has memory errors", g.index)
                     : fmt::format("GPU {} waits for a reset to replace bad memory", g.index),
              "Uncorrected ECC errors end the processes on the GPU (Xid 48, 63, 64, 94, 95).",
              {{"any", "Drain the node and reset the GPU; replace it when remapping failed",
                "nvidia-smi -q -d ECC,ROW_REMAPPER"}},
              gpu(g)};
    if (failed) {
      out.failed("gpu-ecc", value, "NVML", std::move(p));
    } else {
      out.warning("gpu-ecc", value, "NVML", std::move(p));
    }
  }
  if (!known) return out.unknown("gpu-ecc", "the GPUs do not count memory errors", "NVML");
  if (!bad) out.ok("gpu-ecc", "no uncorrected errors since the driver was loaded", "NVML");
}

std::string holders(const PodContext& ctx, const NvmlGpu& g) {
  std::string text;
  for (const GpuProcess& p : g.processes) {
    // NVML counts in the host's PID namespace; here the number may belong to somebody else.
    const std::string name = read_process(ctx.host, static_cast<int>(p.pid)).name;
    text += fmt::format("{}pid {}{}", text.empty() ? "" : ", ", p.pid,
                        name.empty() ? "" : " (" + name + ")");
    if (p.used_bytes) text += " " + bytes_text(*p.used_bytes);
  }
  return text.empty() ? "no process of this container" : text;
}

void check_memory(const PodContext& ctx, Checklist& out) {
  const NvmlGpu* fullest = nullptr;
  size_t in_use = 0;
  for (const NvmlGpu& g : ctx.nvml.gpus) {
    if (!g.used_bytes || !g.total_bytes) continue;
    if (fullest == nullptr || *g.used_bytes > *fullest->used_bytes) fullest = &g;
    in_use += *g.used_bytes > kIdleBytes ? 1 : 0;
  }
  if (fullest == nullptr) return out.unknown("gpu-memory", "no GPU tells its memory", "NVML");
  const std::string value =
      fmt::format("GPU {} holds most: {} of {}", fullest->index, bytes_text(*fullest->used_bytes),
                  bytes_text(*fullest->total_bytes));
  if (in_use == 0 || ctx.server) return out.ok("gpu-memory", value, "NVML");
  out.warning(
      "gpu-memory", value + "; " + holders(ctx, *fullest), "NVML",
      {"gpu-memory-in-use-at-startup",
       Layer::Driver,
       fmt::format("{} GPU{} hold memory of other processes", in_use, in_use == 1 ? "" : "s"),
       "No vLLM process runs here, yet memory is taken: vLLM refuses to start when less "
       "than gpu-memory-utilization is free.",
       {{"any", "Find and end the leftover processes",
         "nvidia-smi --query-compute-apps=pid,used_memory --format=csv"}},
       gpu(*fullest)});
}

void check_modes(const PodContext& ctx, Checklist& out) {
  const auto& gpus = ctx.nvml.gpus;
  const auto exclusive = std::find_if(gpus.begin(), gpus.end(), [](const NvmlGpu& g) {
    return g.compute_mode == kExclusiveProcess || g.compute_mode == kProhibited;
  });
  if (exclusive != gpus.end()) {
    const bool never = exclusive->compute_mode == kProhibited;
    out.failed("gpu-compute-mode", never ? "prohibited" : "exclusive process", "NVML",
               {"gpu-exclusive-process-mode",
                Layer::Driver,
                fmt::format("GPU {} is in {} mode", exclusive->index,
                            never ? "prohibited" : "exclusive-process"),
                "A second process on the GPU is refused although it is idle.",
                {{"any", "Set the default mode", "nvidia-smi -c DEFAULT"}},
                gpu(*exclusive)});
  } else if (gpus.front().compute_mode) {
    out.ok("gpu-compute-mode", "default", "NVML");
  } else {
    out.unknown("gpu-compute-mode", "this driver does not say", "NVML");
  }
  const auto off = std::find_if(gpus.begin(), gpus.end(),
                                [](const NvmlGpu& g) { return g.persistence == false; });
  if (off != gpus.end() && ctx.options.scope == Scope::Host) {
    out.warning("gpu-persistence", fmt::format("off on GPU {}", off->index), "NVML",
                {"gpu-persistence-off",
                 Layer::Driver,
                 "Persistence mode is off",
                 "The driver unloads between processes: each start of CUDA takes seconds longer.",
                 {{"any", "Run nvidia-persistenced", "nvidia-smi -pm 1"}},
                 gpu(*off)});
  } else if (gpus.front().persistence) {
    out.ok("gpu-persistence", off == gpus.end() ? "on" : "off (only start-up is slower)", "NVML");
  } else {
    out.unknown("gpu-persistence", "this driver does not say", "NVML");
  }
}

}  // namespace

void check_gpu_health(const PodContext& ctx, Checklist& out) {
  if (ctx.nvml.state != NvmlSnapshot::State::Read || ctx.nvml.gpus.empty()) return;
  check_alive(ctx.nvml, out);
  check_ecc(ctx.nvml, out);
  check_memory(ctx, out);
  check_modes(ctx, out);
}

}  // namespace rankdx
