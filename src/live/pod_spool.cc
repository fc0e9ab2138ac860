#include "live/pod_spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace rankdx {
namespace {

constexpr size_t kWriteAt = 64 << 10;
/// Lines kept for a disk that may have room again; of more the newest are lost.
constexpr size_t kMostWaiting = 1 << 20;
constexpr size_t kMostLosses = 10'000;

/// A name of the API server as one part of a path.
std::string path_part(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name.empty() || name == "." || name == ".." ? "_" + name : name;
}

std::string_view event_word(LogEvent event) {
  constexpr std::string_view kWords[] = {"attached",  "lost",  "gap",    "repeats",
                                         "restarted", "ended", "refused"};
  return kWords[static_cast<size_t>(event)];
}

}  // namespace

Result<std::unique_ptr<PodSpool>> PodSpool::create(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0) {
    return fail(ErrorCode::Usage, fmt::format("cannot make a folder: {}", std::strerror(errno)),
                folder,
                errno == EEXIST ? "an earlier collect left its logs there: pack them with rankdx "
                                  "collect -o NAME.tar.zst, or take another name for -o"
                                : "logs are kept there until the archive is made");
  }
  return std::unique_ptr<PodSpool>(new PodSpool(folder));
}

PodSpool::~PodSpool() {
  for (auto& [source, open] : open_) {
    if (open.fd >= 0) ::close(open.fd);
  }
}

PodSpool::Open& PodSpool::of(const LogSource& source) {
  Open& open = open_[source];
  if (open.part.name.empty()) start(open, source);
  return open;
}

void PodSpool::start(Open& open, const LogSource& source) {
  const std::string number = open.instance == 1 ? "" : fmt::format(".{}", open.instance);
  const std::string dir = "logs/" + path_part(source.pod);
  open.part.name = fmt::format("{}/{}{}.log", dir, path_part(source.container), number);
  open.part.path = folder_ + "/" + open.part.name;
  open.part.source =
      to_string(source) + (open.instance == 1 ? "" : fmt::format(" (instance {})", open.instance));
  std::error_code ec;
  std::filesystem::create_directories(folder_ + "/" + dir, ec);
}

/// Whole lines or nothing: a file never ends in half a line.
void PodSpool::write(Open& open) {
  if (open.waiting.empty()) return;
  if (open.fd < 0)
    open.fd = ::open(open.part.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  size_t done = 0;
  int error = open.fd < 0 ? errno : 0;
  while (error == 0 && done < open.waiting.size()) {
    const ssize_t n = ::pwrite(open.fd, open.waiting.data() + done, open.waiting.size() - done,
                               static_cast<off_t>(open.written + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      error = n < 0 ? errno : ENOSPC;
    else
      done += static_cast<size_t>(n);
  }
  if (error == 0) {
    open.written += done;
    open.part.lines += open.waiting_lines;
    open.waiting.clear();
    open.waiting_lines = 0;
    return;
  }
  if (open.fd >= 0 && ::ftruncate(open.fd, static_cast<off_t>(open.written)) != 0) error = errno;
  open.problem = std::strerror(error);
}

void PodSpool::close(Open& open) {
  write(open);
  open.lost_lines += open.waiting_lines;
  if (open.lost_lines > 0)
    losses_.push_back({open.part.source, fmt::format("{} lines could not be written: {}",
                                                     open.lost_lines, open.problem)});
  if (open.fd >= 0) ::close(open.fd);
  open.part.bytes = open.written;
  if (open.part.lines > 0) done_.push_back(open.part);
  const int next = open.instance + 1;
  open = Open{};
  open.instance = next;
}

void PodSpool::on_line(const LogSource& source, std::string_view, std::string_view text) {
  const std::lock_guard lock(mutex_);
  Open& open = of(source);
  refused_.erase(to_string(source));
  if (!open.problem.empty() && open.waiting.size() + text.size() > kMostWaiting) {
    ++open.lost_lines;
    return;
  }
  open.waiting += text;
  open.waiting += '\n';
  ++open.waiting_lines;
  if (open.waiting.size() >= kWriteAt && open.problem.empty()) write(open);
}

void PodSpool::on_event(const LogSource& source, LogEvent event, std::string_view text) {
  const std::string name = to_string(source);
  const std::lock_guard lock(mutex_);
  note(fmt::format("{}: {}: {}\n", name, event_word(event), text));
  over_[name] = event == LogEvent::Ended;
  if (event == LogEvent::Gap && losses_.size() < kMostLosses)
    losses_.push_back({name, std::string(text)});
  if (event == LogEvent::Refused) refused_[name] = std::string(text);
  if (event == LogEvent::Restarted && open_.contains(source)) {
    close(open_[source]);
    start(open_[source], source);
  }
}

void PodSpool::on_pods(const std::vector<PodInfo>& pods) {
  const std::lock_guard lock(mutex_);
  refused_.erase("pods");
  pods_running_ = std::any_of(pods.begin(), pods.end(), [](const PodInfo& p) {
    return p.phase != "Succeeded" && p.phase != "Failed";
  });
}

void PodSpool::on_pods_unknown(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (refused_["pods"] != error.text) note(fmt::format("pods: {}\n", error.text));
  refused_["pods"] = error.text;
}

void PodSpool::add_loss(std::string source, std::string why) {
  const std::lock_guard lock(mutex_);
  note(fmt::format("{}: {}\n", source, why));
  losses_.push_back({std::move(source), std::move(why)});
}

void PodSpool::add_whole(const LogSource& source, const std::string& which,
                         const std::string& text) {
  const std::lock_guard lock(mutex_);
  Open open;
  start(open, source);
  open.part.name =
      fmt::format("logs/{}/{}.{}.log", path_part(source.pod), path_part(source.container), which);
  open.part.path = folder_ + "/" + open.part.name;
  open.part.source = to_string(source) + " (" + which + ")";
  open.waiting = text;
  open.waiting_lines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
  close(open);
}

void PodSpool::note(const std::string& line) {
  const int fd =
      ::open((folder_ + "/follow.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t n = ::write(fd, line.data(), line.size());
  ::close(fd);
}

void PodSpool::flush() {
  const std::lock_guard lock(mutex_);
  for (auto& [source, open] : open_) {
    open.problem.clear();
    write(open);
  }
}

void PodSpool::finish() {
  const std::lock_guard lock(mutex_);
  for (auto& [source, open] : open_) {
    if (!open.part.name.empty()) close(open);
  }
  for (const auto& [source, why] : refused_) losses_.push_back({source, why});
  refused_.clear();
}

bool PodSpool::all_ended() const {
  const std::lock_guard lock(mutex_);
  return !pods_running_ &&
         std::all_of(over_.begin(), over_.end(), [](const auto& o) { return o.second; });
}

std::vector<PodSpool::Part> PodSpool::parts() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

std::vector<PodSpool::Loss> PodSpool::losses() const {
  const std::lock_guard lock(mutex_);
  return losses_;
}

}  // namespace rankdx
