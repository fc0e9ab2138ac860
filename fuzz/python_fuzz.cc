// Lines of Python tracebacks in any order, behind any wrapper: parts lie inside the line, and what
// a source keeps of them is bounded.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "events/python.h"
#include "job/fold.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const rankdx::LiteralSet gate({"Traceback (most recent"});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  rankdx::SourceFold fold("log", gate);
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const rankdx::PythonLine parts = rankdx::python_line(line);
    for (std::string_view part : {parts.file, parts.function, parts.exception, parts.message}) {
      if (!part.empty() && (part.data() < line.data() || part.end() > line.end())) abort();
    }
    fold.line(line);
    at = end + 1;
  }
  const rankdx::SourceFacts facts = fold.finish(size, 0, false, "");
  if (facts.python_errors.size() > rankdx::kMaxPythonErrors) abort();
  for (size_t i = 0; i < facts.python_errors.size(); ++i) {
    const rankdx::PythonErrorFacts& e = facts.python_errors[i];
    if (e.earlier >= static_cast<int>(i) || e.frames.size() > rankdx::PythonErrorFacts::kFrames)
      abort();
  }
  return 0;
}
