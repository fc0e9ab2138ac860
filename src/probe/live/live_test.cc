#include "probe/live/live.h"

#include "probe/pod/test_root.h"

namespace rankdx {
namespace {

/// proc(5): pid (comm) state, then fields 4 to 20.
std::string stat_line(int pid, char state, int ticks) {
  return std::to_string(pid) + " (VLLM) x) " + state + " 1 1 1 0 -1 0 0 0 0 0 " +
         std::to_string(ticks) + " 0 0 0 20 0 7 0 0\n";
}

struct Look {
  char state;
  int ticks;
  uint64_t rchar;
};

LiveSample look(const Look& l, double time_s, bool serving, int processes = 1) {
  const TestRoot root;
  for (int i = 0; i < processes; ++i) {
    const std::string dir = "/proc/" + std::to_string(40 + i) + "/";
    root.add({{dir + "cmdline", "VLLM::Worker_TP0"},
              {dir + "comm", "VLLM::Worker_TP"},
              {dir + "stat", stat_line(40 + i, l.state, l.ticks)},
              {dir + "io", "rchar: " + std::to_string(l.rchar) + "\nwchar: 0\n"},
              {dir + "status", "Name:\tx\nRssFile:\t   1024 kB\n"},
              {dir + "wchan", "folio_wait_bit_common"}});
  }
  root.add({{"/proc/net/tcp",
             serving ? "   0: 00000000:1F40 00000000:0000 0A 0:0 0:0 0 0 0 9 1\n" : "sl\n"}});
  return sample_launch(HostView(root.path()), 8000, time_s);
}

TEST(Live, Sample) {
  const LiveSample s = look({'D', 250, 7000}, 1, true);
  ASSERT_EQ(s.processes.size(), 1u);
  const ProcessSample& p = s.processes.front();
  EXPECT_EQ(p.process.pid, 40);
  EXPECT_EQ(p.state, 'D');
  EXPECT_DOUBLE_EQ(p.cpu_s, 250.0 / double(sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(p.read_bytes, 7000u);
  EXPECT_EQ(p.mapped_file_bytes, 1024u * 1024);
  EXPECT_EQ(p.threads, 7);
  EXPECT_EQ(p.wait_channel, "folio_wait_bit_common");
  EXPECT_EQ(s.serving, true);
}

TEST(Live, States) {
  struct Case {
    Look before, after;
    bool serving;
    std::string state, finding;
  };
  const uint64_t gib = 1 << 30;
  const Case cases[] = {
      {{'S', 0, 0}, {'S', 200, 0}, true, "serving", ""},
      {{'S', 0, 0}, {'D', 30, 2 * gib}, false, "loading", ""},
      {{'R', 0, 0}, {'R', 190, 0}, false, "busy", ""},
      {{'S', 0, 0}, {'S', 0, 0}, false, "waiting", ""},
      {{'D', 0, 0}, {'D', 0, 0}, false, "stuck", "process-stuck"},
      {{'S', 0, 0}, {'T', 0, 0}, true, "stuck", "process-stuck"},
      {{'S', 0, 0}, {'Z', 0, 0}, false, "process gone", "rank-process-died"},
  };
  for (const Case& c : cases) {
    const LiveVerdict v =
        judge_launch(look(c.before, 10, c.serving), look(c.after, 12, c.serving), 5 * gib);
    EXPECT_EQ(to_string(v.state), c.state);
    EXPECT_EQ(v.report.findings.empty() ? "" : v.report.findings.front().id, c.finding) << c.state;
    if (c.state == "loading") {
      EXPECT_DOUBLE_EQ(v.processes.front().read_bytes_per_s, double(gib));
      EXPECT_DOUBLE_EQ(v.remaining_s.value_or(0), 3.0);
    }
  }
}

TEST(Live, NothingRunsAndSomethingEnded) {
  EXPECT_EQ(to_string(judge_launch({}, {}, 0).report.verdict), "unknown");
  const LiveVerdict v =
      judge_launch(look({'S', 0, 0}, 1, false, 2), look({'S', 0, 0}, 2, false, 1), 0);
  EXPECT_EQ(to_string(v.state), "process gone");
  EXPECT_EQ(v.report.findings.size(), 1u);
}

}  // namespace
}  // namespace rankdx
