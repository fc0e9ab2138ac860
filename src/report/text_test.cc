#include <gtest/gtest.h>

#include <algorithm>

#include "present/safe_text.h"
#include "report/picture.h"
#include "report/test_jobs.h"

namespace rankdx {
namespace {

using test::finding;
using test::made_diagnosis;
using test::MadeJob;

size_t lines_in(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

size_t widest_line(const std::string& text) {
  size_t widest = 0, at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    widest = std::max(widest, display_width(std::string_view(text).substr(at, end - at)));
    at = end + 1;
  }
  return widest;
}

TEST(ReportText, AFailedJobOnOneScreen) {
  MadeJob made(2, 2);
  made.member(3).stage = Stage::Failed;
  made.job.environment = {{"NCCL_IB_HCA", "mlx5_0", {"gpu-1000"}, {}, {}, ""},
                          {"NCCL_IB_HCA", "mlx5_1", {"gpu-1001"}, {}, {}, ""}};
  Report report{made_diagnosis(),
                &made.job,
                {{ErrorCode::Unreadable, "permission denied", "rank9.log", "read as root"}},
                {}};
  EXPECT_EQ(render_text(report, {Colour::Never, Detail::Brief, 90}),
            R"(FAILED  Shared memory is full (rank 3 on gpu-1001)

  shm-too-small: root-cause, error, certain
  why       NCCL could not allocate 9637888 bytes in /dev/shm of this container.
  where     rank 3 on gpu-1001 (GPU 1)
  evidence  rank3.log:118
              gpu-1001:9:9 [1] NCCL WARN Error while creating shared memory segment
  fix       kubernetes: Mount an emptyDir with medium: Memory at /dev/shm
            docker: Give it more
              docker run --shm-size=16g

Therefore
  -> NCCL could not start (init-failed, rank3.log:120)
     -> Peers lost the connection: ranks 0, 1 on gpu-1000, peer 10.0.0.2 (remote-closed)

Notes
  - Debug output is on (debug-left-on)

Job: 4 ranks on 2 hosts, NCCL 2.28.9, network IB
  rank  host      pid  GPU  stage          NCCL    network  log
  0     gpu-1000  100  0    init-complete  2.28.9  IB       /home/alice/logs/gpu-1000-ran…
  1     gpu-1000  101  1    init-complete  2.28.9  IB       /home/alice/logs/gpu-1000-ran…
  2     gpu-1001  102  0    init-complete  2.28.9  IB       /home/alice/logs/gpu-1001-ran…
  3     gpu-1001  103  1    failed         2.28.9  IB       /home/alice/logs/gpu-1001-ran…

Transports
  from \ to  0                1          2                3
  0          -                P2P/CUMEM  .                .
  1          .                -          NET/IB/0/GDRDMA  .
  2          .                .          -                P2P/CUMEM
  3          NET/IB/0/GDRDMA  .          .                -

Not the same everywhere
  what         value   hosts
  NCCL_IB_HCA  mlx5_0  gpu-1000
  NCCL_IB_HCA  mlx5_1  gpu-1001

Read 4 sources, 5000 lines, 4000 of NCCL
  left out: rank9.log: permission denied (read as root)
)");
}

TEST(ReportText, ManyRanksStayShort) {
  MadeJob made(1280, 8);
  made.member(808).stage = Stage::Topology;  // one rank of host gpu-1101 is behind
  for (Link& l : made.job.communicators[0].links) {
    if (l.from / 8 == 7 && *l.same_host) l.transport = "SHM/direct/direct";
  }
  for (int h = 0; h < 1280; ++h) {
    made.job.environment.push_back(
        {"NCCL_HOSTID", std::to_string(h), {made.job.hosts[h].name}, {}, {}, ""});
  }
  Diagnosis d;
  d.verdict = Verdict::Warning;
  d.summary = "One rank is behind";
  Report report{d, &made.job, {}, {}};
  const std::string brief = render_text(report, {Colour::Never, Detail::Brief, 100});
  EXPECT_LE(lines_in(brief), 24u) << brief;
  EXPECT_LE(widest_line(brief), 100u) << brief;
  EXPECT_NE(brief.find("10240 ranks on 1280 hosts"), brief.npos);
  EXPECT_NE(brief.find("  gpu-1101                          808-815 "), brief.npos) << brief;
  EXPECT_NE(brief.find("gpu-1007: inside: SHM/direct/direct, to others: NET/IB/0/GDRDMA"),
            brief.npos)
      << brief;
  EXPECT_NE(brief.find("1280 different values"), brief.npos) << brief;
  EXPECT_LE(lines_in(render_text(report, {Colour::Never, Detail::Verbose, 100})), 150u);
  EXPECT_LT(render_markdown(report).size(), 60'000u);
}

TEST(ReportText, MiddleSizes) {
  MadeJob made(4, 8);
  EXPECT_EQ(transport_picture(made.job, 60),
            R"(  from \ to  gpu-1000  gpu-1001  gpu-1002  gpu-1003
  gpu-1000   P         N         .         .
  gpu-1001   .         P         N         .
  gpu-1002   .         .         P         N
  gpu-1003   N         .         .         P
  N = NET/IB/0/GDRDMA, P = P2P/CUMEM
  pairs          transport        number  first
  between hosts  NET/IB/0/GDRDMA  4       7 -> 8
  on one host    P2P/CUMEM        28      0 -> 1
)");
}

TEST(ReportText, EveryWidthHolds) {
  MadeJob made(2, 8);
  Report report{made_diagnosis(), &made.job, {}, {}};
  // Lines of logs and commands are there to be copied: they stay whole.
  for (Finding& f : report.diagnosis.findings) f.evidence.clear();
  for (int width : {40, 60, 80, 100, 160}) {
    const std::string text = render_text(report, {Colour::Never, Detail::Verbose, width});
    EXPECT_LE(widest_line(text), static_cast<size_t>(width)) << text;
  }
}

TEST(ReportText, ColourOnlyWhenAsked) {
  MadeJob made(2, 2);
  Report report{made_diagnosis(), &made.job, {}, {}};
  EXPECT_EQ(render_text(report, {Colour::Never, Detail::Verbose, 80}).find('\x1b'),
            std::string::npos);
  EXPECT_TRUE(render_text(report, {Colour::Always, Detail::Brief, 80})
                  .starts_with("\x1b[31;1mFAILED\x1b[0m"));
}

TEST(ReportText, ChainsMayTurnInCircles) {
  MadeJob made(1, 1);
  Diagnosis d = made_diagnosis();
  for (int i = 0; i < 30; ++i) {
    Finding f = finding("c" + std::to_string(i), Role::Consequence, Severity::Error, "Consequence");
    f.explains = {"c" + std::to_string((i + 1) % 30), "shm-too-small"};
    d.findings.push_back(f);
  }
  Report report{d, &made.job, {}, {}};
  const std::string text = render_text(report, {Colour::Never, Detail::Brief, 80});
  EXPECT_NE(text.find("and 24 more (--verbose shows all)"), text.npos) << text;
}

TEST(ReportText, NoCommunicatorAtAll) {
  MadeJob made(1, 2);
  made.job.communicators.clear();
  EXPECT_EQ(job_in_a_line(made.job), "2 processes on 1 host, NCCL 2.28.9, network IB");
  EXPECT_EQ(rank_table(made.job, 60),
            "  host      pid  rank  stage  NCCL    network  log\n"
            "  gpu-1000  100  0     seen   2.28.9  IB       /home/alice/…\n"
            "  gpu-1000  101  1     seen   2.28.9  IB       /home/alice/…\n");
  const Job nothing;
  const std::string text = render_text({{}, &nothing, {}, {}}, {});
  EXPECT_EQ(text, "UNDETERMINED\n\nRead 0 sources, 0 lines, 0 of NCCL\n") << text;
}

}  // namespace
}  // namespace rankdx
