// Non-blocking sockets for coroutines: every call has a deadline and gives 0 or an errno (ETIMEDOUT
// at the deadline, ECONNRESET when the other end is gone).
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "probe/mesh/loop.h"

namespace rankdx {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();
  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// An address with its port; numeric only.
class SocketAddress {
 public:
  static std::optional<SocketAddress> parse(std::string_view numeric, uint16_t port);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const;
  int family() const { return storage_.ss_family; }
  uint16_t port() const;
  /// Of a bound socket.
  static std::optional<SocketAddress> local(int fd);

 private:
  sockaddr_storage storage_{};
};

Result<Socket> listen_on(const SocketAddress& address);
Result<Socket> bind_udp(const SocketAddress& address);

struct Connected {
  Socket socket;
  int error = 0;
};
Task<Connected> connect_to(Loop& loop, const SocketAddress& address, Moment deadline);
/// An invalid socket at the deadline.
Task<Socket> accept_on(Loop& loop, int listener, Moment deadline);
Task<int> read_all(Loop& loop, int fd, std::span<char> bytes, Moment deadline);
Task<int> write_all(Loop& loop, int fd, std::string_view bytes, Moment deadline);

}  // namespace rankdx
