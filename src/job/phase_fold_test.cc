#include "job/phase_fold.h"

#include <gtest/gtest.h>

#include "job/test_logs.h"

namespace rankdx {
namespace {

const LiteralSet kNoGate({"no line holds this text"});

PhaseFacts phase_of_log(const std::string& log) {
  const SourceFacts facts = test::fold_text("log", log, kNoGate);
  return facts.processes.empty() ? PhaseFacts{} : facts.processes.front().phase;
}

TEST(PhaseFold, TheLastPhaseAndItsBar) {
  const PhaseFacts f = phase_of_log(
      "INFO 10-02 08:00:01 [core.py:77] Initializing a V1 LLM engine (v0.11.0) with config: x\n"
      "INFO 10-02 08:00:20 [gpu_model_runner.py:2338] Starting to load model /m...\n"
      "Loading safetensors checkpoint shards:  10% Completed | 6/59 [00:55<08:11,  9.27s/it]\n"
      "Loading safetensors checkpoint shards:  12% Completed | 7/59 [01:04<08:02,  9.27s/it]\n");
  EXPECT_EQ(f.phase, Phase::Load);
  EXPECT_EQ(f.entered.line, 2u);
  EXPECT_EQ(f.last.line, 4u);
  EXPECT_EQ(f.done, 7);
  EXPECT_EQ(f.total, 59);
  EXPECT_EQ(f.left_s, 482);
}

TEST(PhaseFold, WaitingIsNoProgress) {
  const std::string wait = "No available shared memory broadcast block found in 60 seconds.\n";
  const PhaseFacts f = phase_of_log("Starting to load model /m...\n" + wait + wait);
  EXPECT_EQ(f.phase, Phase::Load);
  EXPECT_EQ(f.last.line, 1u);
  EXPECT_EQ(f.waits, 2u);
  EXPECT_EQ(f.last_wait.line, 3u);
}

TEST(PhaseFold, ANewBannerBeginsAnew) {
  const PhaseFacts f = phase_of_log(
      "Application startup complete.\n"
      "vLLM API server version 0.11.0\n");
  EXPECT_EQ(f.phase, Phase::Boot);
  EXPECT_EQ(f.entered.line, 2u);
}

}  // namespace
}  // namespace rankdx
