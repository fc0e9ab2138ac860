#include "live/stall.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace rankdx {
namespace {

std::string init(int rank, int nranks, std::string_view what, std::string_view host = "gpu-a") {
  return fmt::format(
      "{}:{}:{} [{}] NCCL INFO ncclCommInitRank comm 0x55a0 rank {} nranks {} cudaDev {} nvmlDev "
      "{} busId 1b000 commId 0xb65e - Init {}",
      host, 100 + rank, 200 + rank, rank, rank, nranks, rank, rank, what);
}

/// The verdict after lines at 0 s, read at `now_s`.
LaunchVerdict verdict(const std::vector<std::string>& lines, double now_s) {
  LaunchTracker tracker;
  const int log = tracker.add_source("log");
  for (const std::string& line : lines) tracker.feed(log, line, 0);
  return judge_motion(tracker.state(), now_s);
}

const std::string kBar =
    "(Worker_TP0 pid=5) Loading safetensors checkpoint shards:  33% Completed | 3/9 [00:10<00:08,  "
    "60.00s/it]";
const std::string kLoad =
    "(Worker_TP0 pid=5) INFO 02-27 20:31:59 [g.py:1] Starting to load model ...";

TEST(Stall, MissingAtBootstrap) {
  const std::vector<std::string> lines = {init(0, 4, "START"), init(1, 4, "START")};
  EXPECT_EQ(verdict(lines, 29).motion, Motion::Moving);
  const LaunchVerdict v = verdict(lines, 40);
  EXPECT_EQ(v.motion, Motion::Stuck);
  EXPECT_EQ(v.missing, (std::vector<int>{2, 3}));
  EXPECT_EQ(v.text,
            "stuck since 40 s at bootstrap: ranks 2,3 (no line of them in these logs) have not "
            "arrived, 2 of 4 have (NCCL commId 0xb65e)");
}

TEST(Stall, AllArrivedButNotCompleted) {
  const LaunchVerdict v =
      verdict({init(0, 2, "START"), init(1, 2, "START"), init(1, 2, "COMPLETE")}, 31);
  EXPECT_EQ(v.text,
            "stuck since 31 s at connect: all 2 ranks have arrived, ranks 0 have not completed "
            "(NCCL commId 0xb65e)");
}

TEST(Stall, MissingAtRendezvous) {
  const LaunchVerdict v = verdict({"INFO 02-27 20:31:57 [p.py:1] world_size=2 rank=0 local_rank=0 "
                                   "distributed_init_method=tcp://10.0.0.1:29500 backend=nccl"},
                                  35);
  EXPECT_EQ(v.text,
            "stuck since 35 s at rendezvous: rank 1 (no line of them in these logs) has not "
            "arrived, 1 of 2 have (tcp://10.0.0.1:29500)");
}

TEST(Stall, SlowIsNotStuck) {
  EXPECT_EQ(verdict({kLoad, kBar}, 100).text, "slow, not stuck: loading 3/9, last step 100 s ago");
  EXPECT_EQ(verdict({kLoad, kBar}, 299).motion, Motion::Slow);  // five steps of 60 s
  EXPECT_EQ(verdict({kLoad, kBar}, 301).motion, Motion::Stuck);
  EXPECT_EQ(verdict({kLoad}, 60).text, "quiet since 60 s at loading; up to 120 s is usual there");
}

TEST(Stall, WaitingLinesAreNoProgress) {
  LaunchTracker tracker;
  const int log = tracker.add_source("log");
  tracker.feed(log, init(0, 2, "START"), 0);
  tracker.feed(log,
               "(EngineCore pid=9) INFO 02-27 20:31:59 [s.py:1] No available shared memory "
               "broadcast block found in 60 seconds.",
               60);
  EXPECT_EQ(judge_motion(tracker.state(), 61).motion,
            Motion::Moving);  // a process seen for the first time
  tracker.feed(log,
               "(EngineCore pid=9) INFO 02-27 20:32:59 [s.py:1] No available shared memory "
               "broadcast block found in 60 seconds.",
               120);
  EXPECT_EQ(judge_motion(tracker.state(), 121).motion, Motion::Stuck);
}

TEST(Stall, ServingAndFailed) {
  const std::string serving = "(APIServer pid=46) INFO:     Application startup complete.";
  EXPECT_EQ(verdict({kLoad, serving}, 900).motion, Motion::Serving);
  EXPECT_EQ(
      verdict(
          {kLoad, "(EngineCore pid=9) ERROR 02-27 20:31:59 [c.py:1] EngineCore failed to start."},
          1)
          .motion,
      Motion::Failed);
  EXPECT_EQ(verdict({"(ApiServer_0 pid=1) INFO:     Application startup complete.",
                     "(ApiServer_1 pid=2) INFO 02-27 20:31:59 [c.py:1] hello"},
                    1)
                .motion,
            Motion::Moving);
  EXPECT_EQ(verdict({}, 900).motion, Motion::Waiting);
}

TEST(Stall, SilenceOfOtherProgramsMeansNothing) {
  EXPECT_EQ(verdict({"epoch 1"}, 900).text,
            "quiet since 900 s; no words of vLLM say whether that is usual");
  // All ranks have met: what the program does then is its own business.
  EXPECT_EQ(verdict({init(0, 1, "START"), init(0, 1, "COMPLETE")}, 900).motion, Motion::Slow);
  EXPECT_EQ(verdict({kLoad}, 900).motion, Motion::Stuck);
}

TEST(Stall, PatienceGiven) {
  LaunchTracker tracker;
  tracker.feed(tracker.add_source("log"), kLoad, 0);
  EXPECT_EQ(judge_motion(tracker.state(), 4, 5).motion, Motion::Moving);
  EXPECT_EQ(judge_motion(tracker.state(), 6, 5).motion, Motion::Stuck);
  EXPECT_EQ(judge_motion(tracker.state(), 500, 600).motion, Motion::Slow);
}

TEST(Stall, ContainersThatEnded) {
  LaunchTracker tracker;
  const int a = tracker.add_source("p/a"), b = tracker.add_source("p/b");
  tracker.set_source(a, {"Running", std::nullopt, 0, ""});
  EXPECT_EQ(judge_motion(tracker.state(), 1).motion, Motion::Waiting);
  tracker.feed(a, kLoad, 1);
  tracker.set_source(a, {"OOMKilled", 137, 2, ""});
  EXPECT_EQ(judge_motion(tracker.state(), 1).text,
            "failed: p/a ended with 137 (OOMKilled), restarted 2 times");
  tracker.set_source(a, {"Running", std::nullopt, 3, ""});
  EXPECT_EQ(judge_motion(tracker.state(), 1).motion, Motion::Moving);
  tracker.set_source(a, {"Completed", 0, 3, ""});
  EXPECT_EQ(judge_motion(tracker.state(), 1).motion, Motion::Ended);
  tracker.set_source(b, {"Running", std::nullopt, 0, ""});
  EXPECT_EQ(judge_motion(tracker.state(), 1).motion, Motion::Moving);
}

TEST(Stall, RankLists) {
  EXPECT_EQ(short_ranks({}), "");
  EXPECT_EQ(short_ranks({2, 3}), "2,3");
  EXPECT_EQ(short_ranks({0, 1, 2, 7}), "0-2,7");
}

}  // namespace
}  // namespace rankdx
