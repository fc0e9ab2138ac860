#include "live/pod_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr size_t kMostWaiting = 64 << 20;
constexpr int64_t kLinesBefore = 20'000;

double age_of(std::string_view stamp) {
  const auto ns = stamp_ns(stamp);
  if (!ns) return 0;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const double age = static_cast<double>(now.tv_sec) - static_cast<double>(*ns) * 1e-9 +
                     1e-9 * static_cast<double>(now.tv_nsec);
  return std::max(0.0, age);  // the node's clock may be ahead
}

}  // namespace

SourceState state_of(const ContainerInfo& c) {
  SourceState out;
  out.restarts = c.restarts;
  switch (c.state) {
    case ContainerInfo::State::Running:
      out.word = "Running";
      break;
    case ContainerInfo::State::Waiting:
      out.word = c.reason;
      break;
    case ContainerInfo::State::Ended:
      if (c.ended) out.exit_code = c.ended->exit_code;
      if (c.ended) out.word = c.ended->reason;
      break;
    case ContainerInfo::State::None:
      out.word = "not started";
      break;
  }
  if (c.state == ContainerInfo::State::Waiting && c.before) out.exit_code = c.before->exit_code;
  if (c.before)
    out.before = fmt::format("exit {}{}", c.before->exit_code,
                             c.before->reason.empty() ? "" : " " + c.before->reason);
  return out;
}

PodWatch::PodWatch(std::unique_ptr<ClusterApi> api, const PodSelection& selection)
    : api_(std::move(api)), selection_(selection) {}

Result<std::unique_ptr<PodWatch>> PodWatch::start(std::unique_ptr<ClusterApi> api,
                                                  const PodSelection& selection, Before before) {
  std::vector<PodInfo> pods = RANKDX_TRY(list_pods(*api, selection));
  std::unique_ptr<PodWatch> watch(new PodWatch(std::move(api), selection));
  watch->on_pods(pods);
  watch->thread_ =
      std::thread([w = watch.get(), pods = std::move(pods), before] { w->follow(pods, before); });
  return watch;
}

PodWatch::~PodWatch() {
  stop_ = true;
  taken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void PodWatch::follow(std::vector<PodInfo> pods, Before before) {
  if (before == Before::Read) {
    for (const PodInfo& pod : pods) {
      for (const ContainerInfo& c : pod.containers) {
        if (c.before && !stop_) read_before(pod, c);
      }
    }
  }
  FollowOptions options;
  options.also = selection_;
  LogFollower follower(*api_, log_sources(pods), *this, options);
  follower.run(stop_);
}

void PodWatch::read_before(const PodInfo& pod, const ContainerInfo& container) {
  const LogSource source{pod.ns, pod.name, container.name};
  LogOptions options;
  options.instance = LogOptions::Instance::Previous;
  options.tail_lines = kLinesBefore;
  const auto log = read_log(*api_, source, options);
  if (!log) return;
  const double age_s = age_of(log->last_stamp);
  for (std::string_view text = log->text; !text.empty();)
    push({Item::Kind::Line,
          to_string(source),
          age_s,
          std::string(take_until(text, '\n', text)),
          {}});
  push({Item::Kind::Restarted, to_string(source), 0, "", {}});
}

void PodWatch::push(Item item) {
  std::unique_lock lock(mutex_);
  taken_.wait(lock, [&] { return waiting_bytes_ < kMostWaiting || stop_; });
  waiting_bytes_ += item.text.size() + sizeof item;
  items_.push_back(std::move(item));
}

void PodWatch::on_line(const LogSource& source, std::string_view stamp, std::string_view text) {
  push({Item::Kind::Line, to_string(source), age_of(stamp), std::string(text), {}});
}

void PodWatch::on_event(const LogSource& source, LogEvent event, std::string_view text) {
  const std::string name = to_string(source);
  if (event == LogEvent::Restarted) push({Item::Kind::Restarted, name, 0, "", {}});
  const std::lock_guard lock(mutex_);
  over_[name] = event == LogEvent::Ended;
  const bool no_right = event == LogEvent::Refused && text.find("pods/log") != text.npos;
  if (event == LogEvent::Gap || no_right)
    losses_[name] = {ErrorCode::Unreadable, std::string(text), name, ""};
}

void PodWatch::on_pods(const std::vector<PodInfo>& pods) {
  for (const PodInfo& pod : pods) {
    for (const ContainerInfo& c : pod.containers) {
      const SourceState state = state_of(c);
      // Init containers that have done their work, and helpers, tell nothing.
      if (c.kind != ContainerInfo::Kind::Main && state.exit_code.value_or(0) == 0) continue;
      const std::string name = to_string(LogSource{pod.ns, pod.name, c.name});
      {
        const std::lock_guard lock(mutex_);
        const auto [it, is_new] = states_.try_emplace(name);
        if (!is_new && it->second == state) continue;
        it->second = state;
        losses_.erase("pods");
      }
      push({Item::Kind::State, name, 0, "", state});
    }
  }
}

void PodWatch::on_pods_unknown(const Error& error) {
  const std::lock_guard lock(mutex_);
  losses_["pods"] = error;
}

bool PodWatch::poll(LaunchTracker& tracker, double now_s) {
  std::deque<Item> items;
  {
    const std::lock_guard lock(mutex_);
    items.swap(items_);
    waiting_bytes_ = 0;
  }
  taken_.notify_all();
  for (Item& item : items) {
    auto it = source_of_.find(item.source);
    if (it == source_of_.end())
      it = source_of_.emplace(item.source, tracker.add_source(item.source)).first;
    switch (item.kind) {
      case Item::Kind::Line:
        tracker.feed(it->second, item.text, now_s - item.age_s);
        break;
      case Item::Kind::Restarted:
        tracker.restarted(it->second);
        break;
      case Item::Kind::State:
        tracker.set_source(it->second, std::move(item.state));
        break;
    }
  }
  return false;
}

void PodWatch::finish(LaunchTracker& tracker, double now_s) { poll(tracker, now_s); }

bool PodWatch::seen() const {
  const std::lock_guard lock(mutex_);
  return !states_.empty();
}

bool PodWatch::over() const {
  const std::lock_guard lock(mutex_);
  return !over_.empty() &&
         std::all_of(over_.begin(), over_.end(), [](const auto& o) { return o.second; });
}

std::vector<Error> PodWatch::losses() const {
  const std::lock_guard lock(mutex_);
  std::vector<Error> out;
  for (const auto& [name, error] : losses_) out.push_back(error);
  return out;
}

}  // namespace rankdx
