#include "events/phases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

namespace rankdx {
namespace {

TEST(Phases, TableIsSortedAndUnique) {
  const auto marks = phase_marks();
  EXPECT_TRUE(
      std::is_sorted(marks.begin(), marks.end(),
                     [](const PhaseMark& a, const PhaseMark& b) { return a.text < b.text; }));
  EXPECT_EQ(
      std::adjacent_find(marks.begin(), marks.end(),
                         [](const PhaseMark& a, const PhaseMark& b) { return a.text == b.text; }),
      marks.end());
}

std::string said(std::string_view body) {
  const auto mark = phase_of(body);
  if (!mark) return "-";
  if (mark->kind == MarkKind::Fail) return "fail";
  if (mark->kind == MarkKind::Wait) return "wait";
  return std::string(name_of(mark->phase));
}

TEST(Phases, OfLines) {
  EXPECT_EQ(said("INFO 02-27 20:31:51 [core.py:97] Initializing a V1 LLM engine (v0.16.0) with "
                 "config: ..."),
            "rendezvous");
  EXPECT_EQ(said("INFO 02-27 20:31:57 [pynccl.py:111] vLLM is using nccl==2.27.5"), "NCCL init");
  EXPECT_EQ(
      said("Loading safetensors checkpoint shards:  11% Completed | 1/9 [00:01<00:08,  1.10s/it]"),
      "loading");
  EXPECT_EQ(said("INFO 02-27 [m.py:1] Model loading took 18.55 GiB memory and 31.238919 seconds"),
            "compile");
  EXPECT_EQ(said("INFO 02-27 [k.py:1] # cuda blocks: 1234, # CPU blocks: 2048"), "KV cache");
  EXPECT_EQ(said("Capturing CUDA graphs (decode, FULL):  40%|##  | 2/5 [00:01<00:01, 2.00it/s]"),
            "graph capture");
  EXPECT_EQ(said("INFO:     Application startup complete."), "serving");
  EXPECT_EQ(said("INFO [shm.py:1] No available shared memory broadcast block found in 60 seconds."),
            "wait");
  EXPECT_EQ(
      said("ERROR [e.py:1] Worker proc VllmWorker-1 died unexpectedly, shutting down executor."),
      "fail");
  EXPECT_EQ(said("INFO [x.py:1] Chunked prefill is enabled"), "-");
}

TEST(Phases, Bars) {
  using P = std::optional<BarState>;
  EXPECT_EQ(bar_of_line("Loading: 11% Completed | 1/9 [00:01<00:08,  2.00s/it]"),
            P(BarState{1, 9, 8, 2}));
  EXPECT_EQ(bar_of_line("Loading: 0% Completed | 0/9 [00:00<?, ?it/s]"), P(BarState{0, 9, -1, -1}));
  EXPECT_EQ(bar_of_line("Capturing: 100%|##| 51/51 [00:06<1:00:02,  4.00it/s]"),
            P(BarState{51, 51, 3602, 0.25}));
  EXPECT_EQ(bar_of_line("Loading: 50% Completed | 1.5k/3M [00:06<00:02,  4.00it/s]"),
            P(BarState{1500, 3e6, 2, 0.25}));
  EXPECT_EQ(bar_of_line("Loading: 50% Completed | 9/3 [00:06<00:02,  4.00it/s]"), std::nullopt);
  EXPECT_EQ(bar_of_line("a list [1, 2]"), std::nullopt);
  EXPECT_EQ(bar_of_line("["), std::nullopt);
}

}  // namespace
}  // namespace rankdx
