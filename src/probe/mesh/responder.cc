// The answering side of the probes.
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "probe/mesh/probe.h"
#include "probe/mesh/probe_wire.h"

namespace rankdx {
namespace {

constexpr size_t kMaxConnections = 256;
constexpr size_t kMaxBulkBytes = 64 << 20;

/// Reads `size` bytes of bulk and forgets them.
Task<int> swallow(Loop& loop, int fd, size_t size, Moment deadline) {
  std::string buffer(std::min<size_t>(size, 65536), '\0');
  while (size > 0) {
    const std::span<char> part(buffer.data(), std::min(size, buffer.size()));
    const int error = co_await read_all(loop, fd, part, deadline);
    if (error != 0) co_return error;
    size -= part.size();
  }
  co_return 0;
}

}  // namespace

Task<void> answer_probes(Loop& loop, int fd, Moment end) {
  size_t bulk = 0;
  while (true) {
    std::string head(kHeadBytes, '\0');
    int error = co_await read_all(loop, fd, head, end);
    if (error != 0) co_return;
    const ProbeHead request = parse_head(head);
    std::string reply;
    if (request.kind == ProbeKind::Ping) {
      const int64_t received = wall_clock_ns();
      reply = head_text({ProbeKind::Ping, received, wall_clock_ns()});
    } else if (request.kind == ProbeKind::Bulk) {
      const auto size = static_cast<size_t>(std::max<int64_t>(request.a, 0));
      bulk += size;
      if (size > kMaxBulkBytes || bulk > kMaxBulkBytes) co_return;
      error = co_await swallow(loop, fd, size, end);
      if (error != 0) co_return;
    } else if (request.kind == ProbeKind::BulkEnd) {
      reply = head_text({ProbeKind::BulkEnd, static_cast<int64_t>(bulk), 0});
    } else {
      co_return;
    }
    if (!reply.empty()) error = co_await write_all(loop, fd, reply, end);
    if (error != 0) co_return;
  }
}

bool Responder::open(MeshAddress& address) {
  const auto any_port = SocketAddress::parse(address.address, 0);
  if (!any_port) return false;
  auto tcp = listen_on(*any_port);
  if (!tcp) return false;
  const auto bound = SocketAddress::local(tcp->fd());
  address.tcp_port = bound ? bound->port() : 0;
  listeners_.push_back(std::move(*tcp));
  if (auto udp = bind_udp(*any_port)) {
    // Many members may ask at the same moment.
    const int buffer_bytes = 1 << 20;
    setsockopt(udp->fd(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    const auto port = SocketAddress::local(udp->fd());
    address.udp_port = port ? port->port() : 0;
    datagrams_.push_back(std::move(*udp));
  }
  return address.tcp_port != 0;
}

void Responder::serve(Moment end) {
  for (const Socket& s : listeners_) loop_.spawn(accept_loop(s.fd(), end));
  for (const Socket& s : datagrams_) loop_.spawn(answer_datagrams(s.fd(), end));
}

Task<void> Responder::accept_loop(int listener, Moment end) {
  while (Clock::now() < end) {
    Socket socket = co_await accept_on(loop_, listener, end);
    if (!socket) co_return;
    if (open_connections_ < kMaxConnections) loop_.spawn(answer(std::move(socket), end));
  }
}

Task<void> Responder::answer(Socket socket, Moment end) {
  ++open_connections_;
  const Moment soon = std::min(end, Clock::now() + std::chrono::seconds(5));
  const Peer peer = co_await greet_as_server(loop_, socket.fd(), own_, soon);
  if (peer.greeting == Greeting::Ok && peer.purpose == Purpose::Probe) {
    const Moment last = std::min(end, Clock::now() + std::chrono::seconds(15));
    co_await answer_probes(loop_, socket.fd(), last);
  }
  --open_connections_;
}

Task<void> Responder::answer_datagrams(int fd, Moment end) {
  std::string buffer(65536, '\0');
  while (Clock::now() < end) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t n =
        recvfrom(fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR) co_return;
      const bool ready = co_await loop_.ready(fd, Interest::Read, end);
      if (!ready) co_return;
      continue;
    }
    // Always shorter than the request, and only for holders of the token.
    const std::string_view request(buffer.data(), static_cast<size_t>(n));
    const std::string reply = datagram_reply(own_.token, request);
    if (reply.empty()) continue;
    sendto(fd, reply.data(), reply.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), size);
  }
}

}  // namespace rankdx
