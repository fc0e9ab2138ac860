// Names to addresses, bounded in time: /etc/hosts first (as nsswitch's usual "files dns"), then the
// system's resolver on this machine. Any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "probe/host_view.h"

namespace rankdx {

struct NameLookup {
  std::vector<std::string> addresses;  ///< in the resolver's order
  std::string source;                  ///< "/etc/hosts", "getaddrinfo"
  std::string error;  ///< why it is not known; "" when `addresses` is the answer, also when empty
};

NameLookup lookup_name(const HostView& host, std::string_view name,
                       std::chrono::milliseconds timeout = std::chrono::seconds(2));

/// Addresses of a name in the text of a hosts file.
std::vector<std::string> addresses_in_hosts(std::string_view hosts, std::string_view name);

}  // namespace rankdx
