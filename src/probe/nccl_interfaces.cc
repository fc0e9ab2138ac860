#include "probe/nccl_interfaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr size_t kMaxInterfaces = 16;  // MAX_IFS

std::vector<InterfaceAddress> search(const std::vector<InterfaceAddress>& addresses,
                                     const InterfaceFilter& filter, std::optional<Family> family) {
  std::vector<InterfaceAddress> found;
  for (const InterfaceAddress& a : addresses) {
    if (found.size() == kMaxInterfaces) break;
    // Releases before 2.28 also take interfaces without a carrier; an address on them leads nowhere
    // either way.
    if (!a.running || (family && a.family != *family)) continue;
    if (a.family == Family::V6 && a.loopback) continue;
    if (!filter.takes(a.interface)) continue;
    const bool known = std::any_of(found.begin(), found.end(), [&](const InterfaceAddress& f) {
      return f.interface == a.interface;
    });
    if (!known) found.push_back(a);
  }
  return found;
}

std::optional<Family> wanted_family(const VariableLookup& variable) {
  const auto value = variable("NCCL_SOCKET_FAMILY");
  if (value == "AF_INET") return Family::V4;
  if (value == "AF_INET6") return Family::V6;
  return std::nullopt;
}

std::vector<InterfaceAddress> in_subnet_of(const std::vector<InterfaceAddress>& addresses,
                                           std::string_view comm_id) {
  std::string_view rest;
  const auto peer = parse_ipv4(take_until(comm_id, ':', rest));
  for (const InterfaceAddress& a : addresses) {
    if (!peer || a.family != Family::V4 || !a.running || a.prefix == 0) continue;
    const uint32_t mask = ~uint32_t{0} << (32 - a.prefix);
    if ((parse_ipv4(a.address).value_or(0) & mask) == (*peer & mask)) return {a};
  }
  return {};
}

struct Step {
  ChoiceRule rule;
  std::string_view filter, why;
};
constexpr std::array<Step, 5> kSteps = {{
    {ChoiceRule::Ordinary, "^docker,lo,virbr",
     "no variable and no ib* interface: the first one that is not docker*, lo* or virbr*"},
    {ChoiceRule::Docker, "docker", "nothing but docker* is there"},
    {ChoiceRule::Loopback, "lo", "nothing but the loopback is there"},
    {ChoiceRule::Virbr, "virbr", "nothing but virbr* is there"},
    {ChoiceRule::Nothing, "", "no interface with an address"},
}};

}  // namespace

bool InterfaceFilter::takes(std::string_view interface) const {
  const bool listed =
      names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& n) {
        return exact ? interface == n : interface.starts_with(n);
      });
  return listed != excludes;
}

InterfaceFilter parse_interface_filter(std::string_view text) {
  InterfaceFilter filter;
  if (text.starts_with('^')) filter.excludes = true, text.remove_prefix(1);
  if (text.starts_with('=')) filter.exact = true, text.remove_prefix(1);
  for (const std::string_view part : split(text, ',')) {
    std::string_view port;
    const std::string_view name = take_until(part, ':', port);
    if (!name.empty() && filter.names.size() < kMaxInterfaces) filter.names.emplace_back(name);
  }
  return filter;
}

InterfaceChoice choose_interfaces(const std::vector<InterfaceAddress>& addresses,
                                  const VariableLookup& variable) {
  const auto family = wanted_family(variable);
  const auto name = variable("NCCL_SOCKET_IFNAME");
  InterfaceChoice choice;
  if (name && name->size() > 1) {
    choice.chosen = search(addresses, parse_interface_filter(*name), family);
    choice.rule = choice.chosen.empty() ? ChoiceRule::Nothing : ChoiceRule::Variable;
    choice.why = fmt::format("NCCL_SOCKET_IFNAME={} {}", *name,
                             choice.chosen.empty() ? "matches no running interface" : "decides");
    return choice;
  }
  choice.chosen = search(addresses, parse_interface_filter("ib"), family);
  if (!choice.chosen.empty()) {
    choice.rule = ChoiceRule::InfiniBand;
    choice.why = "names that begin with ib come first";
    return choice;
  }
  if (const auto id = variable("NCCL_COMM_ID"); id && id->size() > 1) {
    choice.chosen = in_subnet_of(addresses, *id);
    if (!choice.chosen.empty()) {
      choice.rule = ChoiceRule::CommId;
      choice.why = "the subnet of NCCL_COMM_ID decides";
      return choice;
    }
  }
  for (const Step& step : kSteps) {
    choice.rule = step.rule;
    choice.why = step.why;
    if (step.filter.empty()) break;
    choice.chosen = search(addresses, parse_interface_filter(step.filter), family);
    if (!choice.chosen.empty()) break;
  }
  return choice;
}

bool is_node_local(std::string_view interface) {
  // Calico, Cilium, Flannel, libvirt, Podman, LXC, Tailscale, WireGuard.
  constexpr std::array<std::string_view, 17> kPrefixes = {
      "br-", "cali", "cilium",    "cni",    "docker",    "dummy", "flannel", "kube-ipvs", "lo",
      "lxc", "lxd",  "nodelocal", "podman", "tailscale", "veth",  "virbr",   "wg"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view p) { return interface.starts_with(p); });
}

}  // namespace rankdx
