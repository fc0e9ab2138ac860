// What a watch reads: lines of logs (prefixes, phases, bars) fed to the tracker and shown, and
// texts of /proc. Any bytes are read or refused; what is shown holds no control characters.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "live/proc_text.h"
#include "live/watch_view.h"

namespace {

void read_proc(std::string_view text) {
  (void)rankdx::parse_stat(text);
  (void)rankdx::parse_io_field(text, "rchar:");
  (void)rankdx::shard_of_path(text);
  if (const auto shard = rankdx::shard_of_maps(text)) {
    if (shard->number < 1 || shard->number > shard->total) std::abort();
  }
}

void check_shown(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') std::abort();
}

/// A line's first byte says what is done with it, so that inputs reach every call.
void feed(rankdx::LaunchTracker& tracker, std::string_view line, double now_s) {
  const int source = line.empty() ? 0 : line[0] & 1;
  switch (line.empty() ? 0 : line[0]) {
    case '!':
      return tracker.restarted(source);
    case '?':
      return tracker.set_source(source, {std::string(line), static_cast<int>(line.size()), 1, ""});
    case '@': {
      rankdx::ProcessSight sight{.pid = static_cast<int>(line.size()), .name = std::string(line)};
      sight.activity = line.size() % 3 == 0 ? "gone" : "loading";
      return tracker.observe(source, sight, now_s);
    }
    default:
      return tracker.feed(source, line, now_s);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  read_proc(text);
  rankdx::LaunchTracker tracker;
  tracker.add_source("a", size % 2 == 0 ? "here" : "");
  tracker.add_source("b", size % 2 == 0 ? "here" : "");
  rankdx::ChangeLog log;
  double now_s = 0;
  while (!text.empty()) {
    const std::string_view line = rankdx::take_until(text, '\n', text);
    if (const auto bar = rankdx::bar_of_line(line); bar && bar->done > bar->total) std::abort();
    feed(tracker, line, now_s += 7);
  }
  const rankdx::LaunchVerdict verdict = rankdx::judge_motion(tracker.state(), now_s + 100);
  check_shown(rankdx::state_table(tracker.state(), verdict, now_s + 100, 80, 20,
                                  rankdx::Paint(rankdx::Colour::Never)));
  for (const rankdx::StateChange& c : log.changes(tracker.state(), verdict, now_s)) {
    check_shown(rankdx::change_text(c));
    check_shown(rankdx::change_json(c));
  }
  return 0;
}
