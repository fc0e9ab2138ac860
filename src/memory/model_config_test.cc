#include "memory/model_config.h"

#include <gtest/gtest.h>

#include "memory/kv_layout.h"
#include "memory/vllm_version.h"

namespace rankdx {
namespace {

Result<ModelConfig> read(std::string_view json) {
  const auto fields = Fields::parse(json, "config.json");
  return fields ? model_config(*fields, ConfigKind::Detect, "config.json")
                : tl::unexpected(fields.error());
}

/// One letter per layer: F full, S sliding, C chunked, M state, - nothing; a capital X behind it
/// where it has experts.
std::string pattern(std::string_view json) {
  const auto config = read(json);
  if (!config) return config.error().text;
  std::string text;
  for (const ModelLayer& l : config->layers) {
    text += "FSCM-"[static_cast<size_t>(l.mixer)];
    if (l.mlp == Mlp::Experts) text += 'X';
  }
  return text;
}

TEST(ModelConfig, LayersOfEachFamily) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"num_hidden_layers":3,"num_attention_heads":2,"hidden_size":8})", "FFF"},
      {R"({"num_hidden_layers":3,"num_attention_heads":2,"hidden_size":8,"sliding_window":64})",
       "SSS"},
      {R"({"num_hidden_layers":3,"num_attention_heads":2,"hidden_size":8,"sliding_window":null})",
       "FFF"},
      {R"({"num_hidden_layers":2,"num_attention_heads":2,"model_type":"qwen2","sliding_window":64,"use_sliding_window":false})",
       "FF"},
      {R"({"num_hidden_layers":3,"num_attention_heads":2,"model_type":"qwen2","sliding_window":64,"use_sliding_window":true,"max_window_layers":2})",
       "FFS"},
      {R"({"num_hidden_layers":4,"num_attention_heads":2,"model_type":"gemma2","sliding_window":64})",
       "SFSF"},
      {R"({"num_hidden_layers":7,"num_attention_heads":2,"model_type":"gemma3_text","sliding_window":64})",
       "SSSSSFS"},
      {R"({"num_hidden_layers":3,"num_attention_heads":2,"sliding_window":64,"layer_types":["full_attention","sliding_attention","full_attention"]})",
       "FSF"},
      {R"({"num_hidden_layers":5,"num_attention_heads":2,"model_type":"llama4_text","attention_chunk_size":8192,"num_local_experts":16,"interleave_moe_layer_step":2,"intermediate_size":8})",
       "CCXCFXC"},
      {R"({"num_hidden_layers":4,"num_attention_heads":2,"model_type":"qwen3_next","full_attention_interval":4,"num_experts":8,"moe_intermediate_size":4})",
       "MXMXMXFX"},
      {R"({"num_hidden_layers":5,"num_attention_heads":2,"hidden_size":8,"model_type":"nemotron_h","hybrid_override_pattern":"M-*ME"})",
       "M-FM-X"},
      {R"({"num_hidden_layers":4,"num_attention_heads":2,"hidden_size":8,"model_type":"jamba","attn_layer_period":4,"attn_layer_offset":2,"num_experts":2,"expert_layer_period":2,"expert_layer_offset":1,"intermediate_size":4})",
       "MMXFMX"},
      {R"({"num_hidden_layers":4,"num_attention_heads":2,"model_type":"kimi_linear","linear_attn_config":{"full_attn_layers":[4],"num_heads":2,"head_dim":4}})",
       "MMMF"},
      {R"({"num_hidden_layers":3,"num_attention_heads":2,"model_type":"deepseek_v3","first_k_dense_replace":1,"n_routed_experts":8,"moe_intermediate_size":4})",
       "FFXFX"},
      {R"({"num_hidden_layers":3,"num_attention_heads":2,"mlp_only_layers":[1],"num_experts":4,"moe_intermediate_size":4})",
       "FXFFX"},
      {R"({"dim":8,"n_layers":4,"n_heads":2,"sliding_window":[null,64]})", "FSFS"},
      {R"({"text_config":{"full_attention_layers":2,"linear_attention_layers":6,"num_key_value_heads":2,"head_dim":8}})",
       "MMMFMMMF"},
      {R"({"num_hidden_layers":0,"num_attention_heads":2})",
       "no number of layers (num_hidden_layers) in it"},
      {R"({"num_hidden_layers":100000,"num_attention_heads":2})",
       "100000 layers: no model has that"},
      {R"({"num_hidden_layers":2,"num_attention_heads":-2})",
       "attention heads of -2: no model has that"},
      {R"({"num_hidden_layers":2})", "no number of attention or KV heads in it"},
      {"[1]", "a model configuration is a JSON object, this is none"},
      {"{", "not valid JSON"}};
  for (const auto& [json, expected] : cases) EXPECT_EQ(pattern(json), expected) << json;
}

/// "heads/kv heads x head size, longest context, dtype"
std::string sizes(std::string_view json) {
  const auto c = read(json);
  if (!c) return c.error().text;
  return std::to_string(c->heads) + "/" + std::to_string(c->kv_heads) + "x" +
         std::to_string(c->head_dim) + ", " + std::to_string(c->max_len) + ", " + c->dtype;
}

TEST(ModelConfig, Sizes) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"num_hidden_layers":1,"hidden_size":64,"num_attention_heads":4,"torch_dtype":"float16"})",
       "4/4x16, 0, float16"},
      {R"({"num_hidden_layers":1,"hidden_size":64,"num_attention_heads":4,"head_dim":32,"num_key_value_heads":2})",
       "4/2x32, 0, bfloat16"},
      {R"({"model_type":"falcon","num_hidden_layers":1,"hidden_size":64,"num_attention_heads":4,"multi_query":true})",
       "4/1x16, 0, bfloat16"},
      {R"({"n_layer":1,"n_embd":64,"n_head":4,"n_positions":1024})", "4/4x16, 1024, bfloat16"},
      {R"({"num_hidden_layers":1,"hidden_size":64,"num_attention_heads":4,"max_position_embeddings":4096,"rope_scaling":{"type":"linear","factor":2.0}})",
       "4/4x16, 8192, bfloat16"},
      {R"({"num_hidden_layers":1,"hidden_size":64,"num_attention_heads":4,"max_position_embeddings":8192,"rope_scaling":{"rope_type":"llama3","factor":8.0}})",
       "4/4x16, 8192, bfloat16"},
      {R"({"num_hidden_layers":1,"hidden_size":64,"num_attention_heads":4,"max_position_embeddings":163840,"rope_scaling":{"type":"yarn","factor":4,"original_max_position_embeddings":4096}})",
       "4/4x16, 16384, bfloat16"},
      {R"({"dtype":"float32","text_config":{"num_hidden_layers":1,"hidden_size":64,"num_attention_heads":4}})",
       "4/4x16, 0, bfloat16"},
      {R"({"dim":64,"n_layers":2,"n_heads":4,"n_kv_heads":2,"head_dim":16})",
       "4/2x16, 128000, bfloat16"},
      {R"({"num_hidden_layers":1,"hidden_size":64,"num_attention_heads":4,"max_position_embeddings":40960,"rope_parameters":{"rope_type":"yarn","factor":4,"original_max_position_embeddings":32768}})",
       "4/4x16, 131072, bfloat16"},
      {R"({"dim":64,"n_layers":2,"n_heads":4,"n_kv_heads":2,"head_dim":16,"max_position_embeddings":294912,"yarn":{"factor":36,"original_max_position_embeddings":8192}})",
       "4/2x16, 294912, bfloat16"}};
  for (const auto& [json, expected] : cases) EXPECT_EQ(sizes(json), expected) << json;
}

/// "method format bits group cache"
std::string quantised(std::string_view part) {
  const auto c = read(
      R"({"num_hidden_layers":1,"hidden_size":64,"num_attention_heads":4,"quantization_config":)" +
      std::string(part) + "}");
  if (!c) return c.error().text;
  const Quantisation& q = c->quantisation;
  constexpr const char* words[] = {"plain", "fp8",   "int8", "grouped",
                                   "nvfp4", "mxfp4", "nf4",  "unknown"};
  return q.method + " " + words[static_cast<size_t>(q.format)] + " " + std::to_string(q.bits) +
         " " + std::to_string(q.group) + (q.fp8_cache ? " fp8-cache" : "");
}

TEST(ModelConfig, Quantisation) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"quant_method":"awq","bits":4,"group_size":128,"zero_point":true})",
       "awq grouped 4 128"},
      {R"({"quant_method":"gptq","bits":8,"group_size":32})", "gptq grouped 8 32"},
      {R"({"quant_method":"fp8","weight_block_size":[128,128]})", "fp8 fp8 8 0"},
      {R"({"quant_method":"mxfp4"})", "mxfp4 mxfp4 4 0"},
      {R"({"quant_method":"bitsandbytes","load_in_4bit":true})", "bitsandbytes nf4 4 0"},
      {R"({"quant_method":"bitsandbytes","load_in_8bit":true})", "bitsandbytes int8 8 0"},
      {R"({"quant_algo":"NVFP4","kv_cache_quant_algo":"FP8"})", "modelopt nvfp4 4 16 fp8-cache"},
      {R"({"producer":{"name":"modelopt"},"quantization":{"quant_algo":"FP8","kv_cache_quant_algo":"FP8"}})",
       "modelopt fp8 8 16 fp8-cache"},
      {R"({"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"group_0":{"weights":{"num_bits":4,"type":"int","group_size":128}}}})",
       "compressed-tensors grouped 4 128"},
      {R"({"quant_method":"compressed-tensors","config_groups":{"group_0":{"weights":{"num_bits":8,"type":"float"}}},"kv_cache_scheme":{"num_bits":8}})",
       "compressed-tensors fp8 8 0 fp8-cache"},
      {R"({"quant_method":"compressed-tensors","format":"nvfp4-pack-quantized","config_groups":{"group_0":{"weights":{"num_bits":4,"type":"float","group_size":16}}}})",
       "compressed-tensors nvfp4 4 16"},
      {R"({"quant_method":"something-new"})", "something-new unknown 16 0"}};
  for (const auto& [json, expected] : cases) EXPECT_EQ(quantised(json), expected) << json;
}

TEST(VllmVersion, AsPeopleWriteIt) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"0.11.0", "0.11.0"},
      {"v0.8.5.post1", "0.8.5"},
      {"0.6.4", "0.6.4 (V0 engine)"},
      {"0.8.5 (V0)", "0.8.5 (V0 engine)"},
      {"0.7.3 (V1)", "0.7.3"},
      {"0.22+ (2026)", "0.22.0"},
      {"before 0.21", "0.20.98"},
      {"<0.9", "0.8.98"},
      {"~0.14-0.16", "0.14.0"},
      {"Aug 2026", "0.26.0"},
      {"", "0.26.0"},
      {"main-2026-08-17", "0.26.0"},
      {"2.10.0", "0.26.0"},
      {"0.15.2rc1.dev93", "0.15.2"}};
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(to_string(vllm_version(text)), expected) << text;
  EXPECT_TRUE(vllm_version("").assumed);
  EXPECT_FALSE(vllm_version("0.10").assumed);
  EXPECT_EQ(default_utilization(vllm_version("0.20.1")), 0.90);
  EXPECT_EQ(default_utilization(vllm_version("0.21.0")), 0.92);
}

}  // namespace
}  // namespace rankdx
