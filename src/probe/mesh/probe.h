// The tests of one way: connect, greet, small messages, full-size packets, a short bulk. And the
// side that answers them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "probe/mesh/handshake.h"
#include "probe/mesh/model.h"
#include "probe/mesh/socket.h"

namespace rankdx {

struct ProbeLimits {
  std::chrono::milliseconds connect{3500};  ///< two SYN retries; a failing ARP takes 3.1 s
  std::chrono::milliseconds exchange{2000};
  size_t bulk_bytes = 1 << 20;
  std::chrono::milliseconds bulk_time{250};  ///< after which the sample ends early
};

/// Answers probes on its own TCP and UDP port of one address.
class Responder {
 public:
  Responder(Loop& loop, const Credentials& own) : loop_(loop), own_(own) {}
  /// Ports of `address`; false when it cannot listen there.
  bool open(MeshAddress& address);
  /// Serves until `end`.
  void serve(Moment end);

 private:
  Task<void> accept_loop(int listener, Moment end);
  Task<void> answer(Socket socket, Moment end);
  Task<void> answer_datagrams(int fd, Moment end);

  Loop& loop_;
  const Credentials& own_;
  std::vector<Socket> listeners_, datagrams_;
  size_t open_connections_ = 0;
};

/// One connection of probes that was already greeted; serves it to its end. Used by Responder and
/// by the control port.
Task<void> answer_probes(Loop& loop, int fd, Moment end);

/// Fills everything but the indices. `expected` is the id that should answer; `control_port` is
/// asked who is there when the address refuses.
Task<void> probe_address(Loop& loop, const Credentials& own, const MeshAddress& address,
                         const std::string& expected, uint16_t control_port,
                         const ProbeLimits& limits, Observation& out);

}  // namespace rankdx
