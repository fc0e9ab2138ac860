// Interfaces, routes, MTU, and which interface NCCL would take.
#include <fmt/format.h>

#include <algorithm>

#include "probe/nccl_interfaces.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

std::string listed(const std::vector<InterfaceAddress>& addresses) {
  std::string out;
  for (const InterfaceAddress& a : addresses) {
    out += fmt::format("{}{} {}/{}{}", out.empty() ? "" : ", ", a.interface, a.address, a.prefix,
                       a.running ? "" : " (no carrier)");
  }
  return out;
}

const Fix& name_it() {
  static const Fix fix = {"any", "Name the interface that all hosts share, on all hosts",
                          "NCCL_SOCKET_IFNAME==eth0 GLOO_SOCKET_IFNAME=eth0"};
  return fix;
}

Problem nothing_chosen(const PodContext& ctx, const InterfaceChoice& choice) {
  const auto name = ctx.variable("NCCL_SOCKET_IFNAME");
  if (name && name->size() > 1) {
    return {"socket-ifname-matches-nothing",
            Layer::Config,
            "NCCL_SOCKET_IFNAME matches no interface of this host",
            "NCCL ends with \"no socket interface found\": " + choice.why + ".",
            {name_it()}};
  }
  if (const auto family = ctx.variable("NCCL_SOCKET_FAMILY")) {
    return {"socket-family-has-no-address",
            Layer::Config,
            "NCCL_SOCKET_FAMILY asks for addresses that no interface has",
            "NCCL looks only at addresses of " + *family + ".",
            {{"any", "Unset NCCL_SOCKET_FAMILY", ""}}};
  }
  return {"no-usable-network-interface",
          Layer::Network,
          "No interface has an address and a link",
          "NCCL cannot start its bootstrap.",
          {{"kubernetes", "Look at the CNI plugin of the node", ""}}};
}

/// What is wrong with the address that the bootstrap would publish, if anything.
std::optional<Problem> doubt(const PodContext& ctx, const InterfaceChoice& choice) {
  const InterfaceAddress& a = choice.chosen.front();
  const bool set = choice.rule == ChoiceRule::Variable;
  Where where;
  where.interface = a.interface;
  if (a.loopback || a.address.starts_with("127.")) {
    return Problem{"loopback-selected",
                   set ? Layer::Config : Layer::Network,
                   "NCCL would use the loopback",
                   set ? "The value of NCCL_SOCKET_IFNAME lets lo in, and lo comes first: other "
                         "hosts would connect to themselves."
                       : "Only the loopback has an address: one host works, two do not.",
                   {name_it()},
                   where,
                   set ? Confidence::Certain : Confidence::Likely};
  }
  if (is_link_local(a)) {
    return Problem{
        a.family == Family::V6 ? "ipv6-link-local-selected" : "unreachable-interface-selected",
        Layer::Network,
        "NCCL would use a link-local address",
        fmt::format("{} of {} means something on one link only.", a.address, a.interface),
        {name_it(), {"any", "Prefer IPv4", "NCCL_SOCKET_FAMILY=AF_INET"}},
        where,
        Confidence::Likely};
  }
  const bool others = std::any_of(choice.chosen.begin(), choice.chosen.end(),
                                  [](const auto& c) { return !is_node_local(c.interface); });
  if (is_node_local(a.interface) && (others || set || ctx.options.scope == Scope::Host)) {
    return Problem{"unreachable-interface-selected",
                   Layer::Network,
                   fmt::format("NCCL would use {}, which other hosts cannot reach", a.interface),
                   "Bridges and tunnels of container engines have an address on this node only.",
                   {name_it()},
                   where,
                   Confidence::Likely};
  }
  return std::nullopt;
}

void check_choice(const PodContext& ctx, const std::vector<InterfaceAddress>& addresses,
                  Checklist& out) {
  const auto choice =
      choose_interfaces(addresses, [&](std::string_view name) { return ctx.variable(name); });
  const std::string source = ctx.environment_source + ", getifaddrs";
  if (choice.chosen.empty()) {
    return out.failed("nccl-interface", choice.why, source, nothing_chosen(ctx, choice));
  }
  const InterfaceAddress& first = choice.chosen.front();
  const std::string value =
      fmt::format("{} {} ({}){}", first.interface, first.address, choice.why,
                  choice.chosen.size() == 1
                      ? ""
                      : fmt::format("; data may also go over {}",
                                    listed({choice.chosen.begin() + 1, choice.chosen.end()})));
  const auto problem = doubt(ctx, choice);
  if (!problem) return out.ok("nccl-interface", value, source);
  if (problem->confidence == Confidence::Certain) {
    out.failed("nccl-interface", value, source, *problem);
  } else {
    out.warning("nccl-interface", value, source, *problem);
  }
}

void check_gloo(const PodContext& ctx, const std::vector<InterfaceAddress>& addresses,
                Checklist& out) {
  const auto name = ctx.variable("GLOO_SOCKET_IFNAME");
  if (!name || name->empty()) return;
  // Gloo takes one name per process (comma separated for several), whole names only.
  const auto filter = parse_interface_filter("=" + *name);
  const bool found = std::any_of(addresses.begin(), addresses.end(),
                                 [&](const auto& a) { return a.up && filter.takes(a.interface); });
  if (found) return out.ok("gloo-interface", *name, ctx.environment_source);
  out.failed(
      "gloo-interface", *name, ctx.environment_source,
      {"socket-ifname-matches-nothing",
       Layer::Config,
       "GLOO_SOCKET_IFNAME names no interface of this host",
       "PyTorch's CPU groups fail with \"Unable to find address for\"; the name must be whole.",
       {{"any", "Give an existing interface", "GLOO_SOCKET_IFNAME=eth0"}}});
}

void check_mtu(const PodContext& ctx, const std::vector<InterfaceAddress>& addresses,
               Checklist& out) {
  std::string value;
  std::vector<std::string> seen;
  for (const InterfaceAddress& a : addresses) {
    if (a.loopback || std::find(seen.begin(), seen.end(), a.interface) != seen.end()) continue;
    seen.push_back(a.interface);
    const InterfaceInfo info = interface_info(ctx.host, a.interface);
    if (!info.mtu) continue;
    value += fmt::format("{}{} {}{}", value.empty() ? "" : ", ", a.interface, *info.mtu,
                         info.speed_mbps ? fmt::format(" ({} Mbit/s)", *info.speed_mbps) : "");
  }
  if (value.empty()) return out.unknown("interface-mtu", "no MTU is readable", "/sys/class/net");
  out.ok("interface-mtu", value + "; `check mesh` tests what the path carries", "/sys/class/net");
}

void check_routes(const PodContext& ctx, Checklist& out) {
  const auto routes = ipv4_routes(ctx.host);
  if (routes.empty()) {
    return out.unknown("routes", "no IPv4 route is listed", "/proc/net/route");
  }
  const auto way =
      std::find_if(routes.begin(), routes.end(), [](const Route& r) { return r.prefix == 0; });
  if (way == routes.end()) {
    return out.ok("routes", fmt::format("{}, none of them default", routes.size()),
                  "/proc/net/route");
  }
  out.ok("routes", fmt::format("default by {} over {}", ipv4_text(way->gateway), way->interface),
         "/proc/net/route");
}

}  // namespace

void check_interfaces(const PodContext& ctx, Checklist& out) {
  const auto addresses = interface_addresses(ctx.host);
  if (!addresses) {
    out.unknown("interfaces", addresses.error().text, addresses.error().place);
    return out.unknown("nccl-interface", "the addresses are not known", addresses.error().place);
  }
  out.ok("interfaces", listed(*addresses),
         ctx.host.is_this_machine() ? "getifaddrs" : "/proc/net/fib_trie");
  check_choice(ctx, *addresses, out);
  check_gloo(ctx, *addresses, out);
  check_mtu(ctx, *addresses, out);
  check_routes(ctx, out);
}

}  // namespace rankdx
