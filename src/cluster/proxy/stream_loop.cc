#include "cluster/proxy/stream_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/beast/http.hpp>
#include <cerrno>
#include <cstring>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace rankdx::proxy {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// One body that arrives piece by piece.
struct Stream {
  int fd = -1;
  std::shared_ptr<StreamListener> listener;
  http::response_parser<http::buffer_body> parser;
  std::string pending, refusal;
  Clock::time_point last = Clock::now();
  milliseconds stall{0};
};

}  // namespace

class StreamLoop::Impl {
 public:
  Impl() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Impl() {
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
      // An end before the first byte is no answer at all: the proxy was killed.
      if (!s.parser.got_some()) return end(s, StreamEnd::Cut, "the connection was cut");
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

StreamLoop::StreamLoop() : impl_(std::make_unique<Impl>()) {}
StreamLoop::~StreamLoop() = default;

void StreamLoop::add(int fd, std::shared_ptr<StreamListener> listener, milliseconds stall) {
  auto stream = std::make_unique<Stream>();
  stream->fd = fd;
  stream->listener = std::move(listener);
  stream->stall = stall;
  // Not boost::none: Boost 1.74 takes every Content-Length for more than that.
  stream->parser.body_limit(std::numeric_limits<uint64_t>::max());
  impl_->add(std::move(stream));
}

void StreamLoop::stop() { impl_->stop(); }

}  // namespace rankdx::proxy
