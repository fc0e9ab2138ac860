// Follows logs over broken connections, restarts and rotation. After a reconnect the server is
// asked for everything since the second of the last line; what was seen before is dropped by a
// window of hashes of (timestamp, text). If the last line seen does not come again, the node has
// rotated it away and lines may be missing: that is told, never hidden.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "base/text.h"
#include "cluster/pod_logs.h"

namespace rankdx {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Lines remembered per log; 16 bytes each.
constexpr size_t kWindow = 8192;
/// A line of more than this is passed on in pieces.
constexpr size_t kMaxLine = 1 << 20;
constexpr int kTriesOfPrevious = 8;

/// The lines seen last.
class Window {
 public:
  bool holds(uint64_t hash) const { return hashes_.count(hash) != 0; }
  /// Older than everything that is remembered: seen, as a log is in order up to some milliseconds.
  bool is_before(int64_t ns) const { return lines_.size() == kWindow && ns < lines_.front().ns; }
  void add(int64_t ns, uint64_t hash) {
    if (lines_.size() == kWindow) {
      const auto old = hashes_.find(lines_.front().hash);
      if (--old->second == 0) hashes_.erase(old);
      lines_.pop_front();
    }
    lines_.push_back({ns, hash});
    ++hashes_[hash];
  }
  void clear() { lines_.clear(), hashes_.clear(); }
  /// Times of the line with this hash and of the one that came before it.
  std::optional<std::pair<int64_t, int64_t>> around(uint64_t hash) const {
    for (size_t i = lines_.size(); i-- > 1;)
      if (lines_[i].hash == hash) return std::pair{lines_[i - 1].ns, lines_[i].ns};
    return std::nullopt;
  }
  bool empty() const { return lines_.empty(); }

 private:
  struct Line {
    int64_t ns;
    uint64_t hash;
  };
  std::deque<Line> lines_;
  std::unordered_map<uint64_t, int> hashes_;
};

/// As a kubelet prints it: nine digits, always.
std::string stamp_text(int64_t ns) {
  constexpr int64_t kSecond = 1'000'000'000;
  const std::time_t seconds = ns / kSecond;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32] = {};
  std::strftime(text, sizeof text, "%FT%T", &parts);
  return fmt::format("{}.{:09}Z", text, ns % kSecond);
}

enum class Phase : uint8_t { Waiting, Streaming, Over };

struct Followed {
  LogSource source;
  Phase phase = Phase::Waiting;
  Clock::time_point next_try{};
  milliseconds pause{0};
  uint64_t generation = 0;  ///< of the stream; late calls of an older one are ignored
  std::string uid, carry, last_stamp, told;
  int restarts = -1;
  int64_t newest_ns = 0;
  Window window;
  bool resumed = false;         ///< this connection follows an earlier one
  bool overlapped = false;      ///< the last line seen before came again
  bool opened_at_rest = false;  ///< this connection began when the container had ended
  bool complete = false;        ///< the last connection ended in order
  bool has_new = false;         ///< this connection brought a new line
  uint64_t repeats = 0;
  int tries = 0;                        ///< to read the instance before this one
  uint64_t last_hash = 0;               ///< of the newest line
  bool last_came = false;               ///< it was sent again
  std::string before_jump, after_jump;  ///< stamps around the widest hole since the last report
  int64_t widest_ns = 0;
};

}  // namespace

struct LogFollower::Impl {
  Impl(ClusterApi& api_, LogSink& sink_, FollowOptions options_)
      : api(api_), sink(sink_), options(std::move(options_)) {}

  class Listener : public StreamListener {
   public:
    Listener(Impl& impl, Followed& log, uint64_t generation)
        : impl_(impl), log_(log), generation_(generation) {}
    void on_data(std::string_view bytes) override {
      const std::lock_guard lock(impl_.mutex);
      if (generation_ == log_.generation) impl_.data(log_, bytes);
    }
    void on_end(StreamEnd end, int status, std::string_view text) override {
      const std::lock_guard lock(impl_.mutex);
      if (generation_ == log_.generation) impl_.ended(log_, end, status, text);
    }

   private:
    Impl& impl_;
    Followed& log_;
    const uint64_t generation_;
  };

  void add(LogSource source) {
    const auto [found, is_new] = logs.try_emplace(source);
    if (is_new) found->second.source = std::move(source);
  }

  void tell(Followed& log, LogEvent event, const std::string& text) {
    sink.on_event(log.source, event, text);
  }

  // --- on the client's thread, under the lock ---

  void data(Followed& log, std::string_view bytes) {
    log.pause = milliseconds(0);
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        log.carry.append(bytes);
        if (log.carry.size() > kMaxLine) take_line(log, std::exchange(log.carry, ""));
        return;
      }
      if (log.carry.empty()) {
        take_line(log, bytes.substr(0, end));
      } else {
        log.carry.append(bytes.substr(0, end));
        take_line(log, std::exchange(log.carry, ""));
      }
      bytes.remove_prefix(end + 1);
    }
  }

  void take_line(Followed& log, std::string_view line) {
    const StampedLine part = split_stamp(line, scratch);
    const auto ns = stamp_ns(part.stamp);
    if (!ns) return sink.on_line(log.source, part.stamp, part.text);
    const uint64_t hash =
        std::hash<std::string_view>{}(part.text) * 31 + static_cast<uint64_t>(*ns);
    if (log.window.holds(hash) || log.window.is_before(*ns)) return repeated(log, hash);
    if (*ns >= log.newest_ns) log.last_hash = hash;
    new_line(log, part, *ns);
    log.window.add(*ns, hash);
    sink.on_line(log.source, part.stamp, part.text);
  }

  void new_line(Followed& log, const StampedLine& part, int64_t ns) {
    if (log.resumed && !log.overlapped && !log.has_new) {
      tell(log, LogEvent::Gap,
           fmt::format("lines between {} and {} may be missing: the node has rotated its log",
                       log.last_stamp, part.stamp));
    }
    if (log.repeats > 0 && !log.has_new)
      tell(log, LogEvent::Repeats,
           fmt::format("{} lines were sent again and dropped", std::exchange(log.repeats, 0)));
    if (ns > log.newest_ns) {
      if (log.newest_ns > 0 && ns - log.newest_ns > log.widest_ns) {
        log.widest_ns = ns - log.newest_ns;
        log.before_jump = log.last_stamp, log.after_jump = part.stamp;
      }
      log.newest_ns = ns;
      log.last_stamp = part.stamp;
    }
    log.has_new = true;
  }

  /// Behind new lines of the same connection this is what a kubelet does when it falls behind a
  /// rotation: it skips what was rotated away and sends the new file's beginning twice (seen with
  /// kubelet 1.20.2). So what is missing lies before the first line that comes again.
  void repeated(Followed& log, uint64_t hash) {
    log.overlapped = true;
    log.last_came = log.last_came || hash == log.last_hash;
    if (++log.repeats != 1 || !log.has_new) return;
    std::string before = log.before_jump, after = log.after_jump;
    if (const auto times = log.window.around(hash))
      before = stamp_text(times->first), after = stamp_text(times->second);
    tell(log, LogEvent::Gap,
         fmt::format(
             "the node rotated its log while it was read; lines between {} and {} may be missing",
             before, after));
    log.widest_ns = 0;
  }

  void ended(Followed& log, StreamEnd end, int status, std::string_view text) {
    if (!log.carry.empty() && end == StreamEnd::Complete)
      take_line(log, std::exchange(log.carry, ""));
    log.carry.clear();
    if (log.repeats > 0)
      tell(log, LogEvent::Repeats,
           fmt::format("{} lines were sent again and dropped", std::exchange(log.repeats, 0)));
    ++log.generation;
    log.complete = end == StreamEnd::Complete;
    log.phase = end == StreamEnd::Stopped ? Phase::Over : Phase::Waiting;
    log.pause =
        log.pause.count() == 0 ? options.retry : std::min(log.pause * 2, options.retry * 16);
    // A stream that ended in order is looked after at once: the container has probably started
    // again.
    log.next_try =
        Clock::now() + (end == StreamEnd::Complete && log.has_new ? milliseconds(50) : log.pause);
    if (end == StreamEnd::Cut || end == StreamEnd::Stalled) {
      tell(log, LogEvent::Lost,
           end == StreamEnd::Stalled ? "nothing came for too long" : std::string(text));
    } else if (end == StreamEnd::Refused && log.told != text) {
      log.told = text;
      tell(log, LogEvent::Refused,
           status == 403 ? fmt::format("{} (needs: get pods/log)", text) : std::string(text));
    }
    changed.notify_all();
  }

  // --- on the thread of run() ---

  /// What the pod looks like now decides whether and how to go on.
  void resume(Followed& log) {
    const LogSource source = log.source;
    const auto reply =
        api.get("/api/v1/namespaces/" + url_part(source.ns) + "/pods/" + url_part(source.pod));
    std::unique_lock lock(mutex);
    if (!reply) return later(log);
    if (reply->status == 404) return over(log, "the pod is gone");
    if (is_passing(reply->status)) return later(log);
    const auto pods = reply->status == 200 ? parse_pods(reply->body)
                                           : Result<std::vector<PodInfo>>(std::vector<PodInfo>{});
    if (!pods || pods->empty())
      return open(log, lock);  // no right to get pods: the log itself may still be readable
    const PodInfo& pod = pods->front();
    const auto c =
        std::find_if(pod.containers.begin(), pod.containers.end(),
                     [&](const ContainerInfo& one) { return one.name == source.container; });
    if (c == pod.containers.end()) return over(log, "the container is gone");
    if (!log.uid.empty() && log.uid != pod.uid) {
      log.window.clear();  // another node may have another clock
      begin_again(log, "the pod was made anew");
      log.restarts = c->restarts;
    } else if (log.restarts >= 0 && c->restarts > log.restarts) {
      if (!restarted(log, c->restarts, lock)) return later(log);
    }
    log.uid = pod.uid;
    log.restarts = c->restarts;
    const bool at_rest =
        c->state == ContainerInfo::State::Ended || c->state == ContainerInfo::State::Waiting;
    const bool final =
        pod.phase == "Succeeded" || pod.phase == "Failed" ||
        (c->state == ContainerInfo::State::Ended && pod.restart_policy == "Never") ||
        (c->kind == ContainerInfo::Kind::Init && c->ended && c->ended->exit_code == 0);
    // Only a stream that began after the end shows all of it: a proxy may have ended an earlier
    // one.
    const bool whole = log.complete && log.opened_at_rest;
    if (final && whole) return over(log, "the container has ended");
    if (at_rest && whole) return later(log);  // wait for the next instance
    log.opened_at_rest = at_rest;
    open(log, lock);
  }

  void later(Followed& log) const {
    log.pause =
        log.pause.count() == 0 ? options.retry : std::min(log.pause * 2, options.retry * 16);
    log.next_try = Clock::now() + log.pause;
  }

  void over(Followed& log, const std::string& why) {
    log.phase = Phase::Over;
    tell(log, LogEvent::Ended, why);
  }

  /// The lines seen stay remembered: a restart between two calls can bring them again.
  void begin_again(Followed& log, const std::string& why) {
    log.newest_ns = 0, log.widest_ns = 0;
    log.last_stamp.clear();
    log.complete = false;
    tell(log, LogEvent::Restarted, why);
  }

  static bool is_passing(int status) { return status == 429 || status >= 500; }

  std::optional<int> restarts_of(const LogSource& source) {
    const auto reply =
        api.get("/api/v1/namespaces/" + url_part(source.ns) + "/pods/" + url_part(source.pod));
    const auto pods =
        reply && reply->status == 200 ? parse_pods(reply->body) : Result<std::vector<PodInfo>>{};
    if (!pods || pods->empty()) return std::nullopt;
    for (const ContainerInfo& c : pods->front().containers)
      if (c.name == source.container) return c.restarts;
    return std::nullopt;
  }

  /// A restart between the look at the pod and the opening of its log: the stream is of the next
  /// instance, and the end of the one before would be forgotten.
  void verify(Followed& log) {
    const std::optional<int> restarts = restarts_of(log.source);
    const std::lock_guard lock(mutex);
    if (log.phase != Phase::Streaming || !restarts || *restarts <= log.restarts) return;
    ++log.generation;  // its lines come again
    log.carry.clear();
    log.phase = Phase::Waiting;
    log.next_try = Clock::now();
  }

  /// The rest of the instance that has ended, if the connection broke before its end, and all of
  /// the one after it, if that has ended too. What was between them is gone. False: to be tried
  /// again.
  bool restarted(Followed& log, int restarts, std::unique_lock<std::mutex>& lock) {
    // All of it, as lines of the next instance may have been read already; what was seen is known.
    const std::string path = path_of(log, "") + "&previous=true";
    lock.unlock();
    const Result<ApiReply> rest = api.get(path);
    const std::optional<int> after = restarts_of(log.source);
    lock.lock();
    if ((!rest || is_passing(rest->status)) && ++log.tries < kTriesOfPrevious) return false;
    log.tries = 0;
    if (after && *after != restarts) {  // whose log this is cannot be told; its lines are kept
      take_rest(log, rest, false);
      return false;
    }
    // A stream that a proxy ended in order looks complete too, so the rest is always asked for.
    const bool complete = std::exchange(log.complete, false) && log.opened_at_rest;
    const int skipped = restarts - log.restarts - 1;
    if (skipped > 0) {
      tell(log, LogEvent::Gap,
           fmt::format("the container started {} times since; only the log of the last instance "
                       "before this one is kept",
                       skipped + 1));
    }
    const std::string last_stamp = log.last_stamp;
    const int64_t newest_ns = log.newest_ns;
    if (skipped > 0) begin_again(log, fmt::format("restart {}", restarts - 1));
    log.last_came = last_stamp.empty();
    take_rest(log, rest, skipped > 0 || !complete);
    begin_again(log, fmt::format("restart {}", restarts));
    if (log.last_came) return true;
    // The last line seen is of this instance then, or rotated away: it must come again, or lines
    // may be missing.
    log.last_stamp = last_stamp;
    log.newest_ns = newest_ns;
    return true;
  }

  void take_rest(Followed& log, const Result<ApiReply>& rest, bool lacking) {
    if (!rest || rest->status != 200) {
      if (!lacking) return;
      tell(log, LogEvent::Gap,
           fmt::format("the end of the instance before this one could not be read{}: {}",
                       log.last_stamp.empty() ? "" : " (from " + log.last_stamp + ")",
                       rest ? status_text(*rest) : rest.error().text));
      return;
    }
    log.resumed = !log.last_stamp.empty(), log.overlapped = log.has_new = false;
    for (std::string_view body = rest->body; !body.empty();)
      take_line(log, take_until(body, '\n', body));
    log.repeats = 0;
  }

  static std::string path_of(const Followed& log, const std::string& since) {
    std::string path = fmt::format("/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true",
                                   url_part(log.source.ns), url_part(log.source.pod),
                                   url_part(log.source.container));
    // Whole seconds: API servers cut the fraction.
    if (since.size() >= 19) path += "&sinceTime=" + url_part(since.substr(0, 19) + "Z");
    return path;
  }

  void open(Followed& log, std::unique_lock<std::mutex>& lock) {
    std::string path = path_of(log, log.last_stamp) + "&follow=true";
    log.resumed = !log.last_stamp.empty();
    if (!log.resumed && log.restarts <= 0 && options.tail_lines)
      path += fmt::format("&tailLines={}", *options.tail_lines);
    log.overlapped = log.has_new = log.complete = false;
    log.phase = Phase::Streaming;
    const uint64_t generation = ++log.generation;
    tell(log, LogEvent::Attached, log.resumed ? "since " + log.last_stamp : "");
    lock.unlock();  // a stream that cannot be started tells its listener at once
    api.stream(path, std::make_shared<Listener>(*this, log, generation), options.stall);
    lock.lock();
  }

  void look_for_more() {
    const auto pods = list_pods(api, *options.also);
    if (!pods) return sink.on_pods_unknown(pods.error());
    sink.on_pods(*pods);
    const std::lock_guard lock(mutex);
    for (LogSource& s : log_sources(*pods)) add(std::move(s));
  }

  std::vector<Followed*> due() {
    std::vector<Followed*> out;
    for (auto& [source, log] : logs) {
      if (log.phase == Phase::Waiting && log.next_try <= Clock::now()) out.push_back(&log);
    }
    return out;
  }

  void run(const std::atomic<bool>& stop) {
    auto next_look = Clock::now();
    while (!stop) {
      if (options.also && Clock::now() >= next_look)
        look_for_more(), next_look = Clock::now() + options.look_again;
      std::unique_lock lock(mutex);
      const std::vector<Followed*> ready = due();
      if (ready.empty()) {
        const bool all_over = std::all_of(
            logs.begin(), logs.end(), [](const auto& l) { return l.second.phase == Phase::Over; });
        if (all_over && !options.also) return;
        changed.wait_for(lock, milliseconds(100));
        continue;
      }
      lock.unlock();
      for (Followed* log : ready) {
        if (stop) break;
        const bool again = log->generation > 0;
        resume(*log);
        if (again) verify(*log);
      }
    }
  }

  ClusterApi& api;
  LogSink& sink;
  const FollowOptions options;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<LogSource, Followed> logs;
  std::string scratch;
};

LogFollower::LogFollower(ClusterApi& api, std::vector<LogSource> sources, LogSink& sink,
                         FollowOptions options)
    : impl_(std::make_unique<Impl>(api, sink, std::move(options))) {
  for (LogSource& s : sources) impl_->add(std::move(s));
}

LogFollower::~LogFollower() { impl_->api.stop_streams(); }

void LogFollower::run(const std::atomic<bool>& stop) { impl_->run(stop); }

}  // namespace rankdx
