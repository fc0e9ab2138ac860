// Any bytes as an input: what is compressed or a bundle is unpacked, lines are cut. The lines must
// be the bytes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "input/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<rankdx::LeftOut> left_out;
  const auto use = [&](rankdx::InputItem item) {
    rankdx::LineReader reader(*item.bytes);
    uint64_t in_lines = 0;
    (void)reader.for_each_line([&](std::string_view line) { in_lines += line.size() + 1; });
    const rankdx::LineStats& stats = reader.stats();
    if (stats.overlong == 0 && in_lines - (stats.ended_with_newline ? 0 : 1) != stats.bytes)
      std::abort();
  };
  rankdx::open_bytes("x", rankdx::memory_source({reinterpret_cast<const char*>(data), size}), use,
                     left_out);
  return 0;
}
