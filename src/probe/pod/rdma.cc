// RDMA devices: ports, link state, GID tables, verbs device nodes, memory registration of GPUs.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "probe/nccl_interfaces.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

constexpr std::string_view kClass = "/sys/class/infiniband";

struct Gid {
  int index = 0;
  std::string text, type, device;
  bool ipv4() const { return text.starts_with("0000:0000:0000:0000:0000:ffff:"); }
  bool link_local() const { return text.starts_with("fe80:"); }
};

struct Port {
  std::string device, number;
  std::string state, rate, link_layer;
  std::vector<Gid> gids;
  bool active() const { return state.starts_with("4:"); }
  bool ethernet() const { return link_layer == "Ethernet"; }
  std::string name() const { return device + ":" + number; }
};

std::vector<Gid> gids_of(const HostView& host, const std::string& dir) {
  std::vector<Gid> out;
  const auto names = host.list(dir + "/gids");
  if (!names) return out;
  for (const std::string& name : *names) {
    const auto text = host.line(dir + "/gids/" + name);
    if (!text || text->find_first_not_of("0:") == std::string::npos) continue;
    out.push_back({parse_int<int>(name).value_or(-1), *text,
                   host.line(dir + "/gid_attrs/types/" + name).value_or(""),
                   host.line(dir + "/gid_attrs/ndevs/" + name).value_or("")});
    if (out.size() == 256) break;
  }
  return out;
}

std::vector<Port> ports_of(const HostView& host, const std::vector<std::string>& devices) {
  std::vector<Port> out;
  for (const std::string& device : devices) {
    const std::string top = std::string(kClass) + "/" + device + "/ports";
    const auto numbers = host.list(top);
    if (!numbers) continue;
    for (const std::string& number : *numbers) {
      const std::string dir = top + "/" + number;
      out.push_back({device, number, host.line(dir + "/state").value_or(""),
                     host.line(dir + "/rate").value_or(""),
                     host.line(dir + "/link_layer").value_or(""), gids_of(host, dir)});
    }
  }
  return out;
}

void check_links(const PodContext& ctx, const std::vector<Port>& ports, Checklist& out) {
  std::string down, value;
  size_t active = 0;
  for (const Port& p : ports) {
    active += p.active() ? 1 : 0;
    if (!p.active()) down += (down.empty() ? "" : ", ") + p.name() + " " + p.state;
  }
  value = fmt::format("{} of {} ports active", active, ports.size());
  if (!ports.empty() && ports.front().active()) value += ", " + ports.front().rate;
  if (down.empty()) return out.ok("rdma-links", value, std::string(kClass));
  const auto hca = ctx.variable("NCCL_IB_HCA");
  Problem p{"ib-link-down",
            Layer::Hardware,
            active == 0 ? "No RDMA port is active" : "RDMA ports are down: " + down,
            "NCCL leaves ports out that are not active: fewer rails, or only sockets. Ports that "
            "nobody cabled are normal.",
            {{"any", "Check cable, switch port and subnet manager", "ibstat"}},
            {},
            active == 0 ? Confidence::Certain : Confidence::Possible};
  out.warning("rdma-links", value + "; " + down + (hca ? "; NCCL_IB_HCA=" + *hca : ""),
              std::string(kClass), std::move(p));
}

/// The entry NCCL 2.21+ takes by itself: RoCE v2 over IPv4.
bool has_usable_gid(const Port& p) {
  return std::any_of(p.gids.begin(), p.gids.end(), [](const Gid& g) {
    return g.ipv4() && g.type.find("RoCE v2") != std::string::npos;
  });
}

void check_gids(const PodContext& ctx, const std::vector<Port>& ports, Checklist& out) {
  const std::string source = std::string(kClass) + "/*/ports/*/gids";
  const auto wanted = ctx.variable("NCCL_IB_GID_INDEX");
  const int index = wanted ? parse_int<int>(trim(*wanted)).value_or(0) : -1;
  size_t roce = 0;
  for (const Port& p : ports) {
    if (!p.ethernet() || !p.active()) continue;
    ++roce;
    if (index >= 0) {
      const auto it = std::find_if(p.gids.begin(), p.gids.end(),
                                   [&](const Gid& g) { return g.index == index; });
      const bool v2 = it != p.gids.end() && it->type.find("v2") != std::string::npos;
      if (it != p.gids.end() && v2 && !it->link_local()) continue;
      const std::string value =
          it == p.gids.end()
              ? fmt::format("{} entry {} is empty", p.name(), index)
              : fmt::format("{} entry {}: {} {}", p.name(), index, it->type, it->text);
      return out.failed("rdma-gids", value, source,
                        {"roce-gid-wrong",
                         Layer::Config,
                         "NCCL_IB_GID_INDEX points to an entry that does not fit",
                         "RoCE v1, link-local or empty entries connect to nobody behind a router: "
                         "queue pairs fail with ENODEV or time out.",
                         {{"any",
                           "Unset NCCL_IB_GID_INDEX (NCCL 2.21 and later choose), or give "
                           "the RoCE v2 entry with the IPv4 address",
                           "show_gids"}}});
    }
    if (!has_usable_gid(p)) {
      return out.warning(
          "rdma-gids", fmt::format("{}: {} entries", p.name(), p.gids.size()), source,
          {"roce-gid-wrong",
           Layer::Network,
           "A RoCE port has no RoCE v2 entry with an IPv4 address",
           "Its interface has no address in this network namespace.",
           {{"kubernetes", "Attach the RDMA network (Multus, SR-IOV) to the pod", ""}},
           {},
           Confidence::Likely});
    }
  }
  if (roce == 0) return out.ok("rdma-gids", "no active Ethernet port", source);
  out.ok("rdma-gids", fmt::format("{} RoCE ports have a usable entry", roce), source);
}

void check_kinds(const PodContext& ctx, const std::vector<Port>& ports, Checklist& out) {
  size_t ethernet = 0, infiniband = 0;
  for (const Port& p : ports) {
    if (p.active()) ++(p.ethernet() ? ethernet : infiniband);
  }
  const std::string value = fmt::format("{} InfiniBand, {} Ethernet (RoCE)", infiniband, ethernet);
  const bool filtered = ctx.variable("NCCL_IB_HCA").has_value();
  if (ethernet == 0 || infiniband == 0 || filtered) {
    return out.ok("rdma-kinds", value, std::string(kClass));
  }
  out.warning("rdma-kinds", value, std::string(kClass),
              {"mixed-ib-and-roce-hcas",
               Layer::Config,
               "InfiniBand and RoCE ports are mixed",
               "Without NCCL_IB_HCA NCCL takes both; a pair of unlike ports cannot connect.",
               {{"any", "Name the ports of the GPU network", "NCCL_IB_HCA=mlx5_0,mlx5_1"}},
               {},
               Confidence::Likely});
}

void check_filter(const PodContext& ctx, const std::vector<Port>& ports, Checklist& out) {
  const auto text = ctx.variable("NCCL_IB_HCA");
  if (!text || text->empty()) return;
  const InterfaceFilter filter = parse_interface_filter(*text);
  const auto taken = std::count_if(ports.begin(), ports.end(),
                                   [&](const Port& p) { return filter.takes(p.device); });
  if (taken > 0) {
    return out.ok("rdma-filter", fmt::format("{} takes {} ports", *text, taken),
                  ctx.environment_source);
  }
  out.failed("rdma-filter", *text, ctx.environment_source,
             {"ib-hca-filter-matches-nothing",
              Layer::Config,
              "NCCL_IB_HCA matches no device",
              "NCCL goes on with sockets, which is many times slower, without an error.",
              {{"any", "Correct the names (ls /sys/class/infiniband) or unset it", ""}}});
}

void check_nodes(const PodContext& ctx, size_t devices, Checklist& out) {
  const auto names = ctx.host.list("/dev/infiniband");
  const auto verbs =
      !names ? 0 : std::count_if(names->begin(), names->end(), [](const std::string& n) {
        return n.starts_with("uverbs");
      });
  if (!names && names.error().code != ErrorCode::Empty)
    return out.unknown("rdma-device-nodes", names.error().text, "/dev/infiniband");
  const std::string value = fmt::format("{} uverbs nodes for {} devices", verbs, devices);
  if (verbs > 0) return out.ok("rdma-device-nodes", value, "/dev/infiniband");
  out.failed(
      "rdma-device-nodes", value, "/dev/infiniband",
      {"rdma-device-not-in-container",
       Layer::Container,
       "RDMA devices are visible, but cannot be opened",
       "/sys shows the node's devices; /dev/infiniband is not passed into this container, so "
       "NCCL goes on with sockets.",
       {{"kubernetes", "Request the RDMA resource of the device plugin",
         "resources: {limits: {rdma/hca: 1}}"},
        {"docker", "Pass the devices", "docker run --device=/dev/infiniband ..."}}});
}

void check_gpu_memory(const PodContext& ctx, Checklist& out) {
  const auto peermem = ctx.host.line("/sys/module/nvidia_peermem/version");
  const bool legacy = ctx.host.exists("/sys/module/nv_peer_mem");
  if (peermem || legacy) {
    return out.ok("gpudirect-rdma", "nvidia_peermem " + peermem.value_or("(old nv_peer_mem)"),
                  "/sys/module/nvidia_peermem");
  }
  const auto version = ctx.host.read("/proc/driver/nvidia/version", 4096);
  if (version && version->find("Open Kernel Module") != std::string::npos) {
    return out.ok("gpudirect-rdma", "no nvidia_peermem; the open kernel module offers DMA-BUF",
                  "/proc/driver/nvidia/version");
  }
  if (!version) {
    return out.unknown("gpudirect-rdma", "no NVIDIA driver is visible",
                       "/sys/module/nvidia_peermem");
  }
  out.warning("gpudirect-rdma", "no nvidia_peermem, proprietary kernel module",
              "/sys/module/nvidia_peermem",
              {"gdr-not-enabled",
               Layer::Driver,
               "GPUDirect RDMA is not available",
               "Neither the peer-memory module nor DMA-BUF (open kernel module, 515 and later) is "
               "there: traffic goes through host memory.",
               {{"any", "Load the module on the node", "modprobe nvidia-peermem"}}});
}

}  // namespace

void check_rdma(const PodContext& ctx, Checklist& out) {
  const auto devices = ctx.host.list(kClass);
  if (!devices && devices.error().code != ErrorCode::Empty) {
    return out.unknown("rdma-devices", devices.error().text, std::string(kClass));
  }
  const std::vector<std::string> names = devices.value_or(std::vector<std::string>{});
  const auto net = ctx.variable("NCCL_NET");
  if (names.empty() && net && lower(*net) == "ib") {
    return out.failed("rdma-devices", "none", std::string(kClass),
                      {"requested-net-not-available",
                       Layer::Config,
                       "NCCL_NET=IB, but there is no RDMA device",
                       "NCCL ends when the network that was asked for by name is missing.",
                       {{"kubernetes", "Request the RDMA resource, or unset NCCL_NET", ""}}});
  }
  if (names.empty()) {
    return out.ok("rdma-devices", "none: NCCL uses sockets between hosts", std::string(kClass));
  }
  const auto ports = ports_of(ctx.host, names);
  out.ok("rdma-devices", fmt::format("{}: {}", names.size(), join(names, ", ")),
         std::string(kClass));
  if (ports.empty()) {
    out.unknown("rdma-links", "no port of these devices can be read", std::string(kClass));
    return check_nodes(ctx, names.size(), out);
  }
  check_links(ctx, ports, out);
  check_gids(ctx, ports, out);
  check_kinds(ctx, ports, out);
  check_filter(ctx, ports, out);
  check_nodes(ctx, names.size(), out);
  check_gpu_memory(ctx, out);
  if (ctx.variable("NCCL_IB_DISABLE") == "1") {
    out.warning("rdma-disabled", "NCCL_IB_DISABLE=1", ctx.environment_source,
                {"rdma-disabled-by-env",
                 Layer::Config,
                 "RDMA is switched off although devices exist",
                 "NCCL_IB_DISABLE=1 forces TCP, for InfiniBand and RoCE alike.",
                 {{"any", "Unset NCCL_IB_DISABLE", ""}}});
  } else {
    out.ok("rdma-disabled", "no", ctx.environment_source);
  }
}

}  // namespace rankdx
