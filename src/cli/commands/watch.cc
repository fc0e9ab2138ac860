// rankdx watch: the phases of a launch as its logs grow.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "live/pod_watch.h"
#include "live/proc_watch.h"
#include "live/watch_view.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

struct Options {
  std::vector<std::string> paths, pids;
  PodSelection pods;
  ClusterAccess access;
  std::string output = "text";
  int64_t timeout_s = 0, stuck_after_s = 0, port = 8000;
  bool once = false, plain = false, previous = false, keep_going = false;
};

constexpr int kPoll_ms = 200;
constexpr size_t kAllRows = 100'000;

volatile sig_atomic_t interrupted = 0;
void on_signal(int) { interrupted = 1; }

double clock_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The terminal through an open file of its own, so that a stopped one makes a frame late and
/// nothing else wait.
class Screen {
 public:
  Screen() {
    const char* name = ttyname(STDOUT_FILENO);
    if (name != nullptr) fd_ = ::open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    put("\x1b[?1049h\x1b[?25l");
  }
  ~Screen() {
    put("\x1b[?25h\x1b[?1049l");
    if (fd_ >= 0) ::close(fd_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  bool usable() const { return fd_ >= 0; }
  size_t rows() const {
    winsize size{};
    return ::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
  }
  void show(const std::string& frame) {
    std::string bytes = "\x1b[H";
    for (char c : frame) bytes += c == '\n' ? std::string("\x1b[K\r\n") : std::string(1, c);
    put(bytes + "\x1b[J");
  }

 private:
  /// What does not fit now is dropped: the next frame is whole again.
  void put(const std::string& bytes) {
    if (fd_ >= 0 && ::write(fd_, bytes.data(), bytes.size()) < 0) return;
  }
  int fd_ = -1;
};

void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int exit_code_of(Motion motion) {
  if (motion == Motion::Serving) return kHealthy;
  return motion == Motion::Failed ? kProblemFound : kUndetermined;
}

class Watch {
 public:
  Watch(const Options& o, std::vector<std::unique_ptr<WatchSource>> sources)
      : o_(o), sources_(std::move(sources)), start_s_(clock_s()) {
    if (o.output == "text" && !o.once && !o.plain && ::isatty(STDOUT_FILENO))
      screen_ = std::make_unique<Screen>();
    if (screen_ && !screen_->usable()) screen_.reset();
  }

  int run() {
    while (true) {
      bool more = false;
      for (const auto& source : sources_) more = source->poll(tracker_, now()) || more;
      if (o_.once && !more) return finish();
      if (!o_.once) show();
      const bool late = o_.timeout_s > 0 && now() >= static_cast<double>(o_.timeout_s);
      if ((ended() && !more) || late || interrupted || std::ferror(stdout)) return finish();
      if (!more) ::poll(nullptr, 0, kPoll_ms);
    }
  }

 private:
  double now() const { return clock_s() - start_s_; }

  bool ended() const {
    const bool over = std::all_of(sources_.begin(), sources_.end(),
                                  [](const auto& source) { return source->over(); });
    if (over || verdict_.motion == Motion::Serving) return true;
    return !o_.keep_going &&
           (verdict_.motion == Motion::Failed || verdict_.motion == Motion::Ended);
  }

  void show() {
    verdict_ = judge_motion(tracker_.state(), now(), static_cast<double>(o_.stuck_after_s));
    if (screen_) {
      const size_t rows = screen_->rows();
      const auto width = static_cast<size_t>(width_of_terminal(STDOUT_FILENO));
      screen_->show(state_table(tracker_.state(), verdict_, now(), width, rows > 6 ? rows - 5 : 1,
                                Paint(colour_for(STDOUT_FILENO))));
      return;
    }
    for (const StateChange& c : log_.changes(tracker_.state(), verdict_, now())) {
      const std::string line = o_.output == "json" ? change_json(c) : change_text(c);
      std::fwrite(line.data(), 1, line.size(), stdout);
    }
    std::fflush(stdout);
  }

  int finish() {
    for (const auto& source : sources_) source->finish(tracker_, now());
    const bool on_screen = screen_ != nullptr;
    screen_.reset();
    verdict_ = judge_motion(tracker_.state(), now(), static_cast<double>(o_.stuck_after_s));
    if (o_.output == "json") {
      show();
    } else if (o_.once || on_screen) {
      const std::string text = state_table(tracker_.state(), verdict_, now(),
                                           static_cast<size_t>(width_of_terminal(STDOUT_FILENO)),
                                           kAllRows, Paint(colour_for(STDOUT_FILENO)));
      std::fwrite(text.data(), 1, text.size(), stdout);
    } else {
      show();
    }
    bool seen = false;
    for (const auto& source : sources_) {
      seen = seen || source->seen();
      for (const Error& e : source->losses())
        std::fprintf(stderr, "rankdx: %s\n", safe_text(to_string(e)).c_str());
    }
    if (!seen) return kUsage;
    if (verdict_.motion == Motion::Failed || verdict_.motion == Motion::Stuck)
      std::fputs("rankdx: `rankdx diagnose` on the same logs names the cause\n", stderr);
    return exit_code_of(verdict_.motion);
  }

  const Options& o_;
  std::vector<std::unique_ptr<WatchSource>> sources_;
  LaunchTracker tracker_;
  ChangeLog log_;
  LaunchVerdict verdict_;
  std::unique_ptr<Screen> screen_;
  double start_s_;
};

bool wants_pods(const Options& o) {
  return !o.pods.ns.empty() || !o.pods.selector.empty() || !o.pods.runai.empty() ||
         !o.pods.lws.empty();
}

Result<std::vector<std::unique_ptr<WatchSource>>> open_sources(Options& o) {
  std::vector<std::unique_ptr<WatchSource>> out;
  if (!o.paths.empty()) out.push_back(std::make_unique<FileWatch>(o.paths));
  std::vector<int> pids;
  for (const std::string& text : o.pids) {
    const auto pid = parse_int<int>(text);
    if (!pid || *pid < 1) return fail(ErrorCode::Usage, "not a process id", text);
    pids.push_back(*pid);
  }
  if (!pids.empty())
    out.push_back(std::make_unique<ProcWatch>(pids, static_cast<uint16_t>(o.port)));
  if (wants_pods(o)) {
    o.access.ns = o.pods.ns;
    auto api = RANKDX_TRY(connect_cluster(o.access));
    out.push_back(RANKDX_TRY(PodWatch::start(
        std::move(api), o.pods, o.previous ? PodWatch::Before::Read : PodWatch::Before::Skip)));
  }
  if (out.empty())
    return fail(ErrorCode::Usage, "name the logs to watch", "",
                "files or directories, -n NAMESPACE -l SELECTOR, or --pid");
  return out;
}

int run(Options& o) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  allow_many_files();
  auto sources = open_sources(o);
  if (!sources) {
    std::fprintf(stderr, "rankdx: %s\n", safe_text(to_string(sources.error())).c_str());
    return kUsage;
  }
  return Watch(o, std::move(*sources)).run();
}

}  // namespace

const std::string_view kWatchExamples =
    "  rankdx watch logs/                       # until all serve (0) or one fails (1)\n"
    "  rankdx watch -n ml -l app=vllm           # pods; --previous: also what they wrote before\n"
    "  rankdx watch --pid 4711                  # processes of this machine that print nothing\n"
    "  rankdx watch --timeout 900 -o json *.log # state changes as JSON lines; 3 when not serving "
    "after 15 minutes\n"
    "  rankdx watch --once logs/                # where the launch stands now\n";

std::function<int()> make_watch(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operands("LOG", o->paths,
                 "log files, also such that do not exist yet, and directories of them");
  flags.text("-n,--namespace", o->pods.ns, "watch the pods of this namespace");
  flags.text("-l,--selector", o->pods.selector, "pods with these labels");
  flags.text("--runai", o->pods.runai, "pods of a Run:ai workload");
  flags.text("--lws", o->pods.lws, "pods of a LeaderWorkerSet");
  flags.on("--previous", o->previous, "pods: first what the container before a restart wrote");
  flags.text("--kubeconfig", o->access.kubeconfig, "as for kubectl");
  flags.text("--context", o->access.context, "as for kubectl");
  flags.text("--kubectl", o->access.kubectl, "the kubectl to use");
  flags.list("--pid", o->pids, "processes of this machine, and all that they have started");
  flags.number("--port", o->port, 1, 65'535, "with --pid: who listens there serves");
  flags.choice("-o,--output", o->output, {"text", "json"},
               "table and lines, or a stream of state changes");
  flags.number("--timeout", o->timeout_s, 0, 1'000'000,
               "seconds after which a launch that does not serve ends the watch with 3; 0: never");
  flags.number("--stuck-after", o->stuck_after_s, 0, 1'000'000,
               "seconds of silence that count as stuck; 0: as long as the phase may take");
  flags.on("--keep-going", o->keep_going, "a failure does not end the watch: pods start again");
  flags.on("--once", o->once, "read what is there, print where each process stands, and end");
  flags.on("--plain", o->plain, "lines instead of a full screen, also on a terminal");
  return [o] { return run(*o); };
}

}  // namespace rankdx
