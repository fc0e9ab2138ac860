// A command whose standard output and error go straight to a file. Nobody stands between the two:
// it never waits for a reader, and what it wrote stays whatever dies. It has a session of its own,
// so that the loss of our terminal does not reach it, and it lives on when we end. Not thread-safe:
// start it before there are threads.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace rankdx {

struct LoggedCommand {
  std::vector<std::string> argv;                         ///< argv[0] as a shell would look it up
  std::vector<std::pair<std::string, std::string>> env;  ///< added to the own environment
  std::string output;                                    ///< file to make
};

/// How a child ended.
struct ChildEnd {
  int exit_code = 0;  ///< its own, or 128 + signal
  int signal = 0;     ///< 0: it ended by itself
};

class LoggedChild {
 public:
  enum class Target : uint8_t { Process, Group };

  /// Error::code is Empty when there is no such program, Unsupported when it cannot be run.
  static Result<LoggedChild> start(const LoggedCommand& command);
  static LoggedChild none() { return {}; }
  int pid() const { return pid_; }
  /// Reaps all children that have ended (we may be the first process of a container); nothing as
  /// long as this one runs.
  std::optional<ChildEnd> ended();
  void send(int signal, Target target) const;
  /// Processes of its session that still run, by /proc; the child itself is gone by then.
  std::vector<int> left_behind() const;

 private:
  int pid_ = -1;
  std::optional<ChildEnd> end_;
};

}  // namespace rankdx
