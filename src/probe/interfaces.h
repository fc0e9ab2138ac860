// The IP interfaces of a machine and its routes, in the order in which getifaddrs(3) lists them,
// which is the order that NCCL sees. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "probe/host_view.h"

namespace rankdx {

enum class Family : uint8_t { V4, V6 };

struct InterfaceAddress {
  std::string interface;
  std::string address;  ///< "10.244.1.15", "fe80::1" (without %scope)
  Family family = Family::V4;
  int prefix = 0;
  int index = 0;  ///< of the interface
  bool up = false;
  bool running = false;  ///< IFF_RUNNING: up and with a carrier
  bool loopback = false;
  bool operator==(const InterfaceAddress&) const = default;
};

struct InterfaceInfo {
  std::string name;
  std::optional<int64_t> mtu, speed_mbps;
  std::string state;  ///< operstate: "up", "down", "unknown" (virtual devices)
};

struct Route {
  std::string interface;
  uint32_t destination = 0, gateway = 0;  ///< host byte order
  int prefix = 0;
  int metric = 0;
};

/// By getifaddrs when the view is this machine, else from proc/net/fib_trie, proc/net/route,
/// proc/net/if_inet6 and sys/class/net below its root.
Result<std::vector<InterfaceAddress>> interface_addresses(const HostView& host);
InterfaceInfo interface_info(const HostView& host, const std::string& name);
std::vector<Route> ipv4_routes(const HostView& host);

std::optional<uint32_t> parse_ipv4(std::string_view text);
std::string ipv4_text(uint32_t address);
bool is_link_local(const InterfaceAddress& address);

}  // namespace rankdx
