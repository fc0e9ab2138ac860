// Experts, latent attention and recurrent states of a configuration; Mistral's names in those of
// Hugging Face.
#include <algorithm>
#include <array>

#include "memory/config_parts.h"

namespace rankdx {
namespace {

/// Bounds under which no product of sizes leaves 63 bits.
constexpr int64_t kMost = 1 << 14, kMostInner = 1 << 24;
int64_t sane(int64_t value) { return std::clamp<int64_t>(value, 0, kMost); }
int64_t inner_size(int64_t value) { return std::clamp<int64_t>(value, 0, kMostInner); }

bool is_one_of(const std::string& word, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), word) != names.end();
}

StateSpace delta_net(const Fields& text, const ModelConfig& c) {
  StateSpace s;
  s.kind = StateSpace::Kind::DeltaNet;
  // The family's defaults stand in where an excerpt has no linear_* fields.
  s.assumed = !text.has("linear_num_value_heads");
  s.heads = sane(text.integer_or({"linear_num_value_heads"}, 32));
  s.head_dim = sane(text.integer_or({"linear_value_head_dim"}, 128));
  s.key_heads = sane(text.integer_or({"linear_num_key_heads"}, 16));
  s.key_dim = sane(text.integer_or({"linear_key_head_dim"}, 128));
  s.kernel = sane(text.integer_or({"linear_conv_kernel_dim"}, 4));
  // Qwen 3.5 keeps its state in 32 bits (mamba_ssm_dtype), Qwen3-Next in the model's type.
  if (text.text("mamba_ssm_dtype") == "float32" || c.model_type != "qwen3_next") s.state_bytes = 4;
  return s;
}

StateSpace mamba2(const Fields& text, const ModelConfig& c) {
  StateSpace s;
  s.kind = StateSpace::Kind::Mamba2;
  s.heads = sane(
      text.integer_or({"mamba_num_heads", "mamba_n_heads", "n_mamba_heads", "num_heads"}, 128));
  s.head_dim = sane(text.integer_or({"mamba_head_dim", "mamba_d_head", "mamba_headdim"}, 0));
  s.state = sane(text.integer_or({"ssm_state_size", "mamba_d_state", "state_size"}, 128));
  s.groups = std::max<int64_t>(
      sane(text.integer_or({"n_groups", "mamba_n_groups", "mamba_ngroups"}, 1)), 1);
  s.kernel = sane(text.integer_or({"conv_kernel", "mamba_d_conv"}, 4));
  const int64_t expand = std::clamp<int64_t>(text.integer_or({"mamba_expand", "expand"}, 2), 1, 64);
  s.inner = inner_size(text.integer_or({"mamba_d_ssm"}, 0));
  if (s.head_dim == 0 && s.heads > 0) s.head_dim = sane(expand * inner_size(c.hidden) / s.heads);
  if (s.inner == 0) {
    s.inner = inner_size(text.has("mamba_num_heads") ? s.heads * s.head_dim
                                                     : expand * inner_size(c.hidden));
  }
  if (text.text("mamba_ssm_cache_dtype") == "float32") s.state_bytes = 4;
  return s;
}

StateSpace mamba1(const Fields& text, const ModelConfig& c) {
  StateSpace s;
  s.kind = StateSpace::Kind::Mamba1;
  s.state = sane(text.integer_or({"mamba_d_state", "state_size"}, 16));
  s.kernel = sane(text.integer_or({"mamba_d_conv", "conv_kernel"}, 4));
  s.inner = std::clamp<int64_t>(text.integer_or({"mamba_expand", "expand"}, 2), 1, 64) *
            inner_size(c.hidden);
  if (c.model_type != "jamba" && c.intermediate > 0) s.inner = inner_size(c.intermediate);
  return s;
}

StateSpace kimi_delta(const Fields& linear) {
  StateSpace s;
  s.kind = StateSpace::Kind::KimiDelta;
  s.heads = sane(linear.integer_or({"num_heads"}, 32));
  s.head_dim = sane(linear.integer_or({"head_dim"}, 128));
  s.kernel = sane(linear.integer_or({"short_conv_kernel_size"}, 4));
  s.state_bytes = 4;
  return s;
}

StateSpace lightning(const ModelConfig& c) {
  StateSpace s;
  s.kind = StateSpace::Kind::Lightning;
  s.heads = sane(c.heads);
  s.head_dim = sane(c.head_dim);
  return s;
}

}  // namespace

Experts experts_of(const Fields& text, const ModelConfig& c) {
  Experts e;
  e.count = text.integer_or(
      {"num_experts", "moe_num_experts", "n_routed_experts", "num_local_experts"}, 0);
  if (const int64_t nested = text.object("ffn_config").integer_or({"moe_num_experts"}, 0))
    e.count = nested;
  // One expert is a dense model (older Qwen and Jamba configurations write it so).
  if (e.count <= 1) return {};
  e.intermediate = text.integer_or({"moe_intermediate_size", "expert_ffn_hidden_size",
                                    "expert_hidden_dim", "moe_ffn_hidden_size", "expert_dim"},
                                   c.intermediate);
  const int64_t shared = text.integer_or(
      {"n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts"}, 0);
  e.shared_intermediate =
      text.integer_or({"moe_shared_expert_intermediate_size", "shared_expert_intermediate_size",
                       "shared_intermediate_size"},
                      std::clamp<int64_t>(shared, 0, 1024) * inner_size(e.intermediate));
  if (c.model_type.rfind("llama4", 0) == 0) e.shared_intermediate = e.intermediate;
  // Gemma 4 has a dense MLP beside the experts.
  if (text.boolean("enable_moe_block") == true) e.shared_intermediate += inner_size(c.intermediate);
  return e;
}

std::optional<Latent> latent_of(const Fields& text, const ModelConfig& c) {
  const int64_t rank = text.integer_or({"kv_lora_rank"}, 0);
  // MiniCPM3 has the fields, but vLLM caches its keys and values unpacked.
  if (rank <= 0 || c.model_type == "minicpm3") return std::nullopt;
  Latent l;
  l.kv_rank = sane(rank);
  l.rope_dim = sane(text.integer_or({"qk_rope_head_dim"}, 64));
  l.nope_dim = sane(text.integer_or({"qk_nope_head_dim"}, 128));
  l.v_dim = sane(text.integer_or({"v_head_dim"}, 128));
  l.q_rank = sane(text.integer_or({"q_lora_rank"}, 0));
  l.index_dim = sane(text.integer_or({"index_head_dim"}, 0));
  l.index_heads = sane(text.integer_or({"index_n_heads"}, 0));
  return l;
}

std::optional<StateSpace> state_of(const Fields& text, ModelConfig& c) {
  const std::string& type = c.model_type;
  const Fields linear = text.object("linear_attn_config");
  std::optional<StateSpace> s;
  if (!linear.empty() || type == "kimi_linear") {
    s = kimi_delta(linear);
  } else if (is_one_of(type, {"jamba", "mamba", "falcon_mamba"})) {
    s = mamba1(text, c);
  } else if (is_one_of(type, {"bamba", "falcon_h1", "granitemoehybrid", "mamba2", "nemotron_h",
                              "zamba2", "plamo2"}) ||
             text.has("mamba_num_heads") || text.has("mamba_n_heads")) {
    s = mamba2(text, c);
  } else if (text.has("conv_L_cache")) {
    s.emplace();
    s->kind = StateSpace::Kind::ShortConv;
    s->inner = inner_size(text.integer_or({"conv_dim"}, c.hidden));
    s->kernel = sane(text.integer_or({"conv_L_cache"}, 3));
  } else if (text.has("attn_type_list") ||
             (text.has("layer_group_size") && !text.has("linear_num_value_heads"))) {
    s = lightning(c);
  } else if (text.has("linear_num_value_heads") || text.has("full_attention_interval") ||
             text.has("linear_attention_layers")) {
    s = delta_net(text, c);
    if (s->assumed)
      c.assumed.emplace_back(
          "sizes of the linear attention (linear_* fields) are Qwen's usual ones");
  }
  // A granite model may be of the hybrid type without any state layer.
  return s;
}

Fields mistral_as_hugging_face(const Fields& params) {
  Fields f = params.renamed({{"dim", "hidden_size"},
                             {"n_layers", "num_hidden_layers"},
                             {"n_heads", "num_attention_heads"},
                             {"n_kv_heads", "num_key_value_heads"},
                             {"hidden_dim", "intermediate_size"},
                             {"tied_embeddings", "tie_word_embeddings"},
                             {"max_seq_len", "max_position_embeddings"},
                             {"vision_encoder", "vision_config"}});
  const Fields moe = params.object("moe");
  if (!moe.empty()) {
    f = f.completed_by(moe.renamed({{"expert_hidden_dim", "moe_intermediate_size"},
                                    {"num_shared_experts", "n_shared_experts"}}));
  }
  const Fields multimodal = params.object("multimodal")
                                .renamed({{"vision_encoder_args", "vision_config"},
                                          {"whisper_model_args", "audio_config"}});
  f = f.completed_by(multimodal);
  const Fields yarn = params.object("yarn");
  if (!yarn.empty()) f = f.with_object("rope_scaling", yarn.with_text("rope_type", "yarn"));
  // Where nothing is said vLLM takes 128,000 positions, with a warning.
  if (!f.has("max_position_embeddings")) {
    const auto more = Fields::parse(R"({"max_position_embeddings": 128000})", "");
    f = f.completed_by(*more);
  }
  return f.has("model_type") ? f : f.with_text("model_type", "mistral");
}

}  // namespace rankdx
