#include "live/run_launch.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>

#include "base/text.h"
#include "live/pack_logs.h"
#include "live/run_record.h"
#include "live/slow_writer.h"
#include "live/watch_source.h"
#include "live/watch_view.h"
#include "present/safe_text.h"
#include "redact/redactor.h"

namespace rankdx {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPoll_ms = 100;
constexpr int kLastWords_ms = 2'000;  ///< how long a terminal that takes nothing is waited for
constexpr double kLookAtDisk_s = 5;
constexpr uint64_t kLowDisk = uint64_t{1} << 30;
/// Passed on to the command. SIGHUP is not: it says that our terminal went.
constexpr std::array kPassed = {SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2};

std::string utc(const char* form) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, form, &parts)};
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

/// A folder that nobody had before: earlier runs and other hosts keep theirs.
Result<std::string> make_folder(const std::string& below) {
  std::error_code ec;
  std::filesystem::create_directories(below, ec);
  const std::string path =
      below + fmt::format("/{}-{}-{}", host_name(), utc("%Y%m%dT%H%M%SZ"), ::getpid());
  if (::mkdir(path.c_str(), 0755) == 0) return path;
  return fail(ErrorCode::Usage, fmt::format("cannot make a folder: {}", std::strerror(errno)), path,
              "name one that you may write to: --log-dir DIR");
}

bool write_file(const std::string& path, const std::string& text) {
  const std::string part = path + ".part";
  std::FILE* file = std::fopen(part.c_str(), "we");
  if (file == nullptr) return false;
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool whole = std::fclose(file) == 0 && written;
  return whole && ::rename(part.c_str(), path.c_str()) == 0;
}

class Run {
 public:
  Run(const RunRequest& request, std::string folder)
      : request_(request),
        folder_(std::move(folder)),
        full_path_(std::filesystem::absolute(folder_).string()),
        shown_(folder_ + "/output.log", out_) {}
  ~Run() {
    if (signals_ >= 0) ::close(signals_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Result<int> run() {
    prepare();
    std::vector<std::string> words = request_.command;
    words.insert(words.end(), record_.settings.flags.begin(), record_.settings.flags.end());
    auto child = LoggedChild::start({std::move(words), record_.settings.set, output()});
    if (!child) {
      std::error_code ec;
      std::filesystem::remove_all(folder_, ec);
      return tl::unexpected(child.error());
    }
    child_ = *child;
    record_.pid = child_.pid();
    keep_record();
    while (!step()) {
    }
    return finish();
  }

 private:
  double now() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  std::string output() const { return folder_ + "/output.log"; }
  void say(const std::string& text) { words_.say("rankdx: " + text + "\n"); }
  void keep_record() { write_file(folder_ + "/run.json", run_record_json(record_)); }

  void prepare() {
    for (int number : {SIGPIPE, SIGTTOU, SIGXFSZ}) ::signal(number, SIG_IGN);
    sigset_t taken;
    ::sigemptyset(&taken);
    for (int number : kPassed) ::sigaddset(&taken, number);
    ::sigaddset(&taken, SIGHUP);
    ::sigaddset(&taken, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &taken, nullptr);
    signals_ = ::signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC);
    record_.command = Redactor(Hide::SecretsOnly).redact(join(request_.command, " "));
    record_.host = host_name();
    record_.started = utc("%FT%TZ");
    record_.profile = request_.profile ? std::string(to_string(*request_.profile)) : "none";
    if (request_.profile) {
      record_.settings = settings_for_run(*request_.profile, request_.command, vllm_version(),
                                          full_path_, user_settings());
    }
    say(fmt::format("logs in {}", folder_));
    tell_settings();
  }

  std::string vllm_version() const {
    if (!request_.vllm_version.empty() || !is_vllm_server(request_.command))
      return request_.vllm_version;
    const char* path = std::getenv("PATH");
    return installed_vllm(request_.command.front(), path == nullptr ? "" : path, HostView());
  }

  void tell_settings() {
    Redactor redactor(Hide::SecretsOnly);
    for (KeptSetting& k : record_.settings.kept) {
      std::string_view rest;
      const std::string line = redactor.redact(k.name + "=" + k.value);
      take_until(line, '=', rest);
      k.value = rest;
      say(safe_clip(fmt::format("{}: yours, from {}; it stays (the {} profile has {})", line,
                                k.where, record_.profile, k.profile_value),
                    300));
    }
    std::vector<std::string> names;
    for (const auto& [name, value] : record_.settings.set) names.push_back(name);
    if (!names.empty())
      say(fmt::format("set for the command (values in run.json): {}", join(names, " ")));
    if (!record_.settings.flags.empty())
      say(fmt::format("added to the command: {}", join(record_.settings.flags, " ")));
    if (!record_.settings.why_no_flags.empty())
      say(fmt::format("no flags of the {} profile added: {}", record_.profile,
                      record_.settings.why_no_flags));
  }

  /// True when the command has ended and everything it wrote was read.
  bool step() {
    take_signals();
    const bool ended = child_.ended().has_value();
    const bool more = watch_.poll(tracker_, now());
    verdict_ = judge_motion(tracker_.state(), now(), request_.stuck_after_s);
    for (const StateChange& c : changes_.changes(tracker_.state(), verdict_, now()))
      words_.say("rankdx: " + change_text(c));
    if (request_.show == RunRequest::Show::Output) shown_.step();
    words_.step();
    look_for_hang();
    look_at_disk();
    if (ended && !more) return true;
    if (!more) wait();
    return false;
  }

  void wait() {
    const bool behind = !shown_.done() && request_.show == RunRequest::Show::Output;
    std::array<pollfd, 2> fds{{{signals_, POLLIN, 0}, {behind ? out_.fd() : -1, POLLOUT, 0}}};
    ::poll(fds.data(), fds.size(), kPoll_ms);
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == sizeof info) {
      const int number = static_cast<int>(info.ssi_signo);
      if (number == SIGCHLD || number == SIGHUP) continue;
      asked_to_end_ = asked_to_end_ || number == SIGINT || number == SIGTERM || number == SIGQUIT;
      // What the terminal sends goes to all of a job; what `kill` sends, to one process.
      const bool terminal = info.ssi_code == SI_KERNEL;
      child_.send(number, terminal ? LoggedChild::Target::Group : LoggedChild::Target::Process);
    }
  }

  void look_for_hang() {
    using namespace std::chrono_literals;
    if (verdict_.motion != Motion::Stuck) hang_told_ = false;
    if (verdict_.motion == Motion::Stuck && !hang_told_ && !hang_.valid()) {
      hang_told_ = true;
      say("the command runs on; the diagnosis so far:");
      hang_ = std::async(std::launch::async, request_.diagnose, folder_);
    }
    if (hang_.valid() && hang_.wait_for(0s) == std::future_status::ready) words_.say(hang_.get());
  }

  void look_at_disk() {
    if (low_disk_told_ || now() < next_look_s_) return;
    next_look_s_ = now() + kLookAtDisk_s;
    struct statvfs room {};
    if (::statvfs(folder_.c_str(), &room) != 0 || room.f_blocks == 0) return;
    const uint64_t free = uint64_t{room.f_bavail} * room.f_frsize;
    low_disk_told_ = free < kLowDisk;
    if (low_disk_told_)
      say(
          fmt::format("only {} MiB are free where the logs go; a command that cannot write its "
                      "output may fail",
                      free >> 20));
  }

  Result<int> finish() {
    const ChildEnd end = *child_.ended();
    watch_.finish(tracker_, now());
    verdict_ = judge_motion(tracker_.state(), now(), request_.stuck_after_s);
    record_.end = end;
    record_.ended = utc("%FT%TZ");
    record_.verdict = verdict_.text;
    keep_record();
    let_interrupt();
    if (request_.show == RunRequest::Show::Output) show_rest();
    if (hang_.valid()) words_.say(hang_.get());
    say(end.signal > 0
            ? fmt::format("the command was ended by signal {} (SIG{}) after {:.0f} s", end.signal,
                          ::sigabbrev_np(end.signal), now())
            : fmt::format("the command ended with {} after {:.0f} s", end.exit_code, now()));
    if (end.exit_code != 0 && !asked_to_end_) words_.say(request_.diagnose(folder_));
    pack();
    last_words();
    return end.exit_code;
  }

  /// From here on nothing is lost when we are interrupted.
  void let_interrupt() const {
    sigset_t taken;
    ::sigemptyset(&taken);
    for (int number : kPassed) ::sigaddset(&taken, number);
    ::sigaddset(&taken, SIGHUP);
    ::sigprocmask(SIG_UNBLOCK, &taken, nullptr);
  }

  /// A pipe gets everything; a terminal that takes nothing is left alone.
  void show_rest() {
    while (!shown_.done()) {
      if (shown_.step()) continue;
      out_.wait(kLastWords_ms);
      if (out_.is_terminal() && !shown_.step()) return;
    }
  }

  void last_words() {
    words_.step();
    if (words_.empty()) return;
    err_.wait(kLastWords_ms);
    words_.step();
  }

  void pack() {
    const std::vector<int> left = child_.left_behind();
    if (!left.empty()) {
      std::vector<std::string> pids;
      for (size_t i = 0; i < left.size() && i < 10; ++i) pids.push_back(std::to_string(left[i]));
      say(fmt::format("{} processes of the command still run ({}{})", left.size(), join(pids, ", "),
                      left.size() > 10 ? ", ..." : ""));
    }
    const bool keep = !left.empty() || request_.finished == RunRequest::Finished::KeepPlain;
    const PackedLogs packed = keep ? PackedLogs{} : pack_logs(folder_);
    for (const Error& e : packed.failed) say(safe_text(to_string(e)));
    const std::string sizes = packed.files == 0
                                  ? ""
                                  : fmt::format(" ({} files, {:.1f} MB as {:.1f} MB)", packed.files,
                                                static_cast<double>(packed.bytes) / 1e6,
                                                static_cast<double>(packed.packed_bytes) / 1e6);
    say(fmt::format("logs in {}{}", folder_, sizes));
  }

  const RunRequest& request_;
  const std::string folder_;     ///< as the user named what is above it
  const std::string full_path_;  ///< for the command, which may change its directory
  const Clock::time_point start_ = Clock::now();
  SlowWriter out_{STDOUT_FILENO}, err_{STDERR_FILENO};
  SlowLines words_{err_};
  FileShow shown_;
  FileWatch watch_{{folder_}, folder_};
  LaunchTracker tracker_;
  ChangeLog changes_;
  LaunchVerdict verdict_;
  LoggedChild child_ = LoggedChild::none();
  RunRecord record_;
  std::future<std::string> hang_;
  bool hang_told_ = false, asked_to_end_ = false, low_disk_told_ = false;
  double next_look_s_ = 0;
  int signals_ = -1;
};

}  // namespace

Result<int> run_launch(const RunRequest& request) {
  if (request.command.empty())
    return fail(ErrorCode::Usage, "name the command to run", "",
                "as in rankdx run -- vllm serve MODEL");
  const std::string folder = RANKDX_TRY(make_folder(request.log_dir));
  return Run(request, folder).run();
}

}  // namespace rankdx
