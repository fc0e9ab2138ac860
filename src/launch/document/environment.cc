#include "launch/document/environment.h"

#include <algorithm>

#include "base/text.h"
#include "launch/document/shell.h"

namespace rankdx::lint {
namespace {

char separator_of(std::string_view bytes) { return bytes.find('\0') != bytes.npos ? '\0' : '\n'; }

bool is_assignment(std::string_view line) {
  const size_t equals = line.find('=');
  return equals != line.npos && is_variable_name(line.substr(0, equals));
}

}  // namespace

bool looks_like_environment(std::string_view bytes) {
  const char separator = separator_of(bytes);
  // Assignments in front of a command are a script of one line.
  const bool command = separator == '\n' && (bytes.find("vllm serve ") != bytes.npos ||
                                             bytes.find("vllm.entrypoints") != bytes.npos ||
                                             bytes.find("docker run") != bytes.npos);
  if (command && bytes.find("PATH=") == bytes.npos) return false;
  size_t lines = 0, assignments = 0;
  while (!bytes.empty()) {
    const std::string_view line = take_until(bytes, separator, bytes);
    if (trim(line).empty()) continue;
    ++lines;
    // A shell would need quotes around blanks; env prints none.
    assignments += is_assignment(line);
    if (lines == 1 && assignments == 0) return false;
  }
  return assignments > 0 && assignments * 10 >= lines * 8;
}

std::vector<EnvironmentLine> parse_environment(std::string_view bytes) {
  const char separator = separator_of(bytes);
  std::vector<EnvironmentLine> out;
  size_t begin = 0;
  while (begin < bytes.size()) {
    const size_t end = std::min(bytes.find(separator, begin), bytes.size());
    std::string_view line = bytes.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto at = static_cast<uint32_t>(begin);
    if (is_assignment(line)) {
      const size_t equals = line.find('=');
      out.push_back({std::string(line.substr(0, equals)),
                     mapped(line.substr(equals + 1), at + static_cast<uint32_t>(equals) + 1),
                     {at, at + static_cast<uint32_t>(line.size())}});
    } else if (!out.empty() && !line.empty()) {
      out.back().value.push('\n', at > 0 ? at - 1 : 0);
      out.back().value.append(mapped(line, at));
      out.back().span.end = at + static_cast<uint32_t>(line.size());
    }
    begin = end + 1;
  }
  return out;
}

}  // namespace rankdx::lint
