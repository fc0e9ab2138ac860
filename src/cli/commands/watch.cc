// rankdx watch: the phases of a launch as its logs grow.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "live/file_follower.h"
#include "live/watch_view.h"

namespace rankdx {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::string output = "text";
  int64_t timeout_s = 0;
  bool once = false, plain = false;
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
  explicit Watch(const Options& o) : o_(o), follower_(o.paths), start_s_(clock_s()) {
    if (o.output == "text" && !o.once && !o.plain && ::isatty(STDOUT_FILENO))
      screen_ = std::make_unique<Screen>();
    if (screen_ && !screen_->usable()) screen_.reset();
  }

  int run() {
    while (true) {
      const bool more = follower_.poll(on_line_);
      if (o_.once && !more) {
        follower_.flush(on_line_);
        return finish();
      }
      if (!o_.once) show();
      const bool ended = verdict_.motion == Motion::Serving || verdict_.motion == Motion::Failed;
      const bool late = o_.timeout_s > 0 && now() >= static_cast<double>(o_.timeout_s);
      if ((ended && !more) || late || interrupted || std::ferror(stdout)) return finish();
      if (!more) ::poll(nullptr, 0, kPoll_ms);
    }
  }

 private:
  double now() const { return clock_s() - start_s_; }

  void show() {
    verdict_ = judge_motion(tracker_.state(), now());
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
    const bool on_screen = screen_ != nullptr;
    screen_.reset();
    verdict_ = judge_motion(tracker_.state(), now());
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
    for (const auto& [path, error] : follower_.losses())
      std::fprintf(stderr, "rankdx: %s\n", to_string(error).c_str());
    if (follower_.open_files() == 0) return kUsage;
    if (verdict_.motion == Motion::Failed || verdict_.motion == Motion::Stuck)
      std::fputs("rankdx: `rankdx diagnose` on the same files names the cause\n", stderr);
    return exit_code_of(verdict_.motion);
  }

  const Options& o_;
  FileFollower follower_;
  LaunchTracker tracker_;
  ChangeLog log_;
  LaunchVerdict verdict_;
  std::unique_ptr<Screen> screen_;
  double start_s_;
  std::map<std::string, int> source_of_;
  FileFollower::OnLine on_line_ = [this](const std::string& path, std::string_view line,
                                         double age_s) {
    auto it = source_of_.find(path);
    if (it == source_of_.end()) it = source_of_.emplace(path, tracker_.add_source(path)).first;
    tracker_.feed(it->second, line, now() - age_s);
  };
};

int run(const Options& o) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  if (o.paths.empty()) return std::fputs("rankdx: name the log files to watch\n", stderr), kUsage;
  allow_many_files();
  return Watch(o).run();
}

}  // namespace

const std::string_view kWatchExamples =
    "  rankdx watch logs/                       # until all serve (0) or one fails (1)\n"
    "  rankdx watch --timeout 900 -o json *.log # state changes as JSON lines; 3 when not serving "
    "after 15 minutes\n"
    "  rankdx watch --once logs/                # where the launch stands now\n";

std::function<int()> make_watch(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operands("LOG", o->paths,
                 "log files, also such that do not exist yet, and directories of them");
  flags.choice("-o,--output", o->output, {"text", "json"},
               "table and lines, or a stream of state changes");
  flags.number("--timeout", o->timeout_s, 0, 1'000'000,
               "seconds after which a launch that does not serve ends the watch with 3; 0: never");
  flags.on("--once", o->once, "read what is there, print where each process stands, and end");
  flags.on("--plain", o->plain, "lines instead of a full screen, also on a terminal");
  return [o] { return run(*o); };
}

}  // namespace rankdx
