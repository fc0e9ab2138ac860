// TCP sockets as /proc/net/tcp and tcp6 list them, and who holds the listening ones.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "probe/host_view.h"

namespace rankdx {

struct TcpSocket {
  uint16_t port = 0;  ///< local
  bool listening = false;
  uint64_t inode = 0;
};

struct Listener {
  uint16_t port = 0;
  int pid = 0;  ///< 0: not visible from here
  std::string process;
};

Result<std::vector<TcpSocket>> tcp_sockets(const HostView& host);
/// Listeners on `ports`, with their processes where /proc/PID/fd is readable.
std::vector<Listener> listeners(const HostView& host, const std::vector<TcpSocket>& sockets,
                                const std::set<uint16_t>& ports);

}  // namespace rankdx
