// The weights that a configuration implies.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "memory/tensors.h"

namespace rankdx {
namespace {

double d(int64_t value) { return static_cast<double>(value); }

/// Collects tensors of one model.
class Builder {
 public:
  explicit Builder(const ModelConfig& c) : c_(c) {}

  std::vector<Tensor> build() {
    plain("model.embed_tokens", c_.vocab, c_.hidden);
    per_layer_embeddings();
    for (size_t i = 0; i < c_.layers.size(); ++i) layer(i);
    plain("model.norm", 1, c_.hidden);
    if (!c_.tied) plain("lm_head", c_.vocab, c_.hidden);
    vision();
    return std::move(tensors_);
  }

 private:
  void add(std::string module, double bytes, int64_t copies = 1) {
    tensors_.push_back({std::move(module) + ".weight", bytes, copies, {}, {}});
  }
  void plain(std::string module, int64_t rows, int64_t columns) {
    add(std::move(module), d(rows) * d(columns) * d(c_.dtype_bytes));
  }
  void linear(const std::string& module, int64_t outputs, int64_t inputs, int64_t copies = 1) {
    const bool expert = module.find(".experts") != std::string::npos;
    const bool stays =
        (c_.quantisation.experts_only && !expert) || kept_plain(c_.quantisation, module);
    const Quantisation none;
    add(module, linear_bytes(stays ? none : c_.quantisation, d(outputs), d(inputs), c_.dtype_bytes),
        copies);
  }

  void layer(size_t i) {
    const ModelLayer& l = c_.layers[i];
    const std::string at = fmt::format("model.layers.{}.", i);
    if (l.mixer == Mixer::State || l.with_state) state(at);
    if (l.mixer != Mixer::State && l.mixer != Mixer::None) {
      if (c_.latent)
        latent(at + "self_attn.");
      else
        attention(at + "self_attn.", l);
    }
    if (l.mlp == Mlp::Dense) mlp(at + (c_.has_experts() ? "mlp." : "mlp."), l.intermediate);
    if (l.mlp == Mlp::Experts) experts(at + "mlp.");
    plain(at + "input_layernorm", 2, c_.hidden);
  }

  void attention(const std::string& at, const ModelLayer& l) {
    linear(at + "q_proj", l.heads * l.head_dim * (c_.output_gate ? 2 : 1), c_.hidden);
    // Where keys serve as values (Gemma 4's full layers) vLLM still builds both.
    linear(at + "k_proj", l.kv_heads * l.head_dim, c_.hidden);
    linear(at + "v_proj", l.kv_heads * l.head_dim_v, c_.hidden);
    linear(at + "o_proj", c_.hidden, l.heads * l.head_dim_v);
  }

  void latent(const std::string& at) {
    const Latent& m = *c_.latent;
    const int64_t q = c_.heads * (m.nope_dim + m.rope_dim);
    if (m.q_rank > 0) {
      linear(at + "q_a_proj", m.q_rank, c_.hidden);
      linear(at + "q_b_proj", q, m.q_rank);
    } else {
      linear(at + "q_proj", q, c_.hidden);
    }
    linear(at + "kv_a_proj_with_mqa", m.kv_rank + m.rope_dim, c_.hidden);
    linear(at + "kv_b_proj", c_.heads * (m.nope_dim + m.v_dim), m.kv_rank);
    linear(at + "o_proj", c_.hidden, c_.heads * m.v_dim);
    if (m.index_dim > 0) {
      linear(at + "indexer.wq_b", m.index_heads * m.index_dim, m.q_rank);
      linear(at + "indexer.wk", m.index_dim, c_.hidden);
      plain(at + "indexer.weights_proj", m.index_heads, c_.hidden);
    }
  }

  void state(const std::string& at) {
    if (!c_.state) return;
    const StateSpace& s = *c_.state;
    using Kind = StateSpace::Kind;
    switch (s.kind) {
      case Kind::DeltaNet: {
        const int64_t keys = s.key_heads * s.key_dim, values = s.heads * s.head_dim;
        linear(at + "linear_attn.in_proj_qkvz", 2 * keys + 2 * values, c_.hidden);
        plain(at + "linear_attn.in_proj_ba", 2 * s.heads, c_.hidden);
        plain(at + "linear_attn.conv1d", 2 * keys + values, s.kernel);
        linear(at + "linear_attn.out_proj", c_.hidden, values);
        break;
      }
      case Kind::KimiDelta: {
        const int64_t width = s.heads * s.head_dim;
        for (const auto* name : {"q_proj", "up_proj", "gate_proj"})
          linear(at + "linear_attn." + name, width, c_.hidden);
        linear(at + "linear_attn.f_b_proj", width, s.head_dim);
        linear(at + "linear_attn.g_b_proj", width, s.head_dim);
        plain(at + "linear_attn.f_a_proj", 2 * s.head_dim + s.heads, c_.hidden);
        linear(at + "linear_attn.o_proj", c_.hidden, width);
        break;
      }
      case Kind::Mamba2:
        linear(at + "mamba.in_proj", 2 * s.inner + 2 * s.groups * s.state + s.heads, c_.hidden);
        plain(at + "mamba.conv1d", s.inner + 2 * s.groups * s.state, s.kernel);
        linear(at + "mamba.out_proj", c_.hidden, s.inner);
        break;
      case Kind::Mamba1: {
        const int64_t rank = c_.text.integer("mamba_dt_rank").value_or((c_.hidden + 15) / 16);
        linear(at + "mamba.in_proj", 2 * s.inner, c_.hidden);
        linear(at + "mamba.x_proj", std::clamp<int64_t>(rank, 0, 1 << 20) + 2 * s.state, s.inner);
        linear(at + "mamba.dt_proj", s.inner, std::clamp<int64_t>(rank, 0, 1 << 20));
        linear(at + "mamba.out_proj", c_.hidden, s.inner);
        break;
      }
      case Kind::ShortConv:
        linear(at + "conv.in_proj", 3 * s.inner, c_.hidden);
        linear(at + "conv.out_proj", c_.hidden, s.inner);
        break;
      case Kind::Lightning:
        linear(at + "linear_attn.in_proj", 4 * s.heads * s.head_dim, c_.hidden);
        linear(at + "linear_attn.out_proj", c_.hidden, s.heads * s.head_dim);
        break;
    }
  }

  void mlp(const std::string& at, int64_t inner) {
    if (c_.gated_mlp) linear(at + "gate_proj", inner, c_.hidden);
    linear(at + "up_proj", inner, c_.hidden);
    linear(at + "down_proj", c_.hidden, inner);
  }

  void experts(const std::string& at) {
    const Experts& e = c_.experts;
    // Nemotron 3 runs its experts on a narrower vector.
    const int64_t narrow = c_.text.integer("moe_latent_size").value_or(0);
    const int64_t width = narrow > 0 && narrow <= c_.hidden ? narrow : c_.hidden;
    if (c_.gated_mlp) linear(at + "experts.0.gate_proj", e.intermediate, width, e.count);
    linear(at + "experts.0.up_proj", e.intermediate, width, e.count);
    linear(at + "experts.0.down_proj", width, e.intermediate, e.count);
    if (width != c_.hidden) plain(at + "latent", 2 * width, c_.hidden);
    plain(at + "gate", e.count, c_.hidden);
    if (e.shared_intermediate > 0) mlp(at + "shared_experts.", e.shared_intermediate);
  }

  /// Gemma 3n and 4 (E2B, E4B): one more embedding for every layer.
  void per_layer_embeddings() {
    const int64_t width =
        std::clamp<int64_t>(c_.text.integer("hidden_size_per_layer_input").value_or(0), 0, 1 << 20);
    if (width == 0) return;
    const int64_t rows = std::clamp<int64_t>(
        c_.text.integer("vocab_size_per_layer_input").value_or(c_.vocab), 0, 1 << 28);
    plain("model.embed_tokens_per_layer", rows, width * d_layers());
    for (size_t i = 0; i < c_.layers.size(); ++i) {
      plain(fmt::format("model.layers.{}.per_layer_input_gate", i), 2 * width, c_.hidden);
    }
  }
  int64_t d_layers() const { return static_cast<int64_t>(c_.layers.size()); }

  /// Towers differ more than language models: this is an estimate (see the basis of the number).
  void vision() {
    const Fields& v = c_.vision;
    if (v.empty()) return;
    const auto size = [&](std::initializer_list<std::string_view> keys, int64_t otherwise) {
      return std::clamp<int64_t>(v.integer_or(keys, otherwise), 0, 1 << 20);
    };
    const int64_t depth = std::min<int64_t>(
        size({"depth", "num_hidden_layers", "layers"}, 0) + size({"num_global_layers"}, 0), 1024);
    int64_t width = size({"embed_dim", "hidden_size", "width"}, 0);
    // Qwen2-VL names the output hidden_size and the tower embed_dim; Qwen2.5-VL the other way
    // round.
    if (v.has("embed_dim")) width = size({"embed_dim"}, width);
    int64_t inner = size({"intermediate_size"}, 0);
    if (inner == 0)
      inner = static_cast<int64_t>(v.decimal("mlp_ratio").value_or(4.0) > 64
                                       ? 4
                                       : v.decimal("mlp_ratio").value_or(4.0)) *
              width;
    const bool gated_tower =
        c_.model_type.rfind("qwen2_5_vl", 0) == 0 || v.text("hidden_act") == "silu" || c_.mistral;
    for (int64_t i = 0; i < depth; ++i) {
      const std::string at = fmt::format("visual.blocks.{}.", i);
      plain(at + "qkv", 3 * width, width);
      plain(at + "proj", width, width);
      plain(at + "fc1", inner * (gated_tower ? 2 : 1), width);
      plain(at + "fc2", width, inner);
    }
    const int64_t merge = size({"spatial_merge_size"}, 1);
    const int64_t merged = std::min<int64_t>(merge, 64) * std::min<int64_t>(merge, 64) * width;
    // Qwen3-VL feeds the outputs of some blocks forward, each through a merger of its own.
    const auto mergers = 1 + static_cast<int64_t>(v.integers("deepstack_visual_indexes").size());
    plain("visual.merger.linear_fc1", mergers * merged, merged);
    plain("visual.merger.linear_fc2", mergers * c_.hidden, merged);
  }

  const ModelConfig& c_;
  std::vector<Tensor> tensors_;
};

}  // namespace

double linear_bytes(const Quantisation& q, double outputs, double inputs, int64_t dtype_bytes) {
  const double weights = outputs * inputs;
  const double group = q.group > 0 ? d(q.group) : inputs;
  switch (q.format) {
    case WeightFormat::Fp8: {
      // 32-bit scales: per block, else at most one per output channel.
      const double scales = q.block_n > 0 && q.block_k > 0 ? std::ceil(outputs / d(q.block_n)) *
                                                                 std::ceil(inputs / d(q.block_k))
                                                           : outputs;
      return weights + 4 * scales;
    }
    case WeightFormat::Int8:
      return weights + 4 * outputs;
    case WeightFormat::Grouped: {
      const double groups = outputs * std::ceil(inputs / std::max(group, 1.0));
      return weights * q.bits / 8.0 + groups * 2 + (q.zero_points ? groups * q.bits / 8.0 : 0);
    }
    case WeightFormat::Nvfp4:
      return weights / 2 + weights / 16;
    case WeightFormat::Mxfp4:
      return weights / 2 + weights / 32;
    case WeightFormat::Nf4:
      return weights / 2 + weights / 64 * 4 + 64;  // a 32-bit absmax per 64 weights
    default:
      return weights * d(dtype_bytes);
  }
}

std::vector<Tensor> tensors_from_config(const ModelConfig& config) {
  if (!config.lacking.empty()) return {};
  return Builder(config).build();
}

}  // namespace rankdx
