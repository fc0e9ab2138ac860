#include "cluster/ras_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "base/text.h"

namespace rankdx {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

int left_ms(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000));
}

enum class Io : uint8_t { Ok, End, Timeout, Failed };

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool valid() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  Io wait(short what, Clock::time_point deadline) const {
    while (true) {
      pollfd p{fd_, what, 0};
      const int n = ::poll(&p, 1, left_ms(deadline));
      if (n > 0) return Io::Ok;
      if (n == 0) return Io::Timeout;
      if (errno != EINTR) return Io::Failed;
    }
  }

  Io send(std::string_view text, Clock::time_point deadline) const {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n > 0) {
        text.remove_prefix(static_cast<size_t>(n));
      } else if (errno == EAGAIN) {
        if (const Io io = wait(POLLOUT, deadline); io != Io::Ok) return io;
      } else if (errno != EINTR) {
        return Io::Failed;
      }
    }
    return Io::Ok;
  }

  /// Appends what is there, waiting until something is.
  Io receive(std::string& buffer, Clock::time_point deadline) const {
    char block[16384];
    while (true) {
      if (const Io io = wait(POLLIN, deadline); io != Io::Ok) return io;
      const ssize_t n = ::recv(fd_, block, sizeof block, 0);
      if (n > 0) return buffer.append(block, static_cast<size_t>(n)), Io::Ok;
      if (n == 0) return Io::End;
      if (errno != EINTR && errno != EAGAIN) return Io::Failed;
    }
  }

 private:
  int fd_;
};

struct Connected {
  Socket socket;
  int error = 0;
};

Connected connect_to(const addrinfo& to, Clock::time_point deadline) {
  Socket s(::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!s.valid()) return {Socket(), errno};
  if (::connect(s.fd(), to.ai_addr, to.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return {Socket(), errno};
    if (s.wait(POLLOUT, deadline) != Io::Ok) return {Socket(), ETIMEDOUT};
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(s.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return {Socket(), error};
  }
  return {std::move(s), 0};
}

/// Printable beginning of what somebody answered.
std::string shown(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 60)) out += c >= ' ' && c < 127 ? c : '?';
  return out;
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

/// One conversation: from the connect to the last byte.
class Conversation {
 public:
  Conversation(const RasAddress& address, RasForm form, const RasOptions& options)
      : address_(address), form_(form), options_(options), deadline_(Clock::now() + options.total) {
    reply_.asked = address.host + ":" + std::to_string(address.port);
  }

  RasReply run() {
    Addresses addresses = resolve();
    if (!addresses) return std::move(reply_);
    if (!shake_hands(*addresses)) return std::move(reply_);
    if (!command(fmt::format("TIMEOUT {}", options_.collect_s))) return std::move(reply_);
    if (form_ == RasForm::Json && !ask_for_json()) return std::move(reply_);
    read_answer();
    return std::move(reply_);
  }

 private:
  bool give_up(RasReply::Failure failure, std::string problem) {
    reply_.failure = failure;
    reply_.problem = std::move(problem);
    return false;
  }

  Addresses resolve() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error =
        ::getaddrinfo(address_.host.c_str(), std::to_string(address_.port).c_str(), &hints, &found);
    if (error != 0)
      give_up(RasReply::Failure::Unreachable, fmt::format("the name {} does not resolve: {}",
                                                          address_.host, ::gai_strerror(error)));
    return {error == 0 ? found : nullptr, ::freeaddrinfo};
  }

  /// New connections until a process answers; a stopped one takes the connection and is silent.
  bool shake_hands(const addrinfo& addresses) {
    int error = 0;
    for (int i = 0; i < options_.tries && Clock::now() < deadline_; ++i) {
      bool connected = false;
      for (const addrinfo* to = &addresses; to && !connected; to = to->ai_next) {
        const auto limit = std::min(deadline_, Clock::now() + options_.handshake);
        Connected c = connect_to(*to, limit);
        if (!c.socket.valid()) {
          if (error != ECONNREFUSED) error = c.error;
          continue;
        }
        connected = true;
        socket_ = std::move(c.socket);
      }
      if (!connected) return no_connection(error);
      if (const auto line = exchange("CLIENT PROTOCOL 2",
                                     std::min(deadline_, Clock::now() + options_.handshake))) {
        if (line->starts_with("SERVER PROTOCOL ")) return true;
        return give_up(RasReply::Failure::Garbage,
                       fmt::format("what listens there is not NCCL's RAS service; it said \"{}\"",
                                   shown(*line)));
      }
      if (buffer_.size() >= kMaxLine)
        return give_up(RasReply::Failure::Garbage,
                       "what listens there is not NCCL's RAS service; it sends without end");
      ++reply_.swallowed;
    }
    return give_up(RasReply::Failure::Silent,
                   fmt::format("{} connections were taken, none was answered: the process behind "
                               "the port is stopped or hangs",
                               reply_.swallowed));
  }

  bool no_connection(int error) {
    if (error == ECONNREFUSED) {
      return give_up(
          RasReply::Failure::Refused,
          "nobody listens there: no NCCL process in this network namespace has started a "
          "communicator, NCCL is older than 2.24, or NCCL_RAS_ENABLE=0 or NCCL_RAS_ADDR is set");
    }
    return give_up(RasReply::Failure::Unreachable,
                   fmt::format("no connection: {}", std::strerror(error)));
  }

  static constexpr size_t kMaxLine = 4096;

  /// Sends a line and reads the one that answers it; nothing on silence, a broken connection or a
  /// line without end.
  std::optional<std::string> exchange(std::string_view text, Clock::time_point limit) {
    buffer_.clear();
    if (socket_.send(std::string(text) + "\n", limit) != Io::Ok) return std::nullopt;
    while (buffer_.find('\n') == std::string::npos) {
      if (buffer_.size() >= kMaxLine || socket_.receive(buffer_, limit) != Io::Ok)
        return std::nullopt;
    }
    const size_t end = buffer_.find('\n');
    std::string line(trim(std::string_view(buffer_).substr(0, end)));
    buffer_.erase(0, end + 1);
    return line;
  }

  bool command(const std::string& text) {
    const auto limit = std::min(deadline_, Clock::now() + options_.handshake * 3);
    const auto line = exchange(text, limit);
    if (!line)
      return give_up(RasReply::Failure::Slow,
                     "the connection broke or fell silent after the greeting");
    if (*line == "OK") return true;
    return give_up(RasReply::Failure::Garbage,
                   fmt::format("{} was answered with \"{}\"", text, shown(*line)));
  }

  bool ask_for_json() {
    const auto line =
        exchange("SET FORMAT json", std::min(deadline_, Clock::now() + options_.handshake * 3));
    if (!line)
      return give_up(RasReply::Failure::Slow,
                     "the connection broke or fell silent after the greeting");
    return true;  // an ERROR line: older than 2.28.7, the answer comes as text
  }

  void read_answer() {
    const auto limit =
        std::min(deadline_, Clock::now() + std::chrono::seconds(options_.collect_s + 10));
    std::string text;
    Io io = socket_.send("VERBOSE STATUS\n", limit);
    while (io == Io::Ok && text.size() < options_.limit_bytes) io = socket_.receive(text, limit);
    if (io == Io::Ok) {
      give_up(RasReply::Failure::Garbage,
              fmt::format("the answer has more than {} MiB; it was not read to its end",
                          options_.limit_bytes >> 20));
      return;
    }
    auto answer = parse_ras(text);
    if (!answer) {
      give_up(io == Io::Timeout ? RasReply::Failure::Slow : RasReply::Failure::Garbage,
              text.empty()
                  ? (io == Io::Timeout ? "no answer within the time limit"
                                       : "the connection was closed without an answer")
                  : fmt::format("the answer {}: \"{}\"", answer.error().text, shown(text)));
      return;
    }
    if (io != Io::End) {
      answer->whole = false;
      reply_.failure = RasReply::Failure::Slow;
      reply_.problem = io == Io::Timeout ? "the answer did not end within the time limit"
                                         : "the connection broke inside the answer";
    }
    reply_.answer = std::move(*answer);
  }

  const RasAddress& address_;
  const RasForm form_;
  const RasOptions& options_;
  const Clock::time_point deadline_;
  Socket socket_;
  std::string buffer_;
  RasReply reply_;
};

/// All questions to one address.
void ask_address(const RasAddress& address, const RasOptions& options, Clock::time_point start,
                 std::vector<RasReply>& out) {
  const auto deadline = Clock::now() + options.total;
  auto ask = [&](RasForm form) {
    RasOptions left = options;
    left.total = milliseconds(left_ms(deadline));
    const double at_s = std::chrono::duration<double>(Clock::now() - start).count();
    out.push_back(ask_ras_once(address, form, left));
    out.back().at_s = at_s;
    return out.back().answer && out.back().failure == RasReply::Failure::None;
  };
  auto both = [&] { return ask(RasForm::Text) && ask(RasForm::Json); };
  if (!both()) return;
  // An older server answers the second question with text again: that one counts as well.
  const bool again = std::any_of(out.begin(), out.end(), [](const RasReply& r) {
    return r.answer && worth_asking_again(*r.answer);
  });
  if (!again || options.recheck.count() == 0 || Clock::now() + options.recheck > deadline) return;
  std::this_thread::sleep_for(options.recheck);
  both();
}

}  // namespace

Result<RasAddress> parse_ras_address(std::string_view text) {
  RasAddress a;
  std::string_view port;
  const size_t colon = text.rfind(':');
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos)
      return fail(ErrorCode::Usage, "is no address: ']' is missing", std::string(text));
    a.host = text.substr(1, end - 1);
    if (end + 1 < text.size()) port = text[end + 1] == ':' ? text.substr(end + 2) : "x";
  } else if (colon != std::string_view::npos && text.find(':') == colon) {
    a.host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) port = "x";
  } else {
    a.host = text;  // a bare IPv6 address has several colons
  }
  if (!port.empty()) {
    const auto number = parse_int<int>(port);
    if (!number || *number < 1 || *number > 65535)
      return fail(ErrorCode::Usage, "has no valid port", std::string(text),
                  "HOST or HOST:PORT, as gpu-worker-01:28028");
    a.port = *number;
  }
  if (a.host.empty())
    return fail(ErrorCode::Usage, "has no host", std::string(text),
                "HOST or HOST:PORT, as gpu-worker-01:28028");
  return a;
}

RasReply ask_ras_once(const RasAddress& address, RasForm form, const RasOptions& options) {
  return Conversation(address, form, options).run();
}

std::vector<RasReply> ask_ras(const std::vector<RasAddress>& addresses, const RasOptions& options) {
  constexpr size_t kSideBySide = 64;
  const auto start = Clock::now();
  std::vector<std::vector<RasReply>> parts(addresses.size());
  for (size_t from = 0; from < addresses.size(); from += kSideBySide) {
    std::vector<std::thread> threads;
    for (size_t i = from; i < std::min(from + kSideBySide, addresses.size()); ++i) {
      threads.emplace_back([&, i] { ask_address(addresses[i], options, start, parts[i]); });
    }
    for (std::thread& t : threads) t.join();
  }
  std::vector<RasReply> all;
  for (auto& part : parts) std::move(part.begin(), part.end(), std::back_inserter(all));
  std::stable_sort(all.begin(), all.end(),
                   [](const RasReply& a, const RasReply& b) { return a.at_s < b.at_s; });
  return all;
}

}  // namespace rankdx
