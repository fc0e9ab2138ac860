// A Unix socket whose reads and writes have one deadline, in the form of Beast's SyncStream; and
// the plain HTTP/1.1 requests that go over it. One thread per object.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace rankdx::proxy {

using boost::system::error_code;
using Clock = std::chrono::steady_clock;

class DeadlineSocket {
 public:
  using executor_type = boost::asio::io_context::executor_type;
  executor_type get_executor() {
    // Beast's websocket wants an executor for timers, which synchronous calls never use.
    static boost::asio::io_context context;
    return context.get_executor();
  }

  explicit DeadlineSocket(Clock::time_point deadline) : deadline_(deadline) {}
  DeadlineSocket(const DeadlineSocket&) = delete;
  DeadlineSocket& operator=(const DeadlineSocket&) = delete;
  ~DeadlineSocket() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  /// The first bytes of the answer: Beast drops the text of a refused handshake.
  const std::string& first_bytes() const { return first_; }

  error_code connect(const std::string& path);

  template <class Buffers>
  size_t read_some(const Buffers& buffers, error_code& ec) {
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers); ++it) {
      const boost::asio::mutable_buffer b = *it;
      if (b.size() > 0)
        return received(b,
                        transfer(POLLIN, ec, [&] { return ::recv(fd_, b.data(), b.size(), 0); }));
    }
    ec = {};
    return 0;
  }
  template <class Buffers>
  size_t write_some(const Buffers& buffers, error_code& ec) {
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers); ++it) {
      const boost::asio::const_buffer b = *it;
      if (b.size() > 0)
        return transfer(POLLOUT, ec, [&] { return ::send(fd_, b.data(), b.size(), MSG_NOSIGNAL); });
    }
    ec = {};
    return 0;
  }
  template <class Buffers>
  size_t read_some(const Buffers& buffers) {
    error_code ec;
    const size_t n = read_some(buffers, ec);
    if (ec) throw boost::system::system_error(ec);
    return n;
  }
  template <class Buffers>
  size_t write_some(const Buffers& buffers) {
    error_code ec;
    const size_t n = write_some(buffers, ec);
    if (ec) throw boost::system::system_error(ec);
    return n;
  }

 private:
  size_t received(const boost::asio::mutable_buffer& b, size_t n) {
    constexpr size_t kFirst = 16384;
    if (first_.size() < kFirst)
      first_.append(static_cast<const char*>(b.data()), std::min(n, kFirst - first_.size()));
    return n;
  }

  template <class Call>
  size_t transfer(short what, error_code& ec, Call call) {
    while (true) {
      const ssize_t n = call();
      if (n > 0 || (n == 0 && what == POLLOUT)) return ec = {}, static_cast<size_t>(n);
      if (n == 0) return ec = boost::asio::error::eof, 0;
      if (errno != EAGAIN && errno != EINTR)
        return ec = error_code(errno, boost::system::system_category()), 0;
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      if (left <= 0) return ec = boost::asio::error::timed_out, 0;
      pollfd p{fd_, what, 0};
      ::poll(&p, 1, static_cast<int>(std::min<int64_t>(left, 1'000'000)));
    }
  }

  int fd_ = -1;
  const Clock::time_point deadline_;
  std::string first_;
};

/// A request as text; a body of PATCH is a strategic merge patch.
std::string request_text(std::string_view method, const std::string& path, std::string_view body);
error_code write_all(DeadlineSocket& socket, std::string_view text);

}  // namespace rankdx::proxy
