#include "live/logged_child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "live/proc_text.h"
#include "probe/process.h"

extern char** environ;

namespace rankdx {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment(const LoggedCommand& command) {
  std::vector<std::string> out;
  for (char** e = environ; e != nullptr && *e != nullptr; ++e) {
    const std::string_view entry = *e;
    const bool replaced = std::any_of(command.env.begin(), command.env.end(), [&](const auto& v) {
      return entry.starts_with(v.first + "=");
    });
    if (!replaced) out.emplace_back(entry);
  }
  for (const auto& [name, value] : command.env) out.push_back(name + "=" + value);
  return out;
}

[[noreturn]] void become(char* const* argv, char* const* env, int output, int failure) {
  ::setsid();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number : {SIGPIPE, SIGTTOU, SIGXFSZ}) ::signal(number, SIG_DFL);
  // A terminal would be read by us and the shell in turns.
  if (::isatty(STDIN_FILENO)) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  }
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execvpe(argv[0], argv, env);
  const int error = errno;
  [[maybe_unused]] const ssize_t n = ::write(failure, &error, sizeof error);
  ::_exit(127);
}

tl::unexpected<Error> cannot_run(const std::string& program, int error) {
  const ErrorCode code = error == ENOENT ? ErrorCode::Empty : ErrorCode::Unsupported;
  return fail(code, std::string("cannot be run: ") + std::strerror(error), program,
              error == ENOENT ? "PATH has no such program" : "");
}

}  // namespace

Result<LoggedChild> LoggedChild::start(const LoggedCommand& command) {
  if (command.argv.empty()) return fail(ErrorCode::Usage, "no command named");
  const int output =
      ::open(command.output.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0) return fail(ErrorCode::Unreadable, std::strerror(errno), command.output);
  int failure[2] = {-1, -1};
  std::vector<std::string> args = command.argv, env = environment(command);
  const std::vector<char*> argv = pointers(args), envp = pointers(env);
  const pid_t pid = ::pipe2(failure, O_CLOEXEC) == 0 ? ::fork() : -1;
  const int why = errno;
  if (pid == 0) become(argv.data(), envp.data(), output, failure[1]);
  ::close(output);
  if (failure[1] >= 0) ::close(failure[1]);
  int error = 0;
  ssize_t n = 0;
  while (pid > 0 && (n = ::read(failure[0], &error, sizeof error)) < 0 && errno == EINTR) {
  }
  if (failure[0] >= 0) ::close(failure[0]);
  if (pid < 0) return fail(ErrorCode::Internal, std::strerror(why), command.argv[0]);
  if (n == sizeof error) {
    ::waitpid(pid, nullptr, 0);
    return cannot_run(command.argv[0], error);
  }
  LoggedChild child;
  child.pid_ = pid;
  return child;
}

std::optional<ChildEnd> LoggedChild::ended() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != pid_) continue;
    if (WIFSIGNALED(status))
      end_ = ChildEnd{128 + WTERMSIG(status), WTERMSIG(status)};
    else
      end_ = ChildEnd{WEXITSTATUS(status), 0};
  }
  return end_;
}

void LoggedChild::send(int signal, Target target) const {
  if (!end_) ::kill(target == Target::Group ? -pid_ : pid_, signal);
}

std::vector<int> LoggedChild::left_behind() const {
  const HostView host;
  std::vector<int> out;
  for (int pid : process_ids(host)) {
    const auto text = host.read("/proc/" + std::to_string(pid) + "/stat", 4096);
    const auto stat = text ? parse_stat(*text) : std::nullopt;
    if (stat && stat->session == pid_ && stat->state != 'Z' && pid != pid_) out.push_back(pid);
  }
  return out;
}

}  // namespace rankdx
