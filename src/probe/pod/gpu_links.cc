// The ways between GPUs: NVLink, the NVSwitch fabric, peer access and the PCIe links.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "probe/pod/checks.h"

namespace rankdx {
namespace {

Where gpu(const NvmlGpu& g) {
  Where w;
  w.gpu = static_cast<int>(g.index);
  return w;
}

void check_nvlink(const NvmlSnapshot& nvml, Checklist& out) {
  const auto has = [](const NvmlGpu& g) { return g.nvlinks.has_value(); };
  const auto first = std::find_if(nvml.gpus.begin(), nvml.gpus.end(), has);
  if (first == nvml.gpus.end()) {
    return out.ok("gpu-nvlink", "no NVLink on these GPUs: peers meet over PCIe", "NVML");
  }
  uint32_t most = 0;
  for (const NvmlGpu& g : nvml.gpus) most = std::max(most, g.nvlinks_active.value_or(0));
  for (const NvmlGpu& g : nvml.gpus) {
    // Which ports are wired differs by machine; GPUs of one machine are wired alike.
    if (!has(g) || g.nvlinks_active.value_or(0) == most) continue;
    return out.failed("gpu-nvlink",
                      fmt::format("GPU {}: {} active links, others {}", g.index,
                                  g.nvlinks_active.value_or(0), most),
                      "NVML",
                      {"nvlink-links-down",
                       Layer::Hardware,
                       fmt::format("NVLinks of GPU {} are down", g.index),
                       "NCCL uses the NVLink paths that all GPUs share: one GPU with fewer links "
                       "slows all, or everything falls back to PCIe.",
                       {{"any", "Look at the link errors, reset the GPUs, check the fabric manager",
                         "nvidia-smi nvlink -s; nvidia-smi nvlink -e"}},
                       gpu(g)});
  }
  if (most == 0) {
    return out.warning("gpu-nvlink", "all NVLinks are inactive", "NVML",
                       {"nvlink-links-down",
                        Layer::Hardware,
                        "No NVLink is active",
                        "The GPUs have NVLink ports, but none is up: no bridge, or the fabric does "
                        "not run.",
                        {{"any", "Check bridges, or the fabric manager on NVSwitch machines",
                          "nvidia-smi nvlink -s; systemctl status nvidia-fabricmanager"}},
                        {},
                        Confidence::Likely});
  }
  out.ok("gpu-nvlink", fmt::format("{} active links per GPU", most), "NVML");
}

void check_fabric(const NvmlSnapshot& nvml, Checklist& out) {
  constexpr std::array<std::string_view, 4> kStates = {"not supported", "not started",
                                                       "in progress", "completed"};
  const auto known = [](const NvmlGpu& g) { return g.fabric_state.has_value(); };
  const auto any = std::find_if(nvml.gpus.begin(), nvml.gpus.end(), known);
  if (any == nvml.gpus.end()) return out.unknown("gpu-fabric", "this driver does not say", "NVML");
  const auto bad = std::find_if(nvml.gpus.begin(), nvml.gpus.end(), [](const NvmlGpu& g) {
    return g.fabric_state == 1 || g.fabric_state == 2 ||
           (g.fabric_state == 3 && g.fabric_status.value_or(0) != 0);
  });
  const NvmlGpu& g = bad == nvml.gpus.end() ? *any : *bad;
  const auto state = static_cast<size_t>(std::clamp(*g.fabric_state, 0, 3));
  const std::string value = fmt::format("GPU {}: {}", g.index, kStates[state]);
  if (bad == nvml.gpus.end()) return out.ok("gpu-fabric", std::string(kStates[state]), "NVML");
  out.failed("gpu-fabric", value, "NVML",
             {"fabric-manager-not-running",
              Layer::Driver,
              "The NVSwitch fabric is not ready",
              "The GPUs have not registered with the fabric: CUDA answers 802 (system not yet "
              "initialized) and NVLink SHARP cannot be set up.",
              {{"any", "Start the fabric manager of the driver's version on the node",
                "systemctl status nvidia-fabricmanager"}},
              gpu(g)});
}

void check_peers(const NvmlSnapshot& nvml, Checklist& out) {
  constexpr std::array<std::string_view, 7> kWhy = {"ok",
                                                    "the chipset does not support it",
                                                    "the GPU does not support it",
                                                    "the topology does not support it",
                                                    "disabled by a registry key",
                                                    "not supported",
                                                    "unknown"};
  if (nvml.gpus.size() < 2) return;
  if (nvml.pairs.empty()) return out.unknown("gpu-peer-access", "this driver does not say", "NVML");
  const auto bad = std::count_if(nvml.pairs.begin(), nvml.pairs.end(),
                                 [](const GpuPair& p) { return p.status != 0; });
  if (bad == 0) {
    return out.ok("gpu-peer-access", fmt::format("all {} pairs", nvml.pairs.size()), "NVML");
  }
  const auto& p = *std::find_if(nvml.pairs.begin(), nvml.pairs.end(),
                                [](const GpuPair& q) { return q.status != 0; });
  const auto why = kWhy[static_cast<size_t>(std::clamp(p.status, 0, 6))];
  out.warning("gpu-peer-access",
              fmt::format("{} of {} pairs without; GPU {} to {}: {}", bad, nvml.pairs.size(), p.a,
                          p.b, why),
              "NVML",
              {"p2p-unavailable-between-gpus",
               Layer::Hardware,
               "GPUs of this machine have no peer access",
               "NCCL copies through shared memory between them, which is slower; vLLM's custom "
               "all-reduce is off.",
               {{"any",
                 "On PCIe machines look at ACS and IOMMU (below); consumer GPUs and most "
                 "virtual machines have none",
                 "nvidia-smi topo -p2p r"}}});
}

void check_pcie_link(const NvmlSnapshot& nvml, Checklist& out) {
  bool known = false;
  for (const NvmlGpu& g : nvml.gpus) {
    if (!g.pcie_width || !g.pcie_width_max) continue;
    known = true;
    // The generation falls while a GPU idles; the width does not.
    if (*g.pcie_width >= *g.pcie_width_max || *g.pcie_width == 0) continue;
    return out.warning(
        "gpu-pcie-link",
        fmt::format("GPU {}: x{} of x{}", g.index, *g.pcie_width, *g.pcie_width_max), "NVML",
        {"pcie-link-degraded",
         Layer::Hardware,
         fmt::format("The PCIe link of GPU {} is narrower than it could be", g.index),
         "Host copies and GPUDirect RDMA of this GPU run at a fraction of the speed.",
         {{"any", "Reseat the card or riser; check the slot's lane setting",
           "nvidia-smi -q -d PCIE"}},
         gpu(g),
         Confidence::Likely});
  }
  if (!known) return out.unknown("gpu-pcie-link", "the driver does not tell the width", "NVML");
  out.ok("gpu-pcie-link", fmt::format("x{}", nvml.gpus.front().pcie_width.value_or(0)), "NVML");
}

}  // namespace

void check_gpu_links(const PodContext& ctx, Checklist& out) {
  if (ctx.nvml.state != NvmlSnapshot::State::Read || ctx.nvml.gpus.empty()) return;
  check_nvlink(ctx.nvml, out);
  check_fabric(ctx.nvml, out);
  check_peers(ctx.nvml, out);
  check_pcie_link(ctx.nvml, out);
}

}  // namespace rankdx
