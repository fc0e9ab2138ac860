#include "live/launch_tracker.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace rankdx {
namespace {

/// "name rank pid phase" of each process.
std::string rows(const std::vector<std::pair<int, std::string>>& lines) {
  LaunchTracker tracker;
  tracker.add_source("a");
  tracker.add_source("b");
  double when_s = 0;
  for (const auto& [source, line] : lines) tracker.feed(source, line, ++when_s);
  std::string out;
  for (const ProcessState& p : tracker.state().processes) {
    out += fmt::format("{}{} rank {} pid {} {}{}; ", p.source, p.name.empty() ? "" : " " + p.name,
                       p.rank, p.pid, name_of(p.phase), p.failed ? " failed" : "");
  }
  return out;
}

const std::string kStart =
    "h:512:9 [0] NCCL INFO ncclCommInitRank comm 0x55a0 rank 0 nranks 4 cudaDev 0 nvmlDev 0 busId "
    "1b000 commId 0xb65e - Init START";
const std::string kWorld =
    "INFO 02-27 20:31:57 [p.py:1] world_size=4 rank=0 local_rank=0 "
    "distributed_init_method=tcp://10.0.0.1:29500 backend=nccl";

TEST(LaunchTracker, OneRowPerProcess) {
  // Bare words of a rank, NCCL's line with its pid and the prefixed worker are one process.
  EXPECT_EQ(rows({{0, "(EngineCore pid=3) INFO x [c.py:1] Initializing a V1 LLM engine (v1)"},
                  {0, kWorld},
                  {0, "(Worker_TP0 pid=512) INFO x [g.py:1] Starting to load model m"},
                  {0, kStart}}),
            "a EngineCore rank -1 pid 3 rendezvous; a Worker_TP0 rank 0 pid 512 loading; ");
  // NCCL's own file beside the log.
  EXPECT_EQ(
      rows({{0, "(Worker_TP0 pid=512) INFO x [g.py:1] Starting to load model m"}, {1, kStart}}),
      "a Worker_TP0 rank 0 pid 512 loading; ");
  // A log of one process without prefixes.
  EXPECT_EQ(rows({{0, "INFO x [p.py:1] vLLM is using nccl==2.27.5"},
                  {0, kStart},
                  {0, "INFO x [g.py:1] Starting to load model m"}}),
            "a rank 0 pid 512 loading; ");
  EXPECT_EQ(rows({{0, "(VllmWorker rank=3 pid=7) INFO x [p.py:1] vLLM is using nccl==2.27.5"}}),
            "a VllmWorker rank 3 pid 7 NCCL init; ");
}

TEST(LaunchTracker, FailuresShowNoSecret) {
  LaunchTracker tracker;
  tracker.add_source("a");
  tracker.feed(0,
               "(EngineCore_DP0 pid=3) ERROR x [core.py:1] EngineCore failed to start. "
               "HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz0123",
               1);
  ASSERT_EQ(tracker.state().processes.size(), 1u);
  const ProcessState& p = tracker.state().processes.front();
  EXPECT_TRUE(p.failed);
  EXPECT_NE(p.evidence.find("EngineCore failed to start"), std::string::npos) << p.evidence;
  EXPECT_EQ(p.evidence.find("abcdefghij"), std::string::npos) << p.evidence;
}

TEST(LaunchTracker, ABarWithoutItsPrefixIsOfRankZero) {
  EXPECT_EQ(rows({{0, "(Worker_TP0 pid=512) INFO x [g.py:1] Starting to load model m"},
                  {0,
                   "Loading safetensors checkpoint shards:  33% Completed | 3/9 [00:10<00:08,  "
                   "1.21s/it]"}}),
            "a Worker_TP0 rank 0 pid 512 loading; ");
}

TEST(LaunchTracker, PhasesOnlyAdvance) {
  EXPECT_EQ(
      rows({{0, "(Worker_TP0 pid=512) INFO x [g.py:1] Starting to load model m"}, {0, kStart}}),
      "a Worker_TP0 rank 0 pid 512 loading; ");
}

TEST(LaunchTracker, ABannerAgainIsARestart) {
  EXPECT_EQ(rows({{0, "INFO x [a.py:1] vLLM API server version 0.10"},
                  {0, "(Worker_TP0 pid=512) ERROR x [g.py:1] WorkerProc failed to start."},
                  {0, "INFO x [a.py:1] vLLM API server version 0.10"}}),
            "a rank -1 pid -1 process start; ");
}

TEST(LaunchTracker, HostileNumbers) {
  EXPECT_EQ(
      rows({{0, "INFO x [p.py:1] world_size=99999999999 rank=5 distributed_init_method=tcp://a"}}),
      "a rank -1 pid -1 rendezvous; ");
  EXPECT_EQ(rows({{0, "INFO x [p.py:1] world_size=4 rank=9 distributed_init_method=tcp://a"}}),
            "a rank -1 pid -1 rendezvous; ");
}

TEST(LaunchTracker, LogsOfOnePlaceShareProcesses) {
  LaunchTracker tracker;
  const int nccl = tracker.add_source("nccl.log", "here"), out = tracker.add_source("out", "here");
  // NCCL's file is read first: the banner in the other one is no restart of it.
  tracker.feed(nccl, kStart, 1);
  tracker.feed(out, "(APIServer pid=4) INFO x [a.py:1] vLLM API server version 0.14.0", 1);
  tracker.feed(out, "(Worker_TP0 pid=512) INFO x [g.py:1] Starting to load model m", 2);
  tracker.feed(nccl, kStart, 3);
  ASSERT_EQ(tracker.state().processes.size(), 2u);
  EXPECT_EQ(tracker.state().processes.front().name, "Worker_TP0");
  EXPECT_EQ(tracker.state().processes.front().rank, 0);
  EXPECT_EQ(tracker.state().restarts, 0);
  tracker.feed(out, "(EngineCore pid=9) ERROR x [c.py:1] EngineCore failed to start.", 4);
  tracker.feed(out, "(APIServer pid=5) INFO x [a.py:1] vLLM API server version 0.14.0", 5);
  EXPECT_EQ(tracker.state().restarts, 1);
  ASSERT_EQ(tracker.state().processes.size(), 1u);
  EXPECT_EQ(tracker.state().sources.at("out").before,
            "ERROR x [c.py:1] EngineCore failed to start.");
}

TEST(LaunchTracker, TwoLogsOfOneProcessStayOneRow) {
  LaunchTracker tracker;
  const int a = tracker.add_source("a"), b = tracker.add_source("b");
  tracker.feed(a, "(Worker_TP0 pid=512) INFO x [g.py:1] Starting to load model m", 1);
  for (int i = 0; i < 3; ++i) tracker.feed(b, kStart, 2 + i);
  EXPECT_EQ(tracker.state().processes.size(), 1u);
}

TEST(LaunchTracker, WhatTheMachineShows) {
  LaunchTracker tracker;
  const int here = tracker.add_source("this machine");
  ProcessSight sight{.pid = 512, .name = "VLLM::Worker_TP3", .activity = "loading"};
  sight.bytes_per_s = 2e9;
  sight.shards = {.done = 6, .total = 59};
  sight.moved = true;
  tracker.observe(here, sight, 5);
  ASSERT_EQ(tracker.state().processes.size(), 1u);
  const ProcessState& p = tracker.state().processes.front();
  EXPECT_EQ(p.rank, 3);
  EXPECT_EQ(p.phase, Phase::Load);
  EXPECT_EQ(p.progress.done, 6);
  EXPECT_EQ(p.last_line_s, 5);
  tracker.observe(here, {.pid = 512, .name = "", .activity = "waiting"}, 9);
  EXPECT_EQ(p.last_line_s, 5);
  tracker.observe(here, {.pid = 513, .name = "", .activity = "gone"}, 9);
  EXPECT_EQ(tracker.state().processes.size(), 1u);
}

}  // namespace
}  // namespace rankdx
