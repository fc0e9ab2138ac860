// The pattern of layers: attention kinds, experts, shared caches.
#include <algorithm>

#include "base/text.h"
#include "memory/config_parts.h"

namespace rankdx {
namespace {

/// Heads and head sizes; windows and inner sizes.
int64_t few(int64_t value) { return std::clamp<int64_t>(value, 0, 1 << 14); }
int64_t sane(int64_t value) { return std::clamp<int64_t>(value, 0, 1 << 24); }

bool starts_with(const std::string& text, std::string_view head) {
  return text.rfind(head, 0) == 0;
}

Mixer mixer_named(const std::string& word) {
  if (word == "sliding_attention" || word == "sliding" || word == "sliding_window" ||
      word == "local") {
    return Mixer::Sliding;
  }
  if (word == "chunked_attention") return Mixer::Chunked;
  if (word == "mlp" || word == "moe" || word == "ffn") return Mixer::None;
  if (word == "linear_attention" || word == "mamba" || word == "mamba2" || word == "conv" ||
      word == "recurrent" || word == "linear" || word == "kda" || word == "gated_deltanet") {
    return Mixer::State;
  }
  return Mixer::Full;
}

/// Nemotron-H writes one letter per layer: M a state, * attention, - an MLP, E experts.
void from_letters(const std::string& letters, std::vector<ModelLayer>& layers) {
  for (size_t i = 0; i < layers.size() && i < letters.size(); ++i) {
    ModelLayer& l = layers[i];
    l.mixer = letters[i] == 'M' ? Mixer::State : letters[i] == '*' ? Mixer::Full : Mixer::None;
    l.mlp = letters[i] == '-' ? Mlp::Dense : letters[i] == 'E' ? Mlp::Experts : Mlp::None;
  }
}

/// Lists that name each layer. Returns whether there was one.
bool mixers_from_lists(const Fields& text, const ModelConfig& c, std::vector<ModelLayer>& layers) {
  const std::string letters = text.text("hybrid_override_pattern");
  if (!letters.empty()) return from_letters(letters, layers), true;
  for (const auto* key : {"layer_types", "layers_block_type"}) {
    const auto words = text.texts(key);
    if (words.empty()) continue;
    for (size_t i = 0; i < layers.size(); ++i) {
      const std::string& word = words[i % words.size()];
      layers[i].mixer = mixer_named(word);
      if (word == "hybrid") layers[i].with_state = c.state.has_value();
      if (c.model_type == "nemotron_h") {
        layers[i].mlp = word == "moe" ? Mlp::Experts : word == "mlp" ? Mlp::Dense : Mlp::None;
      }
    }
    return true;
  }
  // MiniMax: 0 lightning, 1 attention; MiMo: 0 attention, 1 window.
  const auto types = text.integers("attn_type_list");
  const auto windows = text.integers("hybrid_layer_pattern");
  // Mistral's params.json: a window per layer, repeated; null attends to everything.
  const auto repeated = text.integers("sliding_window");
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!repeated.empty() && repeated[i % repeated.size()] > 0) layers[i].mixer = Mixer::Sliding;
    if (i < types.size() && types[i] == 0) layers[i].mixer = Mixer::State;
    if (i < windows.size() && windows[i] == 1) layers[i].mixer = Mixer::Sliding;
  }
  return !types.empty() || !windows.empty() || !repeated.empty();
}

/// Rules of the form "every n-th layer attends to everything".
bool mixers_from_periods(const Fields& text, const ModelConfig& c,
                         std::vector<ModelLayer>& layers) {
  const auto every = [&](int64_t period, int64_t offset, Mixer others) {
    for (size_t i = 0; i < layers.size(); ++i) {
      layers[i].mixer = static_cast<int64_t>(i) % period == offset ? Mixer::Full : others;
    }
    return true;
  };
  const int64_t interval = text.integer_or({"full_attention_interval"}, 0);
  if (interval > 0) return every(interval, interval - 1, Mixer::State);
  if (const int64_t period = text.integer_or({"attn_layer_period"}, 0); period > 0) {
    return every(period, text.integer_or({"attn_layer_offset"}, 0) % period, Mixer::State);
  }
  if (const int64_t size = text.integer_or({"layer_group_size"}, 0); size > 1 && c.state) {
    return every(size, size - 1, Mixer::State);
  }
  // Short form: only the number of layers of each kind, evenly mixed.
  const int64_t full = text.integer_or({"full_attention_layers"}, 0);
  if (full > 0 && full < static_cast<int64_t>(layers.size())) {
    const int64_t period = static_cast<int64_t>(layers.size()) / full;
    return every(period, period - 1, Mixer::State);
  }
  const auto full_at = text.object("linear_attn_config").integers("full_attn_layers");  // from 1
  if (!full_at.empty()) {
    for (ModelLayer& l : layers) l.mixer = Mixer::State;
    for (const int64_t at : full_at) {
      if (at >= 1 && at <= static_cast<int64_t>(layers.size())) {
        layers[static_cast<size_t>(at - 1)].mixer = Mixer::Full;
      }
    }
    return true;
  }
  if (c.state &&
      (c.model_type == "mamba" || c.model_type == "mamba2" || c.model_type == "falcon_mamba")) {
    for (ModelLayer& l : layers) l.mixer = Mixer::State, l.mlp = Mlp::None;
    return true;
  }
  return false;
}

/// Windows: a pattern where the family has one, else every layer (Mistral 7B v0.1).
void mixers_from_window(const Fields& text, const ModelConfig& c, std::vector<ModelLayer>& layers) {
  const int64_t window = text.integer_or({"sliding_window"}, 0);
  const int64_t chunk = text.integer_or({"attention_chunk_size"}, 0);
  if (chunk > 0) {
    const auto rotary = text.integers("no_rope_layers");
    const int64_t interval = std::max<int64_t>(text.integer_or({"no_rope_layer_interval"}, 4), 1);
    for (size_t i = 0; i < layers.size(); ++i) {
      const bool local =
          i < rotary.size() ? rotary[i] == 1 : static_cast<int64_t>(i + 1) % interval != 0;
      if (local) layers[i].mixer = Mixer::Chunked;
    }
    return;
  }
  if (window <= 0 || text.boolean("use_sliding_window") == false) return;
  int64_t pattern = text.integer_or({"sliding_window_pattern", "_sliding_window_pattern"}, 0);
  const std::string letters = text.text("sliding_window_pattern");  // EXAONE 4: "LLLG"
  if (pattern <= 0 && !letters.empty()) pattern = static_cast<int64_t>(letters.size());
  if (pattern <= 0 && starts_with(c.model_type, "gemma3")) pattern = 6;
  if (pattern <= 0 && c.model_type == "cohere2") pattern = 4;
  const bool alternating = c.model_type == "gemma2" || c.model_type == "gpt_oss";
  if (alternating) pattern = 2;
  // Qwen 2: the first max_window_layers layers attend to everything, and none unless asked for.
  const bool qwen = starts_with(c.model_type, "qwen2") || starts_with(c.model_type, "qwen3");
  if (qwen && text.boolean("use_sliding_window") != true) return;
  const int64_t full_first = qwen ? text.integer_or({"max_window_layers"}, 0) : 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const bool full = at < full_first || (pattern > 0 && (at + 1) % pattern == 0);
    if (!full) layers[i].mixer = Mixer::Sliding;
  }
}

void set_attention(const Fields& text, const ModelConfig& c, std::vector<ModelLayer>& layers) {
  int64_t window = text.integer_or({"sliding_window", "sliding_window_size", "window_size"}, 0);
  for (const int64_t each : text.integers("sliding_window")) window = std::max(window, each);
  const int64_t chunk = text.integer_or({"attention_chunk_size"}, 0);
  const int64_t v_dim = text.integer_or({"v_head_dim"}, 0);
  for (ModelLayer& l : layers) {
    l.heads = c.heads;
    l.kv_heads = c.kv_heads;
    l.head_dim = c.head_dim;
    // Only families whose values are narrower than their keys name a value size without latent
    // attention (MiMo).
    l.head_dim_v = !c.latent && v_dim > 0 && text.has("swa_head_dim") ? few(v_dim) : c.head_dim;
    l.window = l.mixer == Mixer::Chunked   ? sane(chunk)
               : l.mixer == Mixer::Sliding ? sane(window)
                                           : 0;
    if (l.mixer == Mixer::Sliding) {
      l.heads = few(text.integer_or({"swa_num_attention_heads"}, l.heads));
      l.kv_heads = few(text.integer_or({"swa_num_key_value_heads"}, l.kv_heads));
      l.head_dim = few(text.integer_or({"swa_head_dim"}, l.head_dim));
      l.head_dim_v = few(text.integer_or({"swa_v_head_dim"}, l.head_dim_v));
      if (l.window == 0) l.mixer = Mixer::Full;
    }
    if (l.mixer == Mixer::Chunked && l.window == 0) l.mixer = Mixer::Full;
    if (l.mixer == Mixer::Full && starts_with(c.model_type, "gemma4")) {
      l.head_dim = few(text.integer_or({"global_head_dim"}, l.head_dim));
      l.head_dim_v = l.head_dim;
      l.kv_heads = few(text.integer_or({"num_global_key_value_heads"}, l.kv_heads));
    }
  }
  const int64_t shared = std::clamp<int64_t>(text.integer_or({"num_kv_shared_layers"}, 0), 0,
                                             static_cast<int64_t>(layers.size()));
  for (size_t i = layers.size() - static_cast<size_t>(shared); i < layers.size(); ++i) {
    layers[i].own_cache = false;
  }
}

/// Which layers have experts. The keys exclude each other in practice.
class ExpertPattern {
 public:
  explicit ExpertPattern(const Fields& text)
      : kinds_(text.texts("mlp_layer_types")),
        dense_(text.integers("mlp_only_layers")),
        listed_(text.integers("moe_layers")),
        frequency_(text.integers("moe_layer_freq")),
        first_(text.integer_or(
            {"first_k_dense_replace", "num_dense_layers", "moe_layer_start_index"}, 0)),
        period_(text.integer_or({"expert_layer_period"}, 0)),
        offset_(text.integer_or({"expert_layer_offset"}, 0)),
        step_(text.integer_or(
            {"decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_interval"}, 1)) {}

  bool operator()(size_t i) const {
    const auto at = static_cast<int64_t>(i);
    if (i < kinds_.size()) return kinds_[i] == "sparse";
    if (at < first_ || holds(dense_, at)) return false;
    if (!listed_.empty()) return holds(listed_, at);
    if (!frequency_.empty()) return i >= frequency_.size() || frequency_[i] != 0;
    if (period_ > 0) return at % period_ == offset_ % period_;
    return step_ <= 1 || (at + 1) % step_ == 0;
  }

 private:
  static bool holds(const std::vector<int64_t>& list, int64_t value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }
  std::vector<std::string> kinds_;
  std::vector<int64_t> dense_, listed_, frequency_;
  int64_t first_, period_, offset_, step_;
};

/// Nemotron NAS: each block may lack attention or the MLP, with its own number of KV heads.
void from_blocks(const Fields& text, std::vector<ModelLayer>& layers) {
  const auto blocks = text.objects("block_configs");
  for (size_t i = 0; i < layers.size() && i < blocks.size(); ++i) {
    const Fields attention = blocks[i].object("attention"), ffn = blocks[i].object("ffn");
    if (attention.boolean("no_op") == true || attention.boolean("replace_with_linear") == true) {
      layers[i].mixer = Mixer::None;
    }
    if (const int64_t per = attention.integer_or({"n_heads_in_group"}, 0); per > 0) {
      layers[i].kv_heads = layers[i].heads / per;
    }
    if (ffn.boolean("no_op") == true) layers[i].mlp = Mlp::None;
    if (const auto factor = ffn.decimal("ffn_mult"); factor && *factor > 0 && *factor < 64) {
      const auto inner = static_cast<int64_t>(
          2.0 * *factor * static_cast<double>(text.integer_or({"hidden_size"}, 0)) / 3.0);
      layers[i].intermediate = sane((inner + 255) / 256 * 256);
    }
  }
}

}  // namespace

int64_t layer_count(const Fields& text) {
  const int64_t count = text.integer_or(
      {"num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers"}, 0);
  if (count > 0) return count;
  return text.integer_or({"full_attention_layers"}, 0) +
         text.integer_or({"linear_attention_layers"}, 0);
}

std::vector<ModelLayer> layers_of(const Fields& text, const ModelConfig& c, int64_t count) {
  std::vector<ModelLayer> layers(static_cast<size_t>(count));
  const bool own_mlp = c.model_type == "nemotron_h";
  if (!mixers_from_lists(text, c, layers) && !mixers_from_periods(text, c, layers)) {
    mixers_from_window(text, c, layers);
  }
  set_attention(text, c, layers);
  if (c.model_type == "falcon_h1") {
    for (ModelLayer& l : layers) l.with_state = c.state.has_value();
  }
  // Llama 4: the MLP of layers without experts has a size of its own.
  const int64_t dense = sane(text.integer_or({"intermediate_size_mlp"}, c.intermediate));
  const auto each = text.integers("intermediate_size");
  const ExpertPattern has_experts(text);
  for (size_t i = 0; i < layers.size(); ++i) {
    layers[i].intermediate = i < each.size() && each[i] > 0 ? sane(each[i]) : dense;
    if (!own_mlp && layers[i].mlp == Mlp::Dense && c.has_experts() && has_experts(i)) {
      layers[i].mlp = Mlp::Experts;
    }
    if (!own_mlp && layers[i].mixer == Mixer::None) layers[i].mlp = Mlp::Dense;
  }
  from_blocks(text, layers);
  return layers;
}

}  // namespace rankdx
