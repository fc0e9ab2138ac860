// Lines of JSON logs: no more comes out than went in, and a prefix is one line.
#include <cstdint>
#include <cstdlib>

#include "events/json_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  rankdx::is_json_log(line);
  const auto read = rankdx::read_json_line(line);
  if (!read) return 0;
  if (read->text.size() > size || read->prefix.size() > size + 16) abort();
  if (read->prefix.find('\n') != std::string::npos) abort();
  return 0;
}
