// CPUs and memory nodes this process may use, against where the GPUs hang.
#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

/// "0-3,8" as its numbers; at most 8,192.
std::set<int> numbers(std::string_view list) {
  std::set<int> out;
  for (const std::string_view part : split(trim(list), ',')) {
    std::string_view rest;
    const auto from = parse_int<int>(take_until(part, '-', rest));
    const auto to = rest.empty() ? from : parse_int<int>(rest);
    if (!from || !to) continue;
    for (int i = *from; i <= *to && out.size() < 8192; ++i) out.insert(i);
  }
  return out;
}

std::string field(std::string_view status, std::string_view name) {
  for (const std::string_view line : split(status, '\n')) {
    if (line.starts_with(name)) return std::string(trim(line.substr(name.size())));
  }
  return "";
}

/// Memory nodes of the NVIDIA display and 3D controllers.
std::set<int> gpu_nodes(const HostView& host) {
  std::set<int> out;
  const auto devices = host.list("/sys/bus/pci/devices");
  if (!devices) return out;
  for (const std::string& device : *devices) {
    const std::string dir = "/sys/bus/pci/devices/" + device;
    if (host.line(dir + "/vendor") != "0x10de") continue;
    if (!host.line(dir + "/class").value_or("").starts_with("0x03")) continue;
    const auto node = host.number(dir + "/numa_node");
    if (node && *node >= 0) out.insert(static_cast<int>(*node));
  }
  return out;
}

std::string text_of(const std::set<int>& nodes) {
  std::string out;
  for (const int n : nodes) out += (out.empty() ? "" : ",") + std::to_string(n);
  return out;
}

}  // namespace

void check_numa(const PodContext& ctx, Checklist& out) {
  const std::string source = ctx.process_dir() + "status";
  const auto status = ctx.host.read(source, 65536);
  if (!status) return out.unknown("numa", status.error().text, source);
  const std::string cpus = field(*status, "Cpus_allowed_list:");
  const std::string mems = field(*status, "Mems_allowed_list:");
  const std::set<int> allowed = numbers(mems), wanted = gpu_nodes(ctx.host);
  const std::string value =
      fmt::format("{} CPUs, memory nodes {}, GPUs on nodes {}", numbers(cpus).size(), mems,
                  wanted.empty() ? "(not visible)" : text_of(wanted));
  if (cpus.empty()) return out.unknown("numa", "no list of allowed CPUs", source);
  std::set<int> missing;
  for (const int node : wanted) {
    if (!mems.empty() && !allowed.contains(node)) missing.insert(node);
  }
  if (!missing.empty()) {
    return out.warning("numa", value, source,
                       {"numa-node-of-gpu-not-allowed",
                        Layer::Container,
                        fmt::format("GPUs hang on memory node {}, which this process may not use",
                                    text_of(missing)),
                        "Pinned buffers lie on the other socket: copies between host and GPU are "
                        "slower.",
                        {{"kubernetes", "Let the topology manager align CPUs and GPUs",
                          "--topology-manager-policy=single-numa-node"}},
                        {},
                        Confidence::Likely});
  }
  if (numbers(cpus).size() < 2 * ctx.nvml.gpus.size()) {
    return out.warning(
        "numa", value, source,
        {"few-cpus",
         Layer::Container,
         "Fewer than two CPUs per GPU",
         "NCCL's proxy threads and the engine's processes compete: latency rises and "
         "start-up is slow.",
         {{"kubernetes", "Request more CPUs", "resources: {requests: {cpu: 16}}"}},
         {},
         Confidence::Possible});
  }
  out.ok("numa", value, source);
}

}  // namespace rankdx
