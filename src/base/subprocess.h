// Child processes: always a list of arguments, never a shell. Standard input is /dev/null or a text
// given; output is read through pipes with a limit in time and bytes. A child gets SIGTERM when its
// Child object goes, or when the thread that started it ends (so start long-lived ones from a
// thread that lives as long). Any thread may start children.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace rankdx {

struct ChildSpec {
  std::vector<std::string> argv;  ///< argv[0] is looked up in PATH unless it holds a '/'
  std::vector<std::pair<std::string, std::string>> env;  ///< added to the own environment
};

class Child {
 public:
  /// Fails when the program cannot be found or run.
  static Result<Child> start(const ChildSpec& spec);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  int pid() const { return pid_; }
  int in() const { return in_; }    ///< write end of its standard input
  int out() const { return out_; }  ///< nonblocking read ends
  int err() const { return err_; }
  void close_in();
  /// Whether it still runs. Afterwards exit_code() is valid: its own, or 128 + signal.
  bool running();
  int exit_code() const { return exit_code_; }
  /// SIGTERM, then SIGKILL after `grace`; reaps it.
  void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(500));

 private:
  Child() = default;
  int pid_ = -1, in_ = -1, out_ = -1, err_ = -1, exit_code_ = -1;
};

struct ChildOutput {
  int exit_code = -1;
  bool timed_out = false, truncated = false;
  std::string out, err;
};

/// Runs a program to its end. `input` becomes its standard input.
Result<ChildOutput> run_child(const ChildSpec& spec, std::chrono::milliseconds timeout,
                              size_t limit_bytes = 64 << 20, std::string_view input = {});

/// The program's path, or "" when PATH has none.
std::string find_program(const std::string& name);

}  // namespace rankdx
