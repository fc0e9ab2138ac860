#include "probe/nccl_interfaces.h"

#include <gtest/gtest.h>

#include <map>

#include "base/text.h"

namespace rankdx {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

/// "eth0 10.0.0.1/24" a line; "!" behind it: without a carrier.
std::vector<InterfaceAddress> addresses(std::string_view text) {
  std::vector<InterfaceAddress> out;
  for (std::string_view line : split(text, ';')) {
    std::string_view rest, prefix;
    InterfaceAddress a;
    a.interface = take_until(trim(line), ' ', rest);
    a.running = !rest.ends_with('!');
    if (!a.running) rest.remove_suffix(1);
    a.address = take_until(rest, '/', prefix);
    a.prefix = parse_int<int>(prefix).value();
    a.family = a.address.find(':') == std::string::npos ? Family::V4 : Family::V6;
    a.up = true;
    a.loopback = a.interface == "lo";
    out.push_back(std::move(a));
  }
  return out;
}

std::string chosen(std::string_view interfaces, const Variables& variables) {
  const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  };
  std::string out;
  for (const auto& a : choose_interfaces(addresses(interfaces), lookup).chosen) {
    out += (out.empty() ? "" : " ") + a.interface + ":" + a.address;
  }
  return out;
}

TEST(NcclInterfaces, Choice) {
  constexpr std::string_view kPod = "lo 127.0.0.1/8; eth0 10.244.1.15/24; eth1 192.168.50.1/24";
  constexpr std::string_view kNode =
      "lo 127.0.0.1/8; docker0 172.17.0.1/16; ens5 10.0.0.4/24; ens6 10.1.0.4/24!; lo ::1/128; "
      "ens5 "
      "fe80::1/64";
  struct Case {
    std::string_view interfaces;
    Variables variables;
    std::string_view chosen;
  };
  const Case cases[] = {
      {kPod, {}, "eth0:10.244.1.15 eth1:192.168.50.1"},
      {kPod, {{"NCCL_SOCKET_IFNAME", "eth1"}}, "eth1:192.168.50.1"},
      {kPod, {{"NCCL_SOCKET_IFNAME", "=eth"}}, ""},
      {kPod, {{"NCCL_SOCKET_IFNAME", "eth"}}, "eth0:10.244.1.15 eth1:192.168.50.1"},
      // A single character is ignored, and an exclusion of one name lets the loopback in.
      {kPod, {{"NCCL_SOCKET_IFNAME", "e"}}, "eth0:10.244.1.15 eth1:192.168.50.1"},
      {kPod, {{"NCCL_SOCKET_IFNAME", "^eth0"}}, "lo:127.0.0.1 eth1:192.168.50.1"},
      {kPod, {{"NCCL_SOCKET_IFNAME", "^=eth0,lo"}}, "eth1:192.168.50.1"},
      {kPod, {{"NCCL_SOCKET_IFNAME", "bond0"}}, ""},
      {kPod, {{"NCCL_SOCKET_FAMILY", "AF_INET6"}}, ""},
      {kPod, {{"NCCL_COMM_ID", "192.168.50.9:3000"}}, "eth1:192.168.50.1"},
      {kNode, {}, "ens5:10.0.0.4"},
      {kNode, {{"NCCL_SOCKET_FAMILY", "AF_INET6"}}, "ens5:fe80::1"},
      {"lo 127.0.0.1/8; eth0 10.0.0.1/24; ibs1 10.9.0.1/24", {}, "ibs1:10.9.0.1"},
      {"lo 127.0.0.1/8; docker0 172.17.0.1/16", {}, "docker0:172.17.0.1"},
      {"lo 127.0.0.1/8; virbr0 192.168.122.1/24", {}, "lo:127.0.0.1"},
      {"virbr0 192.168.122.1/24", {}, "virbr0:192.168.122.1"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(chosen(c.interfaces, c.variables), c.chosen)
        << (c.variables.empty() ? "" : c.variables.begin()->second);
  }
}

TEST(NcclInterfaces, AtMostSixteen) {
  std::string many;
  for (int i = 0; i < 20; ++i) {
    many += (i ? "; eth" : "eth") + std::to_string(i) + " 10.0." + std::to_string(i) + ".1/24";
  }
  EXPECT_EQ(split(chosen(many, {}), ' ').size(), 16u);
}

TEST(NcclInterfaces, NodeLocal) {
  for (const auto* name : {"docker0", "br-1a2b", "cali12", "lo", "veth9", "virbr0", "tailscale0"}) {
    EXPECT_TRUE(is_node_local(name)) << name;
  }
  for (const auto* name : {"eth0", "ens5", "bond0", "ib0", "br0", "enp1s0f0np0"}) {
    EXPECT_FALSE(is_node_local(name)) << name;
  }
}

}  // namespace
}  // namespace rankdx
