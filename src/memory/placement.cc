// Names of tensors to their place.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "memory/tensors.h"

namespace rankdx {
namespace {

using Names = std::initializer_list<std::string_view>;

bool among(std::string_view word, Names names) {
  return std::find(names.begin(), names.end(), word) != names.end();
}

/// Endings of a parameter behind its module's name.
bool is_parameter(std::string_view word) {
  return among(word, {"weight",
                      "bias",
                      "qweight",
                      "qzeros",
                      "scales",
                      "g_idx",
                      "perm",
                      "weight_scale",
                      "weight_scale_inv",
                      "weight_scale_2",
                      "weight_zero_point",
                      "weight_packed",
                      "weight_shape",
                      "weight_g_idx",
                      "weight_global_scale",
                      "input_scale",
                      "input_global_scale",
                      "k_scale",
                      "v_scale",
                      "q_scale",
                      "activation_scale",
                      "absmax",
                      "nested_absmax",
                      "quant_map",
                      "nested_quant_map",
                      "qscale_weight",
                      "qscale_act",
                      "weight_scale_second"}) ||
         word.rfind("quant_state", 0) == 0;
}

bool is_vision(std::string_view word) {
  return among(word, {"visual",
                      "vision_tower",
                      "vision_model",
                      "vision_encoder",
                      "vision_embed_tokens",
                      "vision",
                      "multi_modal_projector",
                      "mm_projector",
                      "vision_language_adapter",
                      "patch_merger",
                      "vision_proj",
                      "pre_mm_projector_norm",
                      "audio_tower",
                      "audio_encoder",
                      "audio_model",
                      "embed_vision",
                      "embed_audio",
                      "aligner",
                      "vision_adapter",
                      "image_newline",
                      "mlp1",
                      "vit",
                      "vpm",
                      "resampler"});
}

/// Linear layers whose output is split; their scales and biases go with them.
bool is_column(std::string_view word) {
  return among(word, {"q_proj",
                      "qkv_proj",
                      "wq",
                      "q_b_proj",
                      "kv_b_proj",
                      "wq_b",
                      "wkv_b",
                      "gate_proj",
                      "up_proj",
                      "gate_up_proj",
                      "w1",
                      "w3",
                      "fc1",
                      "c_fc",
                      "dense_h_to_4h",
                      "fc_in",
                      "up",
                      "linear_fc1",
                      "g_proj",
                      "in_proj",
                      "in_proj_qkvz",
                      "in_proj_ba",
                      "in_proj_qkv",
                      "in_proj_z",
                      "in_proj_a",
                      "in_proj_b",
                      "conv1d",
                      "conv",
                      "A_log",
                      "dt_bias",
                      "D",
                      "f_b_proj",
                      "g_b_proj",
                      "b_proj",
                      "q_conv1d",
                      "k_conv1d",
                      "v_conv1d",
                      "sinks",
                      "linear_1",
                      "proj_in",
                      "qkv"});
}

/// Linear layers whose input is split; a bias stands whole on each rank.
bool is_row(std::string_view word) {
  return among(word,
               {"o_proj", "wo", "down_proj", "w2", "fc2", "dense_4h_to_h", "fc_out", "out_proj",
                "c_proj", "down", "linear_fc2", "x_proj", "dt_proj", "linear_2", "proj"});
}

bool is_kv(std::string_view word) { return among(word, {"k_proj", "v_proj", "wk", "wv"}); }

bool is_fused_qkv(std::string_view word) {
  return among(word, {"c_attn", "Wqkv", "query_key_value", "W_pack", "qkv_proj", "wqkv"});
}

bool is_whole(std::string_view word) {
  return among(word, {"q_a_proj", "kv_a_proj_with_mqa", "wq_a", "wkv_a", "wkv_a_with_mqa",
                      "f_a_proj", "g_a_proj"});
}

Split split_of(std::string_view module, std::string_view parameter, bool in_attention) {
  if (is_whole(module)) return Split::Whole;
  if (in_attention && is_kv(module)) return Split::KvHeads;
  if (in_attention && is_fused_qkv(module)) return Split::FusedQkv;
  if (is_column(module)) return Split::Tensor;
  if (module == "dense" && in_attention) return parameter == "bias" ? Split::Whole : Split::Tensor;
  if (is_row(module)) return parameter == "bias" ? Split::Whole : Split::Tensor;
  return Split::Whole;
}

/// The number behind "layers", "h" or "blocks".
int64_t layer_in(const std::vector<std::string_view>& words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (!among(words[i], {"layers", "h", "blocks", "layer", "block"})) continue;
    if (const auto number = parse_int<int64_t>(words[i + 1])) return *number;
  }
  return -1;
}

Part part_of(const std::vector<std::string_view>& words, bool in_attention) {
  const auto has = [&](Names names) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view w) { return among(w, names); });
  };
  if (in_attention) return Part::Attention;
  if (has({"linear_attn", "mamba", "mixer", "short_conv", "conv"})) return Part::State;
  if (has({"mlp", "feed_forward", "shared_expert", "shared_experts", "block_sparse_moe", "ffn"}))
    return Part::Mlp;
  return words.back().find("norm") != std::string_view::npos ? Part::Norm : Part::Other;
}

/// Vision towers use parallel layers too, but for those that come in Mistral's format or keep plain
/// ones.
Split vision_split(std::string_view module, std::string_view parameter, const ModelConfig& config) {
  if (config.mistral || config.model_type.rfind("kimi", 0) == 0) return Split::Whole;
  const Split split =
      is_kv(module) || is_fused_qkv(module) ? Split::Tensor : split_of(module, parameter, false);
  return split;
}

}  // namespace

Placement place(std::string_view name, const ModelConfig& config) {
  std::vector<std::string_view> words = split(name, '.');
  std::string_view parameter;
  while (words.size() > 1 && is_parameter(words.back())) {
    parameter = words.back();
    words.pop_back();
  }
  const std::string_view module = words.back();
  Placement p;
  const auto has = [&](Names names) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view w) { return among(w, names); });
  };
  if (std::any_of(words.begin(), words.end(), is_vision)) {
    return {vision_split(module, parameter, config), Part::Vision, -1};
  }
  p.layer = layer_in(words);
  const auto layers = static_cast<int64_t>(config.layers.size());
  // Layers behind the last one and "mtp" are drafts for speculative decoding, loaded only for that.
  const bool draft = p.layer >= layers || words.front().rfind("mtp", 0) == 0 ||
                     has({"mtp", "masked_bias", "inv_freq", "rotary_emb"});
  if (draft) return {Split::Skip, Part::Other, p.layer};
  if (p.layer < 0) {
    if (among(module, {"embed_tokens", "wte", "word_embeddings", "tok_embeddings", "embed_in",
                       "embeddings", "tokens_embed"})) {
      return {Split::Vocabulary, Part::Embedding, -1};
    }
    if (among(module, {"lm_head", "embed_out", "output", "output_layer"})) {
      return {config.tied ? Split::Skip : Split::Vocabulary, Part::Head, -1};
    }
    if (module == "embed_tokens_per_layer") return {Split::Vocabulary, Part::Embedding, -1};
    p.part = module.find("norm") != std::string_view::npos || module == "ln_f" ? Part::Norm
                                                                               : Part::Other;
    return p;
  }
  if (has({"experts"})) return {Split::Experts, Part::Experts, p.layer};
  if (has({"indexer"})) return {Split::Whole, Part::Attention, p.layer};
  const bool in_attention =
      has({"self_attn", "attn", "attention", "self_attention", "cross_attn", "Attention"});
  p.part = part_of(words, in_attention);
  p.split = split_of(module, parameter, in_attention);
  // GPT-2 stores its causal mask with the weights.
  if (in_attention && words.back() == "attn" && parameter == "bias") p.split = Split::Skip;
  return p;
}

bool matches_module(std::string_view pattern, std::string_view module) {
  bool open_start = true, open_end = true;
  if (!pattern.empty() && pattern.front() == '^') open_start = false, pattern.remove_prefix(1);
  if (!pattern.empty() && pattern.back() == '$') open_end = false, pattern.remove_suffix(1);
  std::vector<std::string> pieces(1);
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*' ||
        (pattern[i] == '.' && i + 1 < pattern.size() && pattern[i + 1] == '*')) {
      i += pattern[i] == '.';
      pieces.emplace_back();
    } else {
      if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
      pieces.back() += pattern[i];
    }
  }
  size_t at = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i == 0 && !open_start) {
      if (module.substr(0, pieces[0].size()) != pieces[0]) return false;
      at = pieces[0].size();
      continue;
    }
    if (i + 1 == pieces.size() && !open_end) {
      return module.size() >= at + pieces[i].size() &&
             module.substr(module.size() - pieces[i].size()) == pieces[i];
    }
    const size_t found = module.find(pieces[i], at);
    if (found == std::string_view::npos) return false;
    at = found + pieces[i].size();
  }
  return true;
}

bool kept_plain(const Quantisation& q, std::string_view module) {
  return std::any_of(q.kept.begin(), q.kept.end(), [&](std::string_view pattern) {
    if (pattern.rfind("re:", 0) == 0) pattern.remove_prefix(3);
    return !pattern.empty() && matches_module(pattern, module);
  });
}

}  // namespace rankdx
