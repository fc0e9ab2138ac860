// HTTP over the Unix socket of one `kubectl proxy` child. The child carries TLS and every kind of
// login; here is only HTTP/1.1.
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/subprocess.h"
#include "base/text.h"
#include "cluster/api_text.h"
#include "cluster/kubectl_command.h"
#include "cluster/proxy/deadline_socket.h"
#include "cluster/proxy/stream_loop.h"
#include "cluster/proxy/websocket_exec.h"

namespace rankdx::proxy {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using std::chrono::milliseconds;

constexpr uint64_t kMaxBody = 256 << 20;
constexpr milliseconds kBetweenRevivals{1000};

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
  Result<ApiReply> patch(const std::string& path, const std::string& json,
                         milliseconds timeout) override {
    return call("PATCH", path, json, timeout);
  }

  ExecReply exec(const ExecRequest& request) override {
    if (!by_calls_) {
      ExecReply reply;
      if (exec_by_websocket([this](DeadlineSocket& s) { return connect(s); }, request, reply))
        return reply;
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
    streams_.add(socket.release(), std::move(listener), stall);
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
}  // namespace rankdx::proxy

namespace rankdx {

Result<std::unique_ptr<ClusterApi>> connect_by_proxy(const ClusterAccess& access,
                                                     const std::string& ns) {
  using namespace proxy;
  PrivateDir dir;
  if (!dir.valid())
    return fail(ErrorCode::Unreadable, "no private directory could be made for the proxy's socket",
                "", "set TMPDIR to a writable directory with a short name");
  Child child = RANKDX_TRY(start_proxy(access, dir.socket()));
  return std::make_unique<ProxyApi>(access, ns, std::move(dir), std::move(child));
}

}  // namespace rankdx
