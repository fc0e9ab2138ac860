#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/text.h"

extern char** environ;

namespace rankdx {
namespace {

using Clock = std::chrono::steady_clock;

void close_fd(int& fd) {
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

struct Pipe {
  int read = -1, write = -1;
  bool open() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) return false;
    read = fds[0], write = fds[1];
    return true;
  }
  ~Pipe() { close_fd(read), close_fd(write); }
};

/// The environment of the child: the own one with some values replaced.
std::vector<std::string> environment(const ChildSpec& spec) {
  std::vector<std::string> out;
  for (char** e = environ; e && *e; ++e) {
    const std::string_view entry = *e;
    const bool replaced = std::any_of(spec.env.begin(), spec.env.end(), [&](const auto& v) {
      return entry.starts_with(v.first + "=");
    });
    if (!replaced) out.emplace_back(entry);
  }
  for (const auto& [name, value] : spec.env) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

/// Only async-signal-safe calls: other threads may hold any lock.
[[noreturn]] void become(const char* path, char* const* argv, char* const* env, int in, int out,
                         int err, int failure, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(in, 0), ::dup2(out, 1), ::dup2(err, 2);
  ::execve(path, argv, env);
  const int error = errno;
  [[maybe_unused]] const ssize_t n = ::write(failure, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  for (std::string_view dir : split(path ? path : "/usr/local/bin:/usr/bin:/bin", ':')) {
    if (dir.empty() || name.empty()) continue;
    std::string candidate = std::string(dir) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

Result<Child> Child::start(const ChildSpec& spec) {
  if (spec.argv.empty()) return fail(ErrorCode::Internal, "no program named");
  const std::string path = find_program(spec.argv[0]);
  if (path.empty()) return fail(ErrorCode::Unreadable, "program not found in PATH", spec.argv[0]);
  Pipe in, out, err, failure;
  if (!in.open() || !out.open() || !err.open() || !failure.open())
    return fail(ErrorCode::Internal, std::string("no pipe: ") + std::strerror(errno));
  std::vector<std::string> args = spec.argv, env = environment(spec);
  const std::vector<char*> argv = pointers(args), envp = pointers(env);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0)
    return fail(ErrorCode::Internal, std::string("no new process: ") + std::strerror(errno),
                spec.argv[0]);
  if (pid == 0)
    become(path.c_str(), argv.data(), envp.data(), in.read, out.write, err.write, failure.write,
           parent);
  close_fd(failure.write);
  int error = 0;
  ssize_t n = 0;
  while ((n = ::read(failure.read, &error, sizeof error)) < 0 && errno == EINTR) {
  }
  if (n == sizeof error) {
    ::waitpid(pid, nullptr, 0);
    return fail(ErrorCode::Unreadable, std::string("cannot be run: ") + std::strerror(error), path);
  }
  Child child;
  child.pid_ = pid;
  child.in_ = std::exchange(in.write, -1);
  child.out_ = std::exchange(out.read, -1);
  child.err_ = std::exchange(err.read, -1);
  for (int fd : {child.in_, child.out_, child.err_})
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return child;
}

Child::Child(Child&& other) noexcept { *this = std::move(other); }

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_), std::swap(in_, other.in_), std::swap(out_, other.out_);
  std::swap(err_, other.err_), std::swap(exit_code_, other.exit_code_);
  return *this;
}

Child::~Child() {
  stop();
  close_fd(in_), close_fd(out_), close_fd(err_);
}

void Child::close_in() { close_fd(in_); }

bool Child::running() {
  if (pid_ < 0) return false;
  int status = 0;
  const pid_t got = ::waitpid(pid_, &status, WNOHANG);
  if (got == 0) return true;
  pid_ = -1;
  exit_code_ = got < 0 ? -1 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return false;
}

void Child::stop(std::chrono::milliseconds grace) {
  if (!running()) return;
  ::kill(pid_, SIGTERM);
  const auto deadline = Clock::now() + grace;
  auto pause = std::chrono::milliseconds(1);
  while (running() && Clock::now() < deadline) {
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(20));
  }
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

namespace {

/// Appends what is there; false at the end of the pipe.
bool drain(int fd, std::string& into, size_t limit, bool& truncated) {
  char block[65536];
  const ssize_t n = ::read(fd, block, sizeof block);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  const size_t room = limit - std::min(limit, into.size());
  into.append(block, std::min(static_cast<size_t>(n), room));
  truncated = truncated || static_cast<size_t>(n) > room;
  return n > 0;
}

}  // namespace

Result<ChildOutput> run_child(const ChildSpec& spec, std::chrono::milliseconds timeout,
                              size_t limit_bytes, std::string_view input) {
  Child child = RANKDX_TRY(Child::start(spec));
  ChildOutput result;
  const auto deadline = Clock::now() + timeout;
  bool out_open = true, err_open = true;
  if (input.empty()) child.close_in();
  // A child that ends while a grandchild holds its pipes must not keep us: the pipes are read only
  // a moment longer.
  auto until = deadline;
  while (out_open || err_open) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) break;
    std::array<pollfd, 3> fds{{{out_open ? child.out() : -1, POLLIN, 0},
                               {err_open ? child.err() : -1, POLLIN, 0},
                               {child.in(), POLLOUT, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(std::min<int64_t>(left, 100)));
    if (fds[0].revents) out_open = drain(child.out(), result.out, limit_bytes, result.truncated);
    if (fds[1].revents) err_open = drain(child.err(), result.err, limit_bytes, result.truncated);
    if (fds[2].revents) {
      const ssize_t n = ::write(child.in(), input.data(), input.size());
      if (n > 0) input.remove_prefix(static_cast<size_t>(n));
      if (input.empty() || (n < 0 && errno != EAGAIN && errno != EINTR)) child.close_in();
    }
    if (!fds[0].revents && !fds[1].revents && !child.running())
      until = std::min(until, Clock::now() + std::chrono::milliseconds(50));
  }
  while (child.running() && Clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  result.timed_out = child.running();
  child.stop();
  result.exit_code = child.exit_code();
  return result;
}

}  // namespace rankdx
