// Which interface NCCL takes for its bootstrap and its socket transport, by the rules of its own
// search (misc/socket.cc and os/linux.cc; 2.18 to 2.30 differ only where noted). Pure functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/interfaces.h"

namespace rankdx {

/// Value of a variable as NCCL sees it, or nothing.
using VariableLookup = std::function<std::optional<std::string>(std::string_view name)>;

/// "eth,=ib0" as NCCL reads NCCL_SOCKET_IFNAME: '^' excludes, then '=' asks for whole names; both
/// only in front of the whole list; a part behind ':' is a port and does not count here.
struct InterfaceFilter {
  bool excludes = false;
  bool exact = false;
  std::vector<std::string> names;
  bool takes(std::string_view interface) const;
};
InterfaceFilter parse_interface_filter(std::string_view text);

enum class ChoiceRule : uint8_t {
  Variable,    ///< NCCL_SOCKET_IFNAME
  InfiniBand,  ///< names that begin with ib
  CommId,      ///< same subnet as NCCL_COMM_ID
  Ordinary,    ///< anything but docker, lo (and virbr)
  Docker,
  Loopback,
  Virbr,
  Nothing,
};

struct InterfaceChoice {
  ChoiceRule rule = ChoiceRule::Nothing;
  std::vector<InterfaceAddress>
      chosen;       ///< the first is the one of the bootstrap; all carry NET/Socket
  std::string why;  ///< one sentence
};

/// `addresses` in the order of getifaddrs. At most 16 are chosen, one address per interface name,
/// as in NCCL.
InterfaceChoice choose_interfaces(const std::vector<InterfaceAddress>& addresses,
                                  const VariableLookup& variable);

/// Bridges and tunnels of container engines, hypervisors and VPNs: their addresses mean something
/// only on one node.
bool is_node_local(std::string_view interface);

}  // namespace rankdx
