#include "memory/fit.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "memory/known_models.h"
#include "memory/model_source.h"

namespace rankdx {
namespace {

ModelSource known(std::string_view name) {
  const auto source = open_model("", std::string(name), "", vllm_version("0.14"));
  EXPECT_TRUE(source) << name;
  return source ? *source : ModelSource();
}

FitReport fit_of(const ModelSource& source, std::string_view gpu, Parallel parallel,
                 std::optional<int64_t> length) {
  FitRequest r;
  r.vllm = vllm_version("0.14");
  if (const auto g = gpu_named(gpu)) r.gpu_memory_gib = g->memory_gib, r.gpu = g->kind;
  r.parallel = parallel;
  r.max_model_len = length;
  return fit(source.config, source.weights, r);
}

std::string ids(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& f : findings) text += (text.empty() ? "" : " ") + f.id;
  return text;
}

TEST(Fit, VerdictAndWhy) {
  struct Case {
    std::string_view model, gpu;
    Parallel parallel;
    std::optional<int64_t> length;
    std::string_view expected;
  };
  const Case cases[] = {
      {"Qwen/Qwen3-0.6B", "L4", {}, 8192, "fits"},
      {"Qwen/Qwen3-32B", "H100-80G", {}, 40960, "does-not-fit kv-cache-too-small-for-max-len"},
      {"Qwen/Qwen3-32B", "H100-80G", {2}, 40960, "fits"},
      {"meta-llama/Llama-3.1-70B", "H100-80G", {}, 8192, "does-not-fit gpu-oom-model-load"},
      {"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
       "H100-80G",
       {},
       16000,
       "does-not-fit no-memory-for-kv-cache"},
      {"meta-llama/Llama-3.1-70B",
       "H100-80G",
       {3},
       8192,
       "does-not-fit tp-size-does-not-divide-heads tp-size-does-not-divide-kv-heads"},
      {"meta-llama/Llama-3.1-70B", "H100-80G", {16}, 8192, "fits kv-heads-replicated"},
      {"meta-llama/Llama-3.1-8B",
       "H100-80G",
       {1, 64},
       8192,
       "does-not-fit pipeline-stages-exceed-layers"},
      {"meta-llama/Llama-3.1-8B",
       "H100-80G",
       {},
       200000,
       "does-not-fit max-model-len-beyond-model"},
      {"Qwen/Qwen3-30B-A3B-FP8",
       "H100-80G",
       {4},
       8192,
       "does-not-fit tp-size-does-not-divide-quantisation-groups"},
      {"Qwen/Qwen3-30B-A3B-FP8", "H100-80G", {4, 1, 1, ExpertParallel::On}, 8192, "fits"},
      {"meta-llama/Llama-3.1-8B", "", {}, 8192, "unknown"}};
  for (const Case& c : cases) {
    const FitReport r = fit_of(known(c.model), c.gpu, c.parallel, c.length);
    const std::string found = ids(r.findings);
    EXPECT_EQ(fmt::format("{}{}{}", to_string(r.verdict), found.empty() ? "" : " ", found),
              c.expected)
        << c.model << " TP " << c.parallel.tp;
  }
}

TEST(Fit, SmallestParallelismAndFlags) {
  const FitReport r = fit_of(known("meta-llama/Llama-3.1-70B"), "H100-80G", {}, 32768);
  ASSERT_TRUE(r.smallest_parallelism);
  EXPECT_EQ(r.smallest_parallelism->tp, 4);
  EXPECT_EQ(r.smallest_parallelism->pp, 1);
  EXPECT_EQ(r.flags,
            (std::vector<std::string>{"--tensor-parallel-size 4", "--max-model-len 32768"}));
}

/// What is advised must itself fit: the flags of a refusal, tried again.
TEST(Fit, AdvisedLengthFits) {
  for (const KnownModel& m : known_models()) {
    const ModelSource source = known(m.name);
    const FitReport r = fit_of(source, "H100-80G", {}, std::nullopt);
    const auto flag = std::find_if(r.flags.begin(), r.flags.end(), [](const std::string& f) {
      return f.rfind("--max-model-len ", 0) == 0;
    });
    if (r.verdict != Fits::No || flag == r.flags.end() || r.flags.size() != 1) continue;
    const auto length = parse_int<int64_t>(std::string_view(*flag).substr(16));
    ASSERT_TRUE(length);
    EXPECT_EQ(to_string(fit_of(source, "H100-80G", {}, *length).verdict), "fits")
        << m.name << " " << *flag;
  }
}

TEST(KnownModels, SortedReadableAndComplete) {
  const auto& models = known_models();
  EXPECT_GT(models.size(), 100u);
  for (size_t i = 0; i < models.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(lower(models[i - 1].name), lower(models[i].name));
    }
    EXPECT_EQ(known(models[i].name).config.lacking, std::vector<std::string>()) << models[i].name;
  }
  EXPECT_EQ(known_model("qwen3-32b")->name, "Qwen/Qwen3-32B");
  EXPECT_FALSE(known_model("Qwen3"));
}

TEST(KnownModels, AnExcerptIsCompletedByTheShapeItAgreesWith) {
  const auto like = [](std::string_view json) {
    const auto found = known_model_like(*Fields::parse(json, ""));
    return found ? std::string(found->name) : "";
  };
  EXPECT_EQ(
      like(
          R"({"num_hidden_layers":36,"hidden_size":2880,"num_attention_heads":64,"vocab_size":201088})"),
      "openai/gpt-oss-120b");
  EXPECT_EQ(
      like(
          R"({"num_hidden_layers":36,"hidden_size":2880,"num_attention_heads":64,"vocab_size":1})"),
      "");
  EXPECT_EQ(like(R"({"num_hidden_layers":36})"), "");
  EXPECT_EQ(like(R"({"num_hidden_layers":32,"hidden_size":4096,"num_attention_heads":32})"),
            "");  // several
}

TEST(Gpus, NamesAndSizes) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"H100-80G", "H100-80G"},
      {"NVIDIA H100 80GB HBM3", "H100-80G"},
      {"2x H100 80GB", "H100-80G"},
      {"h100", "H100-80G"},
      {"H100-94G", "H100-94G"},
      {"2x H200 141GB", "H200-141G"},
      {"A100-SXM4-40GB", "A100-40G"},
      {"L40S 48GB", "L40S-48G"},
      {"NVIDIA GeForce RTX 3090", "RTX3090-24G"},
      {"2x RTX 3090 24GB", "RTX3090-24G"},
      {"NVIDIA RTX A6000", "A6000-48G"},
      {"RTX 4090", "RTX4090-24G"},
      {"NVIDIA B200", "B200-180G"},
      {"Tesla T4", "T4-16G"},
      {"H100 40GB", ""},
      {"", ""},
      {"GTX 1080", ""}};
  for (const auto& [text, name] : cases) {
    const auto gpu = gpu_named(text);
    EXPECT_EQ(gpu ? gpu->name : "", name) << text;
  }
  EXPECT_TRUE(std::is_sorted(gpus().begin(), gpus().end(),
                             [](const Gpu& a, const Gpu& b) { return a.name < b.name; }));
  EXPECT_EQ(memory_size_gib("80GiB"), 80.0);
  EXPECT_EQ(memory_size_gib("1024 MiB"), 1.0);
  EXPECT_NEAR(*memory_size_gib("80GB"), 74.51, 0.01);
  for (const auto* text : {"", "GiB", "-3", "80 apples", "0", "1e99"})
    EXPECT_FALSE(memory_size_gib(text)) << text;
}

}  // namespace
}  // namespace rankdx
