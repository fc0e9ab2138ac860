#include "probe/mesh/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rankdx {
namespace {

bool must_wait(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINPROGRESS || error == EINTR;
}

Result<Socket> bound(const SocketAddress& address, int type) {
  Socket socket(::socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const auto refuse = [](const char* what) {
    return fail(ErrorCode::Unreadable, std::string(what) + ": " + std::strerror(errno));
  };
  if (!socket) return refuse("socket");
  const int off = 0, on = 1;
  // Connections of an earlier run may still be in TIME_WAIT; a listener of somebody else is refused
  // all the same.
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) {
    setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (::bind(socket.fd(), address.get(), address.size()) != 0) return refuse("bind");
  return socket;
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view numeric, uint16_t port) {
  SocketAddress out;
  const std::string text(numeric);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage_);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage_);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
  } else {
    return std::nullopt;
  }
  return out;
}

socklen_t SocketAddress::size() const {
  return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET ? reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port
                                   : reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
}

std::optional<SocketAddress> SocketAddress::local(int fd) {
  SocketAddress out;
  socklen_t size = sizeof out.storage_;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&out.storage_), &size) != 0) return std::nullopt;
  return out;
}

Result<Socket> listen_on(const SocketAddress& address) {
  Socket socket = RANKDX_TRY(bound(address, SOCK_STREAM));
  if (listen(socket.fd(), 512) != 0) return fail(ErrorCode::Unreadable, std::strerror(errno));
  return socket;
}

Result<Socket> bind_udp(const SocketAddress& address) { return bound(address, SOCK_DGRAM); }

Task<Connected> connect_to(Loop& loop, const SocketAddress& address, Moment deadline) {
  Connected out;
  out.socket = Socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!out.socket) {
    out.error = errno;
    co_return out;
  }
  const int on = 1;
  setsockopt(out.socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(out.socket.fd(), address.get(), address.size()) != 0) out.error = errno;
  if (out.error == EINPROGRESS) {
    const bool ready = co_await loop.ready(out.socket.fd(), Interest::Write, deadline);
    socklen_t size = sizeof out.error;
    out.error = ETIMEDOUT;
    if (ready) getsockopt(out.socket.fd(), SOL_SOCKET, SO_ERROR, &out.error, &size);
  }
  co_return out;
}

Task<Socket> accept_on(Loop& loop, int listener, Moment deadline) {
  while (true) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      co_return Socket(fd);
    }
    // A connection that died in the queue, or descriptors have run out for the moment.
    const bool pause = errno == EMFILE || errno == ENFILE;
    if (!must_wait(errno) && errno != ECONNABORTED && !pause) co_return Socket();
    if (pause) {
      co_await loop.until(Clock::now() + std::chrono::milliseconds(20));
      continue;
    }
    const bool ready = co_await loop.ready(listener, Interest::Read, deadline);
    if (!ready) co_return Socket();
  }
}

Task<int> read_all(Loop& loop, int fd, std::span<char> bytes, Moment deadline) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = recv(fd, bytes.data() + done, bytes.size() - done, 0);
    if (n > 0) {
      done += static_cast<size_t>(n);
      continue;
    }
    if (n == 0) co_return ECONNRESET;
    if (!must_wait(errno)) co_return errno;
    const bool ready = co_await loop.ready(fd, Interest::Read, deadline);
    if (!ready) co_return ETIMEDOUT;
  }
  co_return 0;
}

Task<int> write_all(Loop& loop, int fd, std::string_view bytes, Moment deadline) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n > 0) {
      done += static_cast<size_t>(n);
      continue;
    }
    if (!must_wait(errno)) co_return errno;
    const bool ready = co_await loop.ready(fd, Interest::Write, deadline);
    if (!ready) co_return ETIMEDOUT;
  }
  co_return 0;
}

}  // namespace rankdx
