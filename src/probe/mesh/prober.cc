// The asking side of the probes.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>

#include "probe/mesh/probe.h"
#include "probe/mesh/probe_wire.h"

namespace rankdx {
namespace {

constexpr int kPings = 4;
constexpr auto kDatagramPatience = std::chrono::milliseconds(150);
constexpr int kUdpHeader = 8, kIpv4Header = 20, kIpv6Header = 40;

/// What paths carry: Ethernet, PPPoE, VXLAN, WireGuard, GRE and IPsec over it, clouds, jumbo
/// frames. Sorted.
constexpr std::array<int, 15> kUsualMtus = {576,  1280, 1376, 1400, 1420, 1440, 1450, 1460,
                                            1476, 1480, 1492, 1500, 4092, 8900, 8950};

/// Beyond jumbo frames (loopback, InfiniBand's connected mode) single packets say little, and fill
/// the buffers of the side that answers many; the bulk decides there.
constexpr int kLargestMtu = 9600;

PathStatus status_of_connect(int error) {
  switch (error) {
    case 0:
      return PathStatus::Ok;
    case ETIMEDOUT:
      return PathStatus::Filtered;
    case ECONNREFUSED:
      return PathStatus::Refused;
    case ENETUNREACH:
      return PathStatus::NoRoute;
    case EHOSTUNREACH:
      return PathStatus::Unreachable;
    case EACCES:
    case EPERM:
    case ENOPROTOOPT:
      return PathStatus::Rejected;
    case ECONNRESET:
      return PathStatus::Closed;
    default:
      return PathStatus::LocalError;
  }
}

PathStatus status_of_greeting(const Peer& peer, const std::string& expected) {
  switch (peer.greeting) {
    case Greeting::Ok:
      return peer.id == expected ? PathStatus::Ok : PathStatus::WrongHost;
    case Greeting::Silent:
      return PathStatus::Silent;
    case Greeting::Closed:
      return PathStatus::Closed;
    case Greeting::Foreign:
      return PathStatus::Foreign;
    case Greeting::WrongToken:
      return PathStatus::WrongToken;
  }
  return PathStatus::LocalError;
}

int64_t us_since(Moment start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
}

class Prober {
 public:
  Prober(Loop& loop, const Credentials& own, const MeshAddress& address, const ProbeLimits& limits,
         Observation& out)
      : loop_(loop), own_(own), address_(address), limits_(limits), out_(out) {}

  Task<void> run(const std::string& expected, uint16_t control_port) {
    const Moment start = Clock::now();
    const auto target = SocketAddress::parse(address_.address, address_.tcp_port);
    if (!target) co_return;
    Connected connected = co_await connect_to(loop_, *target, start + limits_.connect);
    out_.connect_us = us_since(start);
    out_.error = connected.error;
    out_.status = status_of_connect(connected.error);
    // A router's "prohibited" arrives at once; an address that nobody answers for takes seconds.
    const bool at_once = out_.connect_us < 900000;
    if (out_.status == PathStatus::Unreachable && at_once) out_.status = PathStatus::Rejected;
    if (out_.status == PathStatus::Refused) co_await who_is_there(control_port);
    if (out_.status != PathStatus::Ok) co_return;
    const int fd = connected.socket.fd();
    const Peer peer =
        co_await greet_as_client(loop_, fd, own_, Purpose::Probe, Clock::now() + limits_.exchange);
    out_.status = status_of_greeting(peer, expected);
    if (out_.status == PathStatus::WrongHost) out_.answered = peer.id;
    if (out_.status != PathStatus::Ok) co_return;
    co_await small_messages(fd);
    if (out_.status != PathStatus::Ok) co_return;
    co_await full_packets();
    co_await bulk(fd);
  }

 private:
  /// The address refuses: another machine may own it. Its control port tells.
  Task<void> who_is_there(uint16_t control_port) {
    const auto target = SocketAddress::parse(address_.address, control_port);
    if (control_port == 0 || !target) co_return;
    Connected connected =
        co_await connect_to(loop_, *target, Clock::now() + std::chrono::milliseconds(500));
    if (connected.error != 0) co_return;
    const Peer peer = co_await greet_as_client(loop_, connected.socket.fd(), own_, Purpose::Probe,
                                               Clock::now() + std::chrono::milliseconds(500));
    if (peer.greeting != Greeting::Ok) co_return;
    out_.status = PathStatus::WrongHost;
    out_.answered = peer.id;
  }

  Task<void> small_messages(int fd) {
    double best_ns = INFINITY;
    const Moment deadline = Clock::now() + limits_.exchange;
    for (int i = 0; i < kPings; ++i) {
      const int64_t sent = wall_clock_ns();
      const Moment start = Clock::now();
      int error = co_await write_all(loop_, fd, head_text({ProbeKind::Ping, 0, 0}), deadline);
      std::string reply(kHeadBytes, '\0');
      if (error == 0) error = co_await read_all(loop_, fd, reply, deadline);
      if (error != 0) {
        out_.error = error;
        out_.status = error == ETIMEDOUT ? PathStatus::Silent : PathStatus::Closed;
        co_return;
      }
      const double took = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
      if (took >= best_ns) continue;
      best_ns = took;
      const ProbeHead head = parse_head(reply);
      // As in NTP: the mean of both directions, of the quickest exchange.
      const auto received = static_cast<double>(wall_clock_ns());
      out_.clock_offset_s = ((static_cast<double>(head.a) - static_cast<double>(sent)) +
                             (static_cast<double>(head.b) - received)) /
                            2e9;
      out_.rtt_us = static_cast<int64_t>(took / 1000);
    }
  }

  Task<bool> datagram_passes(int fd, size_t size, int tries) {
    for (int i = 0; i < tries; ++i) {
      const uint32_t number = ++number_;
      const std::string packet = datagram(own_.token, number, size);
      if (send(fd, packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
          errno == EMSGSIZE) {
        co_return false;
      }
      const Moment deadline = Clock::now() + kDatagramPatience;
      while (Clock::now() < deadline) {
        const bool ready = co_await loop_.ready(fd, Interest::Read, deadline);
        if (!ready) break;
        std::array<char, 128> reply;
        const ssize_t n = recv(fd, reply.data(), reply.size(), 0);
        if (n > 0 &&
            number_in_reply(own_.token, {reply.data(), static_cast<size_t>(n)}) == number) {
          co_return true;
        }
      }
    }
    co_return false;
  }

  /// Datagrams with the don't-fragment bit: as large as the interface sends, else the largest that
  /// passes. UDP may be filtered; then the path's MTU stays unknown and the bulk decides.
  Task<void> full_packets() {
    const auto target = SocketAddress::parse(address_.address, address_.udp_port);
    if (address_.udp_port == 0 || !target || address_.mtu <= 0 || address_.mtu > kLargestMtu) {
      co_return;
    }
    const bool v6 = target->family() == AF_INET6;
    const int headers = kUdpHeader + (v6 ? kIpv6Header : kIpv4Header);
    const Socket udp(::socket(target->family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int probe = v6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;
    setsockopt(udp.fd(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
               &probe, sizeof probe);
    if (!udp || ::connect(udp.fd(), target->get(), target->size()) != 0) co_return;
    const bool small = co_await datagram_passes(udp.fd(), 64, 2);
    if (!small) co_return;
    const int whole = address_.mtu;
    const bool full = co_await datagram_passes(udp.fd(), static_cast<size_t>(whole - headers), 3);
    out_.path_mtu = whole;
    if (full) co_return;
    size_t low = 0, high = kUsualMtus.size();
    while (high - low > 1) {
      const size_t middle = (low + high) / 2;
      const bool passes =
          co_await datagram_passes(udp.fd(), static_cast<size_t>(kUsualMtus[middle] - headers), 2);
      (passes ? low : high) = middle;
    }
    out_.path_mtu = std::min(kUsualMtus[low], whole);
  }

  Task<void> bulk(int fd) {
    const std::string chunk(65536, 'x');
    const Moment start = Clock::now(), deadline = start + limits_.exchange;
    size_t sent = 0;
    int error = 0;
    while (error == 0 && sent < limits_.bulk_bytes && Clock::now() - start < limits_.bulk_time) {
      error = co_await write_all(
          loop_, fd, head_text({ProbeKind::Bulk, static_cast<int64_t>(chunk.size()), 0}), deadline);
      if (error == 0) error = co_await write_all(loop_, fd, chunk, deadline);
      sent += chunk.size();
    }
    if (error == 0) {
      error = co_await write_all(loop_, fd, head_text({ProbeKind::BulkEnd, 0, 0}), deadline);
    }
    std::string reply(kHeadBytes, '\0');
    if (error == 0) error = co_await read_all(loop_, fd, reply, deadline);
    out_.error = error;
    if (error == 0) {
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      out_.mbit_s = static_cast<double>(sent) * 8 / 1e6 / std::max(seconds, 1e-6);
      co_return;
    }
    // Small messages passed on this very connection; what is lost are packets of full size.
    out_.status = error == ETIMEDOUT ? PathStatus::Mtu : PathStatus::Closed;
  }

  Loop& loop_;
  const Credentials& own_;
  const MeshAddress& address_;
  const ProbeLimits& limits_;
  Observation& out_;
  uint32_t number_ = 0;
};

}  // namespace

Task<void> probe_address(Loop& loop, const Credentials& own, const MeshAddress& address,
                         const std::string& expected, uint16_t control_port,
                         const ProbeLimits& limits, Observation& out) {
  Prober prober(loop, own, address, limits, out);
  co_await prober.run(expected, control_port);
}

}  // namespace rankdx
