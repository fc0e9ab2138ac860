// The scan room: on any bytes the fast scanner says what the slow one says, and the literal set
// finds what a plain search finds. The first line holds the literals, parted by '|'; the rest is
// the log.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "scan/line_cutter.h"
#include "scan/literal_set.h"
#include "scan/reference.h"
#include "scan/scanner.h"

namespace {

using rankdx::Envelope;

/// Copies, so that the views outlive the callback and a view that is already dead is read.
struct Kept : rankdx::MessageSink {
  std::vector<Envelope> messages;
  std::deque<std::string> texts;
  std::string_view keep(std::string_view view) { return texts.emplace_back(view); }
  void on_message(const Envelope& message, std::string_view) override {
    Envelope e = message;
    for (std::string_view* view :
         {&e.origin, &e.actor, &e.actor_ip, &e.host, &e.file, &e.func, &e.body}) {
      *view = keep(*view);
    }
    messages.push_back(e);
  }
};

void expect(bool ok) {
  if (!ok) std::abort();
}

void compare_scanners(const std::vector<std::string_view>& lines) {
  rankdx::Scanner fast;
  rankdx::ReferenceScanner slow;
  for (int round = 0; round < 2; ++round) {
    for (std::string_view line : lines) {
      Kept from_fast, from_slow;
      fast.scan_line(line, from_fast);
      slow.scan_line(line, from_slow);
      expect(from_fast.messages == from_slow.messages);
    }
  }
  expect(fast.counts().damaged_lines == slow.counts().damaged_lines);
  expect(fast.counts().nccl_lines == slow.counts().nccl_lines);
}

void compare_searches(std::string_view literal_line, const std::vector<std::string_view>& lines) {
  std::vector<std::string> literals;
  for (std::string_view literal : rankdx::split(literal_line, '|')) {
    if (literal.size() >= 4) literals.emplace_back(literal);
  }
  const rankdx::LiteralSet set(literals);
  for (std::string_view line : lines) {
    std::vector<uint32_t> hits, expected;
    for (uint32_t i = 0; i < literals.size(); ++i) {
      if (line.find(literals[i]) != std::string_view::npos) expected.push_back(i);
    }
    set.find(line, hits);
    expect(hits == expected && set.any(line) == !expected.empty());
  }
}

/// All vector widths, on memory of exactly this size.
void compare_cutters(std::string_view text) {
  const std::string block(text);
  for (const rankdx::IndexWay& way : rankdx::index_ways()) {
    rankdx::LineCutter cutter(block, way.index);
    std::string_view line, rest = block;
    rankdx::LineMarks marks;
    while (cutter.next(line, marks)) {
      expect(line == rest.substr(0, rest.find('\n')) && marks.nccl == line.find("NCCL "));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    expect(rest.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::string_view> lines =
      rankdx::split({reinterpret_cast<const char*>(data), size}, '\n');
  compare_cutters({reinterpret_cast<const char*>(data), size});
  const std::string_view literals = lines.front();
  lines.erase(lines.begin());
  compare_scanners(lines);
  compare_searches(literals, lines);
  return 0;
}
