// A dump of an environment: what `env` prints, or /proc/PID/environ with NUL between the variables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launch/document/text.h"

namespace rankdx::lint {

struct EnvironmentLine {
  std::string name;
  MappedText value;
  Span span;  ///< NAME=value without its end
};

/// Whether most of the text is NAME=value lines and nothing looks like a command.
bool looks_like_environment(std::string_view bytes);

/// Lines that are no assignment belong to the value before them: values may hold newlines.
std::vector<EnvironmentLine> parse_environment(std::string_view bytes);

}  // namespace rankdx::lint
