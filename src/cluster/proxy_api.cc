// HTTP and WebSocket over the Unix socket of one `kubectl proxy` child. The child carries TLS and
// every kind of login; here is only HTTP/1.1 with Beast over a socket whose reads and writes have
// deadlines.
// Longer than other files: Beast costs seconds of compile time and is included here only.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>

#include "base/subprocess.h"
#include "base/text.h"
#include "cluster/api_text.h"
#include "cluster/kubectl_command.h"

namespace rankdx {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr uint64_t kMaxBody = 256 << 20;
constexpr milliseconds kBetweenRevivals{1000};

/// A Unix socket with a deadline, as Beast's SyncStream.
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

  error_code connect(const std::string& path) {
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
      std::this_thread::sleep_for(milliseconds(2));
    }
    return {};
  }

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
      const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - Clock::now()).count();
      if (left <= 0) return ec = boost::asio::error::timed_out, 0;
      pollfd p{fd_, what, 0};
      ::poll(&p, 1, static_cast<int>(std::min<int64_t>(left, 1'000'000)));
    }
  }

  int fd_ = -1;
  const Clock::time_point deadline_;
  std::string first_;
};

// Beast asks for these when a websocket closes.
void teardown(beast::role_type, DeadlineSocket& socket, error_code& ec) {
  ::shutdown(socket.fd(), SHUT_RDWR);
  ec = {};
}

std::string request_text(std::string_view method, const std::string& path, std::string_view body) {
  std::string out = fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, */*\r\nConnection: close\r\n",
      method, path);
  if (method == "POST")
    out += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  return out + "\r\n" + std::string(body);
}

error_code write_all(DeadlineSocket& socket, std::string_view text) {
  error_code ec;
  while (!text.empty() && !ec)
    text.remove_prefix(socket.write_some(boost::asio::const_buffer(text.data(), text.size()), ec));
  return ec;
}

/// One body that arrives piece by piece.
struct Stream {
  int fd = -1;
  std::shared_ptr<StreamListener> listener;
  http::response_parser<http::buffer_body> parser;
  std::string pending, refusal;
  Clock::time_point last = Clock::now();
  milliseconds stall{0};
};

/// All streams of a client on one thread.
class StreamLoop {
 public:
  StreamLoop() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~StreamLoop() {
    stop();
    ::close(wake_);
  }

  void add(std::unique_ptr<Stream> stream) {
    const std::lock_guard lock(mutex_);
    new_.push_back(std::move(stream));
    if (!thread_.joinable()) {
      stop_ = false;
      thread_ = std::thread([this] { run(); });
    }
    wake();
  }

  void stop() {
    std::thread thread;
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      thread.swap(thread_);
      wake();
    }
    if (thread.joinable()) thread.join();
  }

 private:
  void wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_, &one, sizeof one);
  }

  void run() {
    std::vector<std::unique_ptr<Stream>> streams;
    std::vector<pollfd> fds;
    while (take_new(streams)) {
      fds.assign(1, {wake_, POLLIN, 0});
      for (const auto& s : streams) fds.push_back({s->fd, POLLIN, 0});
      ::poll(fds.data(), fds.size(), 200);
      uint64_t count = 0;
      if (fds[0].revents) [[maybe_unused]]
        const ssize_t n = ::read(wake_, &count, sizeof count);
      for (size_t i = 0; i < streams.size(); ++i) {
        const bool over = fds[i + 1].revents ? !read(*streams[i]) : is_stalled(*streams[i]);
        if (over) ::close(std::exchange(streams[i]->fd, -1));
      }
      std::erase_if(streams, [](const auto& s) { return s->fd < 0; });
    }
    for (const auto& s : streams) {
      ::close(s->fd);
      s->listener->on_end(StreamEnd::Stopped, 0, "");
    }
  }

  bool take_new(std::vector<std::unique_ptr<Stream>>& streams) {
    const std::lock_guard lock(mutex_);
    std::move(new_.begin(), new_.end(), std::back_inserter(streams));
    new_.clear();
    return !stop_;
  }

  static bool is_stalled(Stream& s) {
    if (s.stall.count() == 0 || Clock::now() - s.last < s.stall) return false;
    s.listener->on_end(StreamEnd::Stalled, 0, "");
    return true;
  }

  /// False when the stream is over; its listener has been told.
  static bool read(Stream& s) {
    char block[65536];
    const ssize_t n = ::recv(s.fd, block, sizeof block, 0);
    if (n < 0)
      return errno == EAGAIN || errno == EINTR ? true
                                               : end(s, StreamEnd::Cut, std::strerror(errno));
    s.last = Clock::now();
    error_code ec;
    if (n == 0) {
      s.parser.put_eof(ec);
      return end(s, ec || !s.parser.is_done() ? StreamEnd::Cut : StreamEnd::Complete,
                 "the connection was cut");
    }
    s.pending.append(block, static_cast<size_t>(n));
    return parse(s);
  }

  static bool parse(Stream& s) {
    char out[65536];
    while (!s.pending.empty() && !s.parser.is_done()) {
      error_code ec;
      auto& body = s.parser.get().body();
      body.data = out, body.size = sizeof out, body.more = true;
      const size_t used =
          s.parser.put(boost::asio::const_buffer(s.pending.data(), s.pending.size()), ec);
      s.pending.erase(0, used);
      const size_t got = sizeof out - body.size;
      if (s.parser.is_header_done() && got > 0) deliver(s, {out, got});
      if (ec == http::error::need_more || (!ec && used == 0)) break;
      if (ec && ec != http::error::need_buffer) return end(s, StreamEnd::Cut, ec.message());
    }
    return s.parser.is_done() ? end(s, StreamEnd::Complete, "") : true;
  }

  static void deliver(Stream& s, std::string_view bytes) {
    if (s.parser.get().result_int() == 200) return s.listener->on_data(bytes);
    if (s.refusal.size() < 65536) s.refusal.append(bytes);
  }

  static bool end(Stream& s, StreamEnd how, std::string_view text) {
    const int status =
        s.parser.is_header_done() ? static_cast<int>(s.parser.get().result_int()) : 0;
    if (status != 0 && status != 200) {
      s.listener->on_end(StreamEnd::Refused, status, status_text({status, s.refusal, ""}));
    } else {
      s.listener->on_end(how, status, text);
    }
    return false;
  }

  const int wake_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Stream>> new_;
  bool stop_ = false;
  std::thread thread_;
};

/// A directory that only we may enter.
class PrivateDir {
 public:
  PrivateDir() {
    for (const char* base :
         {std::getenv("XDG_RUNTIME_DIR"), std::getenv("TMPDIR"), static_cast<char*>(nullptr)}) {
      std::string path = std::string(base && *base ? base : "/tmp") + "/rankdx-XXXXXX";
      if (path.size() < 80 && ::mkdtemp(path.data())) {  // sun_path holds 107 bytes
        path_ = std::move(path);
        return;
      }
    }
  }
  PrivateDir(PrivateDir&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ~PrivateDir() {
    if (path_.empty()) return;
    ::unlink(socket().c_str());
    ::rmdir(path_.c_str());
  }
  bool valid() const { return !path_.empty(); }
  std::string socket() const { return path_ + "/proxy"; }

 private:
  std::string path_;
};

/// Until the child says that it serves; its own words where it does not.
Result<bool> wait_until_ready(Child& child, milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::string out, err;
  char block[1024];
  while (Clock::now() < deadline) {
    const bool running = child.running();
    for (ssize_t n; (n = ::read(child.out(), block, sizeof block)) > 0;)
      out.append(block, static_cast<size_t>(n));
    for (ssize_t n; (n = ::read(child.err(), block, sizeof block)) > 0;)
      err.append(block, static_cast<size_t>(n));
    if (out.find("Starting to serve") != std::string::npos) return true;
    if (!running) return tl::unexpected(no_server(kubectl_complaint(err)));
    pollfd fds[2] = {{child.out(), POLLIN, 0}, {child.err(), POLLIN, 0}};
    ::poll(fds, 2, 50);
  }
  return tl::unexpected(no_server("kubectl proxy did not start: timed out"));
}

Result<Child> start_proxy(const ClusterAccess& access, const std::string& socket) {
  ::unlink(socket.c_str());
  // Without --reject-paths the proxy refuses exec; what this user may do is the API server's
  // business.
  Child child = RANKDX_TRY(Child::start(
      {kubectl_argv(access, {"proxy", "--unix-socket=" + socket, "--reject-paths=^/nothing$"}),
       {}}));
  child.close_in();
  RANKDX_TRY(wait_until_ready(child, std::max(access.timeout, milliseconds(5000))));
  ::chmod(socket.c_str(), 0600);
  return child;
}

class ProxyApi : public ClusterApi {
 public:
  ProxyApi(ClusterAccess access, std::string ns, PrivateDir dir, Child child)
      : access_(std::move(access)),
        ns_(std::move(ns)),
        dir_(std::move(dir)),
        child_(std::move(child)) {}

  Result<ApiReply> get(const std::string& path, milliseconds timeout) override {
    return call("GET", path, "", timeout);
  }
  Result<ApiReply> post(const std::string& path, const std::string& json,
                        milliseconds timeout) override {
    return call("POST", path, json, timeout);
  }

  ExecReply exec(const ExecRequest& request) override {
    if (!by_calls_) {
      ExecReply reply;
      if (exec_by_websocket(request, reply)) return reply;
      // The user may create but not get pods/exec, or the server has no such websocket: kubectl
      // itself uses SPDY.
      const std::string why = reply.message;
      if (forbidden_) return reply;
      ExecReply second = exec_by_call(access_, request);
      if (second.end == ExecEnd::Forbidden)
        forbidden_ = true;
      else
        by_calls_ = true;
      return second;
    }
    return exec_by_call(access_, request);
  }

  void stream(const std::string& path, std::shared_ptr<StreamListener> listener,
              milliseconds stall) override {
    DeadlineSocket socket(Clock::now() + access_.timeout);
    error_code ec = connect(socket);
    if (!ec) ec = write_all(socket, request_text("GET", path, ""));
    if (ec) return listener->on_end(StreamEnd::Cut, 0, complaint(ec));
    auto s = std::make_unique<Stream>();
    s->fd = socket.release();
    s->listener = std::move(listener);
    s->stall = stall;
    s->parser.body_limit(boost::none);
    streams_.add(std::move(s));
  }

  void stop_streams() override { streams_.stop(); }
  std::string way() const override { return "kubectl proxy"; }
  std::string default_namespace() const override { return ns_; }

 private:
  error_code connect(DeadlineSocket& socket) {
    const error_code ec = socket.connect(dir_.socket());
    const bool nobody_there = ec.value() == ECONNREFUSED || ec.value() == ENOENT;
    return nobody_there && revive() ? socket.connect(dir_.socket()) : ec;
  }

  /// Another kubectl in place of one that was killed. Its output is that of the new one.
  bool revive() {
    const std::lock_guard lock(child_mutex_);
    if (child_.running()) return true;  // another thread was faster, or it is just starting
    if (Clock::now() < next_revival_) return false;
    auto child = start_proxy(access_, dir_.socket());
    next_revival_ = Clock::now() + kBetweenRevivals;
    if (!child) return false;
    const std::lock_guard log_lock(log_mutex_);
    child_ = std::move(*child);
    return true;
  }

  Result<ApiReply> call(std::string_view method, const std::string& path, std::string_view body,
                        milliseconds timeout) {
    if (timeout.count() == 0) timeout = access_.timeout;
    DeadlineSocket socket(Clock::now() + timeout);
    error_code ec = connect(socket);
    if (!ec) ec = write_all(socket, request_text(method, path, body));
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxBody);
    if (!ec) http::read(socket, buffer, parser, ec);
    if (ec) return tl::unexpected(broken(ec, timeout));
    ApiReply reply;
    reply.status = static_cast<int>(parser.get().result_int());
    reply.date = std::string(parser.get()[http::field::date]);
    reply.body = std::move(parser.get().body());
    // The proxy's own words for a server that cannot be reached; the API server answers in JSON.
    const bool is_text =
        parser.get()[http::field::content_type].starts_with("text/plain") || reply.body.empty();
    if ((reply.status == 500 || reply.status == 502) && is_text)
      return tl::unexpected(
          no_server(reply.body.empty() ? proxy_log("") : std::string(trim(reply.body))));
    return reply;
  }

  Error broken(const error_code& ec, milliseconds timeout) {
    if (ec == boost::asio::error::timed_out)
      return no_server(
          fmt::format("timed out after {} s", static_cast<double>(timeout.count()) / 1000));
    if (ec == http::error::body_limit)
      return {ErrorCode::Unsupported, "the answer has more than 256 MiB", "API server", ""};
    if (ec == http::error::partial_message || ec == http::error::end_of_stream) {
      return {ErrorCode::Corrupt, "the API server's answer was cut", "API server",
              "try again; a proxy or load balancer in between may limit connections"};
    }
    return {ErrorCode::Unreadable, complaint(ec), "API server", ""};
  }

  std::string complaint(const error_code& ec) {
    const std::string log = proxy_log("");
    return log.empty() ? ec.message() : log;
  }

  /// What the child wrote to stderr last; kept, as pipes give it once.
  std::string proxy_log(const std::string& otherwise) {
    const std::lock_guard lock(log_mutex_);
    // The log line may be a moment behind the answer.
    for (int i = 0; i < 10; ++i) {
      char block[4096];
      ssize_t n = 0;
      bool got = false;
      while ((n = ::read(child_.err(), block, sizeof block)) > 0) {
        got = true;
        log_.append(block, static_cast<size_t>(n));
        if (log_.size() > 65536) log_.erase(0, log_.size() - 32768);
      }
      if (got || !log_.empty()) break;
      std::this_thread::sleep_for(milliseconds(5));
    }
    const std::string line = kubectl_complaint(log_);
    return line.empty() ? otherwise : line;
  }

  /// False: the server refused the websocket itself; `reply` says why.
  bool exec_by_websocket(const ExecRequest& request, ExecReply& reply) {
    try {
      return run_websocket(request, reply);
    } catch (const std::exception& e) {
      reply.message = e.what();
      return true;
    }
  }

  bool run_websocket(const ExecRequest& request, ExecReply& reply) {
    std::string path =
        fmt::format("/api/v1/namespaces/{}/pods/{}/exec?container={}&stdout=true&stderr=true",
                    url_part(request.ns), url_part(request.pod), url_part(request.container));
    for (const std::string& a : request.argv) path += "&command=" + url_part(a);
    websocket::stream<DeadlineSocket> ws(Clock::now() + request.timeout);
    error_code ec = connect(ws.next_layer());
    if (ec) return reply.message = complaint(ec), true;
    ws.set_option(websocket::stream_base::decorator([](websocket::request_type& r) {
      // v5 is served from 1.29 on, v4 by all; without standard input they are the same.
      r.set(http::field::sec_websocket_protocol, "v5.channel.k8s.io, v4.channel.k8s.io");
    }));
    ws.read_message_max(16 << 20);
    ws.handshake("localhost", path, ec);
    if (ec == boost::asio::error::timed_out)
      return reply.end = ExecEnd::TimedOut, reply.message = "the API server did not answer", true;
    if (ec == websocket::error::upgrade_declined) return refused(ws.next_layer(), reply);
    if (ec) return reply.end = ExecEnd::Cut, reply.message = ec.message(), true;
    read_frames(ws, request, reply);
    return true;
  }

  static bool refused(const DeadlineSocket& socket, ExecReply& reply) {
    http::response_parser<http::string_body> parser;
    parser.eager(true);
    error_code ec;
    std::string_view bytes = socket.first_bytes();
    while (!bytes.empty() && !parser.is_done() && !ec) {
      const size_t used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
      if (used == 0) break;
      bytes.remove_prefix(used);
    }
    const int status = parser.is_header_done() ? static_cast<int>(parser.get().result_int()) : 0;
    refuse_exec(reply, status, status_text({status, parser.get().body(), ""}));
    const bool transport = reply.message.find("pgrade") != std::string::npos ||
                           reply.message.find("protocol") != std::string::npos;
    return reply.end != ExecEnd::Forbidden && !transport;
  }

  static void read_frames(websocket::stream<DeadlineSocket>& ws, const ExecRequest& request,
                          ExecReply& reply) {
    constexpr char kOut = 1, kErr = 2, kStatus = 3;
    beast::flat_buffer buffer;
    error_code ec;
    while (true) {
      buffer.clear();
      ws.read(buffer, ec);
      if (ec) break;
      const std::string_view frame(static_cast<const char*>(buffer.data().data()), buffer.size());
      if (frame.empty()) continue;
      const std::string_view data = frame.substr(1);
      if (frame[0] == kStatus) {
        end_exec(reply, data);
        ws.close(websocket::close_code::normal, ec);
        return;
      }
      std::string* into = frame[0] == kOut ? &reply.out : frame[0] == kErr ? &reply.err : nullptr;
      if (!into) continue;
      into->append(
          data.substr(0, request.limit_bytes - std::min(request.limit_bytes, into->size())));
      if (into->size() >= request.limit_bytes) {
        reply.end = ExecEnd::Cut;
        reply.message = fmt::format("more than {} KiB of output", request.limit_bytes >> 10);
        return;
      }
    }
    reply.end = ec == boost::asio::error::timed_out ? ExecEnd::TimedOut : ExecEnd::Cut;
    reply.message =
        reply.end == ExecEnd::TimedOut
            ? fmt::format("no end after {} s", static_cast<double>(request.timeout.count()) / 1000)
            : "the connection broke: " + ec.message();
  }

  const ClusterAccess access_;
  const std::string ns_;
  PrivateDir dir_;
  Child child_;
  StreamLoop streams_;
  std::mutex child_mutex_, log_mutex_;
  Clock::time_point next_revival_{};
  std::string log_;
  std::atomic<bool> by_calls_{false}, forbidden_{false};
};

}  // namespace

Result<std::unique_ptr<ClusterApi>> connect_by_proxy(const ClusterAccess& access,
                                                     const std::string& ns) {
  PrivateDir dir;
  if (!dir.valid())
    return fail(ErrorCode::Unreadable, "no private directory could be made for the proxy's socket",
                "", "set TMPDIR to a writable directory with a short name");
  Child child = RANKDX_TRY(start_proxy(access, dir.socket()));
  return std::make_unique<ProxyApi>(access, ns, std::move(dir), std::move(child));
}

}  // namespace rankdx
