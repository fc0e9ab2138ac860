// The words with which a shell, a launcher or an init process says that a program is gone: "Killed",
// "Segmentation fault (core dumped)", "exit status 3". They say how it ended, never why. Views point
// into the body; thread-safe.
#pragma once

#include <optional>
#include <string_view>

namespace rankdx {

struct Death {
  int signal = 0;         ///< 0: none is told
  int exit_code = -1;     ///< -1: none is told
  std::string_view word;  ///< as it stands in the line: "Killed", "exit code 3"
};

/// What a line of text tells of the end of a program; nothing for other lines, and nothing for a
/// program that ended well.
std::optional<Death> death_of(std::string_view body);

/// "SIGKILL"; "" for a number that has no name here.
std::string_view signal_name(int signal);

}  // namespace rankdx
