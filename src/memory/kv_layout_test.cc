#include "memory/kv_layout.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "memory/model_config.h"

namespace rankdx {
namespace {

ModelConfig model(std::string_view json) {
  const auto fields = Fields::parse(json, "config.json");
  EXPECT_TRUE(fields) << json;
  const auto config = model_config(*fields, ConfigKind::Detect, "config.json");
  EXPECT_TRUE(config) << json;
  return config ? *config : ModelConfig();
}

constexpr double kGib = 1073741824.0;

constexpr std::string_view kLlama =
    R"({"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"head_dim":128,"max_position_embeddings":131072})";
constexpr std::string_view kLatent =
    R"({"model_type":"deepseek_v3","num_hidden_layers":61,"num_attention_heads":128,"kv_lora_rank":512,"qk_rope_head_dim":64})";
constexpr std::string_view kSparse =
    R"({"model_type":"deepseek_v32","num_hidden_layers":61,"num_attention_heads":128,"kv_lora_rank":512,"qk_rope_head_dim":64,"index_head_dim":128,"index_n_heads":64})";
constexpr std::string_view kGptOss =
    R"({"model_type":"gpt_oss","num_hidden_layers":24,"num_attention_heads":64,"num_key_value_heads":8,"head_dim":64,"sliding_window":128})";
constexpr std::string_view kGemma3 =
    R"({"model_type":"gemma3_text","num_hidden_layers":62,"num_attention_heads":32,"num_key_value_heads":16,"head_dim":128,"sliding_window":1024,"sliding_window_pattern":6})";
/// Qwen3.6-27B: 16 of 64 layers attend, the others are gated delta nets.
constexpr std::string_view kDeltaNet =
    R"({"model_type":"qwen3_5_text","num_hidden_layers":64,"full_attention_interval":4,"num_attention_heads":24,"num_key_value_heads":4,"head_dim":256,"linear_num_value_heads":48,"linear_num_key_heads":16,"linear_key_head_dim":128,"linear_value_head_dim":128,"linear_conv_kernel_dim":4,"mamba_ssm_dtype":"float32"})";
/// Gemma 4 31B: full layers have fewer but wider heads than those with a window.
constexpr std::string_view kGemma4 =
    R"({"model_type":"gemma4_text","num_hidden_layers":60,"num_attention_heads":32,"num_key_value_heads":16,"head_dim":256,"global_head_dim":512,"num_global_key_value_heads":4,"sliding_window":1024,"layer_types":["sliding_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention"]})";
constexpr std::string_view kKimi =
    R"({"model_type":"kimi_linear","num_hidden_layers":27,"num_attention_heads":32,"kv_lora_rank":512,"qk_rope_head_dim":64,"linear_attn_config":{"full_attn_layers":[4,8,12,16,20,24,27],"num_heads":32,"head_dim":128,"short_conv_kernel_size":4}})";

struct Asked {
  std::string_view config, version, dtype = "auto";
  int64_t tp = 1, pp = 1;
};

KvLayout layout_of(const Asked& a, int64_t batched = 8192) {
  KvOptions o;
  o.vllm = vllm_version(a.version);
  o.dtype = a.dtype;
  o.tp = a.tp;
  o.pp = a.pp;
  o.batched_tokens = batched;
  return kv_layout(model(a.config), o);
}

/// "bytes per token / block size / groups"
std::string shape(const Asked& a) {
  const KvLayout l = layout_of(a);
  return fmt::format("{}/{}/{}", l.token_bytes, l.block_size, l.groups.size());
}

TEST(KvLayout, Shapes) {
  const std::pair<Asked, std::string_view> cases[] = {
      {{kLlama, "0.11"}, "131072/16/1"},
      {{kLlama, "0.11", "fp8"}, "65536/16/1"},
      {{kLlama, "0.11", "fp8_e4m3", 2}, "32768/16/1"},
      {{kLlama, "0.11", "auto", 16}, "16384/16/1"},    // 8 KV heads on 16 ranks: one each
      {{kLlama, "0.11", "auto", 2, 2}, "32768/16/1"},  // 16 layers per stage, 4 heads
      {{kLatent, "0.11", "auto", 8}, "70272/64/1"},    // the same on every rank
      {{kLatent, "0.11", "fp8", 8}, "35136/64/1"},
      {{kSparse, "0.12", "fp8", 8}, "48068/64/1"},  // 656 + 132 bytes a layer
      {{kGptOss, "0.11"}, "49152/16/2"},
      {{kGptOss, "0.8.5"}, "49152/16/1"},               // no groups before 0.9.1
      {{kGemma3, "0.11"}, "507904/16/7"},               // 10 full, 52 windows in groups of 10
      {{kDeltaNet, "0.19", "fp8"}, "32768/1568/4"},     // logged: 1568
      {{kDeltaNet, "0.24", "fp8", 2}, "16384/1568/4"},  // logged: 1568
      {{kDeltaNet, "0.24", "auto"}, "65536/784/4"},     // known: 784
      {{kKimi, "0.14", "auto", 2}, "8064/944/4"},       // known: 944
      {{kDeltaNet, "0.7.3"}, "65536/16/1"}};            // V0 keeps states elsewhere
  for (const auto& [asked, expected] : cases)
    EXPECT_EQ(shape(asked), expected) << asked.config << asked.version;
}

/// What the log printed for a cache size: "tokens, concurrency".
std::string printed(const Asked& a, double gib, int64_t length, int64_t batched = 2048) {
  const KvLayout l = layout_of(a, batched);
  const int64_t blocks = l.blocks_in(gib * kGib);
  return fmt::format("{}, {:.2f}", l.tokens_printed(blocks, length), l.concurrency(blocks, length));
}

TEST(KvLayout, AsLogged) {
  EXPECT_EQ(printed({kLlama, "0.6.4"}, 3.81, 20000), "31200, 1.56");
  EXPECT_EQ(printed({kDeltaNet, "0.24", "fp8", 2}, 4.99, 131072), "302921, 2.31");
  // Gemma 4 31B on an A100 with about 50 GiB: 55k tokens in 0.20, ten times as many in 0.21, of the
  // same memory.
  EXPECT_EQ(printed({kGemma4, "0.20"}, 50, 32768), "54608, 10.30");
  EXPECT_EQ(printed({kGemma4, "0.21"}, 50, 32768), "337400, 10.30");
}

TEST(KvLayout, AsLoggedWithPrefixCachingOfStates) {
  KvOptions o;
  o.vllm = vllm_version("0.20.0");
  o.dtype = "fp8";
  o.state_cache = StateCache::Aligned;
  const KvLayout l = kv_layout(model(kDeltaNet), o);
  const int64_t blocks = l.blocks_in(6.67 * kGib);
  EXPECT_EQ(l.block_size, 1568);
  EXPECT_EQ(l.tokens_printed(blocks, 32768), 53312);
  EXPECT_EQ(fmt::format("{:.2f}", l.concurrency(blocks, 32768)), "5.15");
}

TEST(KvLayout, BlocksOfARequest) {
  const KvLayout windows = layout_of({kGptOss, "0.11"}, 1024);
  EXPECT_EQ(windows.blocks_for(16), 1 + 2);
  EXPECT_EQ(windows.blocks_for(131072), 8192 + 73);  // ceil((127 + 1024) / 16) + 1
  EXPECT_EQ(windows.blocks_for(0), 1);
  const KvLayout full = layout_of({kLlama, "0.11"});
  EXPECT_EQ(full.blocks_for(17), 2);
  EXPECT_EQ(full.longest(kGib, 131072), 8192);
  EXPECT_EQ(full.longest(100 * kGib, 131072), 131072);
  EXPECT_EQ(full.longest(0, 131072), 0);
  EXPECT_EQ(full.bytes_for(8192), kGib);
  EXPECT_EQ(full.blocks_in(-1), 0);
}

TEST(KvLayout, WindowsWithoutTheHybridManagerKeepAllTokens) {
  KvOptions o;
  o.vllm = vllm_version("0.11");
  o.manager = HybridManager::Off;
  EXPECT_EQ(kv_layout(model(kGptOss), o).groups.size(), 1u);
}

TEST(KvLayout, TheHeaviestStageDecides) {
  const KvLayout l = layout_of({kLatent, "0.11", "auto", 1, 4});
  EXPECT_EQ(stage_layers(61, 4), (std::vector<int64_t>{15, 15, 16, 15}));
  EXPECT_EQ(stage_layers(94, 4), (std::vector<int64_t>{23, 24, 24, 23}));
  EXPECT_EQ(stage_layers(3, 8), (std::vector<int64_t>{0, 0, 0, 0, 1, 1, 1, 0}));
  EXPECT_EQ(l.block_bytes_of_stage,
            (std::vector<int64_t>{15 * 73728, 15 * 73728, 16 * 73728, 15 * 73728}));
  EXPECT_EQ(l.blocks_in(16 * 73728 * 10.5), 10);
}

}  // namespace
}  // namespace rankdx
