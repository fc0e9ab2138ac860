#include "cluster/proxy/deadline_socket.h"

#include <fmt/format.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace rankdx::proxy {

error_code DeadlineSocket::connect(const std::string& path) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fd_ < 0 || path.size() >= sizeof address.sun_path)
    return error_code(fd_ < 0 ? errno : ENAMETOOLONG, boost::system::system_category());
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  // A full backlog of a Unix socket gives EAGAIN at once: wait a little and try again.
  while (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if ((errno != EAGAIN && errno != EINTR) || Clock::now() > deadline_)
      return error_code(errno, boost::system::system_category());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {};
}

std::string request_text(std::string_view method, const std::string& path, std::string_view body) {
  std::string out = fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, */*\r\nConnection: close\r\n",
      method, path);
  if (method != "GET") {
    out += fmt::format("Content-Type: application/{}\r\nContent-Length: {}\r\n",
                       method == "PATCH" ? "strategic-merge-patch+json" : "json", body.size());
  }
  return out + "\r\n" + std::string(body);
}

error_code write_all(DeadlineSocket& socket, std::string_view text) {
  error_code ec;
  while (!text.empty() && !ec)
    text.remove_prefix(socket.write_some(boost::asio::const_buffer(text.data(), text.size()), ec));
  return ec;
}

}  // namespace rankdx::proxy
