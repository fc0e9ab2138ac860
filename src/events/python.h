// Lines of a Python traceback, each by itself: which part of one a line is. The body is a line
// without wrappers; a logger's own head ("ERROR 10-01 12:00:00 [core.py:710] ") and the bars of an
// exception group are taken off here. What lines belong together is the job room's. Views point
// into the body; thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace rankdx {

enum class PythonPart : uint8_t {
  None,
  Start,        ///< "Traceback (most recent call last):"
  Frame,        ///< file, line, function
  Exception,    ///< exception, message
  During,       ///< "During handling of the above exception, another exception occurred:"
  DirectCause,  ///< "The above exception was the direct cause of the following exception:"
};

/// After such a line the exception is still to come.
inline bool is_inside_traceback(PythonPart part) {
  return part == PythonPart::Start || part == PythonPart::Frame;
}

struct PythonLine {
  PythonPart part = PythonPart::None;
  int line = -1;
  std::string_view file, function;
  std::string_view exception, message;
};

/// Texts of which each line of a traceback that matters holds one, but for bare_exception().
const std::vector<std::string_view>& python_marks();

/// An exception without a message stands alone in its line and ends with its class's name.
inline bool bare_exception(std::string_view body) { return body.ends_with("Error"); }

PythonLine python_line(std::string_view body);

/// Behind the head of a logger: level, time, place. The blanks of the text stay.
std::string_view without_logger_head(std::string_view body);

}  // namespace rankdx
