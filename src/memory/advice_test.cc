#include "memory/advice.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

std::string flags(const std::vector<Advice>& advice) {
  std::string text;
  for (const Advice& a : advice) text += (text.empty() ? "" : " ") + a.flag;
  return text;
}

TEST(Advice, FromTheNumbersOfALog) {
  MemoryFacts f;
  EXPECT_EQ(flags(advise_from_numbers(f)), "");
  f.max_model_len = 262144, f.needed_gib = 36.0, f.available_gib = 6.94;
  EXPECT_EQ(flags(advise_from_numbers(f)),
            "--max-model-len 50176");  // the log of this run says 50512
  f.estimated_len = 50512;
  EXPECT_EQ(flags(advise_from_numbers(f)), "--max-model-len 50176");
  f.total_gib = 79.2, f.utilization = 0.5;
  EXPECT_EQ(flags(advise_from_numbers(f)), "--max-model-len 50176 --gpu-memory-utilization 0.87");
  f.utilization = 0.9;  // 1.27 would be needed
  EXPECT_EQ(flags(advise_from_numbers(f)), "--max-model-len 50176");
  f = {};
  f.available_gib = -1.4, f.needed_gib = 2, f.max_model_len = 8192;
  EXPECT_EQ(flags(advise_from_numbers(f)), "");  // nothing fits: no length is named
}

TEST(Advice, WithAKnownModel) {
  MemoryFacts f;
  f.model = "Qwen/Qwen3-32B", f.vllm = "0.14.0", f.gpu = "NVIDIA H100 80GB HBM3", f.tp = 1;
  EXPECT_EQ(flags(advise(f)),
            "--max-model-len 17408 --tensor-parallel-size 2 --pipeline-parallel-size 1 "
            "--kv-cache-dtype fp8");
  f.max_model_len = 8192;
  EXPECT_EQ(flags(advise(f)), "");  // it fits as it is
  f.model = "nobody/knows-it";
  EXPECT_EQ(flags(advise(f)), "");
}

}  // namespace
}  // namespace rankdx
