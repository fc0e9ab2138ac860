// PCIe access control services and IOMMU, which send GPU-to-GPU and NIC-to-GPU traffic through the
// root complex.
#include <fmt/format.h>

#include "base/text.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

constexpr std::string_view kDevices = "/sys/bus/pci/devices";
constexpr size_t kStandardConfig = 64;  ///< what a process without CAP_SYS_ADMIN gets
constexpr uint16_t kAcsCapability = 0x000d;
/// Redirections of requests and completions; the other ACS bits do not move peer-to-peer traffic.
constexpr uint16_t kRedirects = 0x04 | 0x08;

uint16_t word(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) | static_cast<uint8_t>(bytes[at + 1])
                                                                     << 8);
}

/// Control word of the ACS capability in a device's configuration space, or nothing.
std::optional<uint16_t> acs_control(std::string_view config) {
  size_t at = 0x100;
  // Extended capabilities are a list; a hostile one may loop.
  for (int i = 0; i < 64 && at >= 0x100 && at + 8 <= config.size(); ++i) {
    if (word(config, at) == kAcsCapability) return word(config, at + 6);
    at = static_cast<size_t>(word(config, at + 2) >> 4);
  }
  return std::nullopt;
}

struct AcsScan {
  size_t bridges = 0, readable = 0, redirecting = 0;
  std::string first;
};

AcsScan scan_acs(const HostView& host, const std::vector<std::string>& devices) {
  AcsScan scan;
  for (const std::string& device : devices) {
    const std::string dir = std::string(kDevices) + "/" + device;
    if (!host.line(dir + "/class").value_or("").starts_with("0x0604")) continue;
    ++scan.bridges;
    const auto config = host.read(dir + "/config", 4096);
    if (!config || config->size() <= kStandardConfig) continue;
    ++scan.readable;
    if ((acs_control(*config).value_or(0) & kRedirects) == 0) continue;
    if (scan.redirecting++ == 0) scan.first = device;
  }
  return scan;
}

void check_acs(const PodContext& ctx, Checklist& out) {
  const std::string source = std::string(kDevices) + "/*/config";
  const auto devices = ctx.host.list(kDevices);
  if (!devices) return out.unknown("pcie-acs", devices.error().text, std::string(kDevices));
  const AcsScan scan = scan_acs(ctx.host, *devices);
  if (scan.bridges == 0) {
    return out.unknown("pcie-acs", "no PCIe bridge is visible (virtual machine or container)",
                       source);
  }
  if (scan.readable == 0) {
    return out.unknown("pcie-acs",
                       "needs CAP_SYS_ADMIN: run `rankdx check host` as root on the node", source);
  }
  const std::string value =
      fmt::format("{} of {} bridges redirect peer traffic", scan.redirecting, scan.readable);
  if (scan.redirecting == 0) return out.ok("pcie-acs", value, source);
  out.warning("pcie-acs", value + ", first " + scan.first, source,
              {"gdr-broken-by-acs",
               Layer::Hardware,
               "PCIe ACS redirects peer-to-peer traffic",
               "GPU-to-GPU copies over PCIe and GPUDirect RDMA go up to the root complex: slow, or "
               "broken inside virtual machines. NVLink is not concerned.",
               {{"any", "Switch ACS off in the firmware, or on each bridge at boot",
                 fmt::format("setpci -s {} ECAP_ACS+0x6.w=0000", scan.first)}},
               {},
               Confidence::Likely});
}

void check_iommu(const PodContext& ctx, Checklist& out) {
  const auto line = ctx.host.line("/proc/cmdline");
  const auto groups = ctx.host.list("/sys/kernel/iommu_groups");
  const std::string source = "/proc/cmdline, /sys/kernel/iommu_groups";
  if (!line && !groups) return out.unknown("iommu", "neither is readable", source);
  const std::string text = " " + line.value_or("") + " ";
  const bool pass_through = text.find(" iommu=pt ") != std::string::npos ||
                            text.find(" iommu.passthrough=1 ") != std::string::npos;
  const bool active = groups && !groups->empty();
  const std::string kind =
      active ? ctx.host.line("/sys/kernel/iommu_groups/" + groups->front() + "/type").value_or("")
             : "";
  if (!active) return out.ok("iommu", "no groups: off, or hidden from here", source);
  const std::string value =
      fmt::format("{} groups{}", groups->size(), kind.empty() ? "" : ", type " + kind);
  if (pass_through || kind == "identity") {
    return out.ok("iommu", value + ", pass-through", source);
  }
  if (!kind.starts_with("DMA"))
    return out.unknown("iommu", "the kind of translation is not known", source, value);
  out.warning(
      "iommu", value, source,
      {"p2p-data-path-broken",
       Layer::Hardware,
       "The IOMMU translates device traffic",
       "Peer-to-peer traffic between GPUs and NICs is translated: slower, and on some "
       "machines it corrupts or hangs.",
       {{"any", "Use pass-through on bare metal: add to the kernel's command line", "iommu=pt"}},
       {},
       Confidence::Possible});
}

}  // namespace

void check_pcie(const PodContext& ctx, Checklist& out) {
  check_acs(ctx, out);
  check_iommu(ctx, out);
}

}  // namespace rankdx
