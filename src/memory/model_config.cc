#include "memory/model_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "base/text.h"
#include "memory/config_parts.h"

namespace rankdx {
namespace {

/// Where the language model's own fields stand, by the key that holds them (vLLM: get_text_config
/// and its exceptions).
Fields text_part(const Fields& root) {
  const Fields thinker = root.object("thinker_config").object("text_config");
  if (!thinker.empty()) return thinker;
  for (const auto* key :
       {"text_config", "llm_config", "language_config", "language_model_config", "text_model"}) {
    const Fields part = root.object(key);
    if (!part.empty()) return part;
  }
  return {};
}

Fields vision_part(const Fields& root) {
  const Fields thinker = root.object("thinker_config").object("vision_config");
  if (!thinker.empty()) return thinker;
  for (const auto* key : {"vision_config", "vision_encoder", "vision_tower_config", "vit_config"}) {
    const Fields part = root.object(key);
    if (!part.empty()) return part;
  }
  return {};
}

void read_dtype(const Fields& root, const Fields& text, ModelConfig& config) {
  std::string word;
  for (const Fields* part : {&root, &text, static_cast<const Fields*>(&config.vision)}) {
    for (const auto* key : {"dtype", "torch_dtype"}) {
      if (word.empty()) word = part->text(key);
    }
  }
  if (word.rfind("torch.", 0) == 0) word.erase(0, 6);
  config.dtype_known = !word.empty();
  // vLLM runs float32 checkpoints in 16 bits unless told otherwise ("auto").
  config.dtype = word == "float16" || word == "half" ? "float16" : "bfloat16";
}

int64_t kv_heads_of(const Fields& text, int64_t heads) {
  if (const int64_t kv = text.object("attn_config").integer_or({"kv_n_heads"}, 0)) return kv;
  if (text.boolean("multi_query") == true && text.boolean("new_decoder_architecture") != true) {
    return text.integer_or({"n_head_kv", "num_kv_heads"}, 1);
  }
  return text.integer_or({"n_head_kv", "num_kv_heads", "num_key_value_heads", "n_kv_heads",
                          "multi_query_group_num", "num_attention_groups"},
                         heads);
}

/// The smallest of the lengths that vLLM looks at, then what the rotary scaling makes of it.
int64_t longest_context(const Fields& text) {
  int64_t length = 0;
  for (const auto* key :
       {"max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length",
        "max_target_positions", "max_sequence_length", "max_seq_length", "seq_len"}) {
    const int64_t value = text.integer(key).value_or(0);
    if (value > 0 && (length == 0 || value < length)) length = value;
  }
  // transformers 5 writes both into rope_parameters.
  const Fields scaling =
      text.object(text.object("rope_scaling").empty() ? "rope_parameters" : "rope_scaling");
  std::string type = scaling.text("rope_type");
  if (type.empty()) type = scaling.text("type");
  const auto factor = scaling.decimal("factor");
  if (length == 0 || !factor || *factor < 1 || *factor > 1024) return length;
  // llama3, longrope and mrope state the scaled length already.
  if (type == "yarn") {
    const int64_t original = scaling.integer("original_max_position_embeddings").value_or(length);
    return static_cast<int64_t>(static_cast<double>(original) * *factor);
  }
  if (type == "linear" || type == "dynamic") {
    return static_cast<int64_t>(static_cast<double>(length) * *factor);
  }
  return length;
}

void read_sizes(const Fields& text, ModelConfig& config) {
  config.hidden = text.integer_or({"hidden_size", "n_embd", "d_model", "dim", "model_dim"}, 0);
  config.heads = text.integer_or(
      {"num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads"}, 0);
  config.kv_heads = kv_heads_of(text, config.heads);
  // Excerpts of a configuration may have only what the KV cache needs.
  if (config.heads == 0) config.heads = config.kv_heads;
  config.vocab = text.integer_or({"vocab_size", "padded_vocab_size"}, 0);
  config.intermediate = text.integer_or(
      {"intermediate_size", "ffn_hidden_size", "n_inner", "hidden_dim", "ffn_dim", "inner_size"},
      0);
  if (const int64_t inner = text.object("ffn_config").integer_or({"ffn_hidden_size"}, 0)) {
    config.intermediate = inner;
  }
  config.head_dim = text.integer_or({"head_dim", "hidden_size_per_head"}, 0);
  if (config.head_dim <= 0) config.head_dim = text.integer_or({"kv_channels"}, 0);
  if (config.head_dim <= 0 && config.heads > 0) config.head_dim = config.hidden / config.heads;
}

/// Families whose MLP has two matrices instead of three.
constexpr std::array<std::string_view, 17> kPlainMlp = {
    "bloom",     "codegen", "falcon",     "gpt2",     "gpt_bigcode", "gpt_neo",
    "gpt_neox",  "gptj",    "mpt",        "nemotron", "nemotron_h",  "opt",
    "persimmon", "phi",     "starcoder2", "t5",       "whisper"};

bool gated(const std::string& model_type) {
  return std::find(kPlainMlp.begin(), kPlainMlp.end(), model_type) == kPlainMlp.end();
}

/// GPT-2's MLP is four times as wide as the model where nothing else is said.
void default_intermediate(ModelConfig& config) {
  if (config.intermediate == 0 && !config.gated_mlp) config.intermediate = 4 * config.hidden;
}

void read_rotary(const Fields& text, ModelConfig& config) {
  if (config.model_type == "gpt2" || config.model_type == "opt" || config.model_type == "bloom" ||
      config.model_type == "mpt") {
    return;
  }
  double part = text.decimal("partial_rotary_factor").value_or(1.0);
  const auto nested = text.object("rope_parameters").decimal("partial_rotary_factor");
  if (nested) part = *nested;
  if (!(part > 0 && part <= 1)) part = 1;
  config.rotary_dim = config.latent
                          ? config.latent->rope_dim
                          : static_cast<int64_t>(static_cast<double>(config.head_dim) * part);
  config.rotary_positions = config.max_len;
}

bool is_tied(const Fields& root, const Fields& text, const std::string& model_type) {
  if (const auto tied = text.boolean("tie_word_embeddings")) return *tied;
  if (const auto tied = root.boolean("tie_word_embeddings")) return *tied;
  if (const auto tied = text.boolean("tied_embeddings")) return *tied;
  // Where the key is absent the library's default holds: tied, but for the families whose class
  // says otherwise.
  constexpr std::array<std::string_view, 8> tied_by_default = {
      "bloom", "cohere", "cohere2", "gemma", "gemma2", "gpt2", "opt", "starcoder2"};
  return std::find(tied_by_default.begin(), tied_by_default.end(), model_type) !=
             tied_by_default.end() ||
         model_type.rfind("gemma3", 0) == 0 || model_type.rfind("gemma4", 0) == 0;
}

Result<void> check_sizes(const ModelConfig& c, int64_t layers, std::string_view place) {
  // Far above any model, and low enough that no product of them leaves 63 bits.
  constexpr int64_t few = 1 << 14, wide = 1 << 24, most = int64_t{1} << 28;
  const std::tuple<const char*, int64_t, int64_t> sizes[] = {
      {"hidden size", c.hidden, wide},
      {"vocabulary", c.vocab, most},
      {"attention heads", c.heads, few},
      {"KV heads", c.kv_heads, few},
      {"head size", c.head_dim, few},
      {"intermediate size", c.intermediate, wide},
      {"experts", c.experts.count, few},
      {"expert size", c.experts.intermediate, wide},
      {"shared experts", c.experts.shared_intermediate, most},
      {"longest context", c.max_len, most * 8}};
  for (const auto& [name, value, limit] : sizes) {
    if (value < 0 || value > limit) {
      return fail(ErrorCode::Corrupt, fmt::format("{} of {}: no model has that", name, value),
                  std::string(place));
    }
  }
  if (layers <= 0 || layers > kMostLayers) {
    return fail(ErrorCode::Corrupt,
                layers <= 0 ? "no number of layers (num_hidden_layers) in it"
                            : fmt::format("{} layers: no model has that", layers),
                std::string(place));
  }
  return {};
}

void note_lacking(ModelConfig& c) {
  const std::pair<const char*, int64_t> needed[] = {{"hidden_size", c.hidden},
                                                    {"vocab_size", c.vocab}};
  for (const auto& [name, value] : needed) {
    if (value <= 0) c.lacking.emplace_back(name);
  }
  const auto dense = [](const ModelLayer& l) { return l.mlp == Mlp::Dense && l.intermediate <= 0; };
  if (std::any_of(c.layers.begin(), c.layers.end(), dense))
    c.lacking.emplace_back("intermediate_size");
  if (c.has_experts() && c.experts.intermediate <= 0)
    c.lacking.emplace_back("moe_intermediate_size");
  const auto no_heads = [](const ModelLayer& l) {
    return l.mixer != Mixer::State && l.mixer != Mixer::None &&
           (l.kv_heads <= 0 || l.head_dim <= 0);
  };
  if (!c.latent && std::any_of(c.layers.begin(), c.layers.end(), no_heads)) {
    c.lacking.emplace_back("num_key_value_heads or head_dim");
  }
  if (c.quantisation.format == WeightFormat::Unknown) {
    c.lacking.push_back("a quantisation format this program knows (\"" + c.quantisation.method +
                        "\")");
  }
}

}  // namespace

int64_t ModelConfig::count(Mixer mixer) const {
  return std::count_if(layers.begin(), layers.end(),
                       [&](const ModelLayer& l) { return l.mixer == mixer; });
}

Result<ModelConfig> model_config(const Fields& given, ConfigKind kind, std::string_view place) {
  const bool mistral = kind == ConfigKind::Mistral ||
                       (kind == ConfigKind::Detect && given.has("n_layers") && given.has("dim"));
  const Fields root = mistral ? mistral_as_hugging_face(given) : given;
  const Fields nested = text_part(root);
  // Root fields (dtype, tie_word_embeddings, quantization_config) count where the text part lacks
  // them.
  const Fields text = nested.empty() ? root : nested;
  ModelConfig config;
  config.mistral = mistral;
  config.text = text;
  config.vision = vision_part(root);
  config.model_type =
      text.text("model_type").empty() ? root.text("model_type") : text.text("model_type");
  const auto architectures = root.texts("architectures");
  config.architecture = architectures.empty() ? "" : architectures.front();
  config.name = root.text("_name_or_path");
  read_dtype(root, text, config);
  config.gated_mlp = gated(config.model_type);
  read_sizes(text, config);
  default_intermediate(config);
  config.max_len = longest_context(text);
  config.tied = is_tied(root, text, config.model_type);
  config.quantisation = quantisation_of(root, text);
  config.experts = experts_of(text, config);
  config.latent = latent_of(text, config);
  config.state = state_of(text, config);
  config.output_gate = text.boolean("attn_output_gate")
                           .value_or(config.model_type == "qwen3_next" ||
                                     config.model_type.rfind("qwen3_5", 0) == 0);
  const int64_t layers = layer_count(text);
  if (auto ok = check_sizes(config, layers, place); !ok) return tl::unexpected(ok.error());
  config.layers = layers_of(text, config, layers);
  if (!config.latent && config.kv_heads <= 0 && config.count(Mixer::State) == 0) {
    return fail(ErrorCode::Corrupt, "no number of attention or KV heads in it", std::string(place));
  }
  // DeepSeek V4 compresses by layer into pages of several sizes; nothing here was checked against a
  // log of it.
  if (text.has("compress_ratios")) config.unknown_cache = "compressed attention (compress_ratios)";
  read_rotary(text, config);
  note_lacking(config);
  return config;
}

}  // namespace rankdx
