// What a config.json (Hugging Face) or params.json (Mistral) says about sizes, in one form for all
// families. Every layer stands on its own, so hybrid and interleaved models need no second code
// path. Plain values; free to share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "memory/json_fields.h"

namespace rankdx {

/// What a layer keeps per request: all tokens, the last `window`, chunks of `window`, a fixed
/// state, or nothing.
enum class Mixer : uint8_t { Full, Sliding, Chunked, State, None };
enum class Mlp : uint8_t { Dense, Experts, None };

struct ModelLayer {
  Mixer mixer = Mixer::Full;
  Mlp mlp = Mlp::Dense;
  int64_t heads = 0, kv_heads = 0, head_dim = 0, head_dim_v = 0;
  int64_t window = 0;        ///< Sliding, Chunked
  int64_t intermediate = 0;  ///< inner size of a dense MLP
  bool with_state = false;   ///< attention and a state side by side (Falcon H1, Zamba 2)
  bool own_cache =
      true;  ///< false where a layer reads the cache of an earlier one (Gemma 3n and 4)
};

/// Multi-head latent attention: one compressed vector per token, the same on every tensor-parallel
/// rank.
struct Latent {
  int64_t kv_rank = 0, rope_dim = 0, nope_dim = 0, v_dim = 0, q_rank = 0;
  int64_t index_heads = 0,
          index_dim = 0;  ///< sparse attention (DeepSeek V3.2): an indexer with a cache of its own
};

/// A recurrent state: Mamba, Mamba 2, gated delta net, Kimi delta attention, short convolution,
/// lightning attention.
struct StateSpace {
  enum class Kind : uint8_t {
    Mamba1,
    Mamba2,
    DeltaNet,
    KimiDelta,
    ShortConv,
    Lightning
  } kind = Kind::DeltaNet;
  int64_t heads = 0, head_dim = 0, state = 0, groups = 1, inner = 0, kernel = 4;
  int64_t key_heads = 0, key_dim = 0;  ///< DeltaNet
  int64_t state_bytes =
      0;  ///< per element of the recurrent state as the checkpoint asks; 0: the model's dtype
  bool assumed = false;  ///< sizes are the family's defaults, the configuration has none
};

struct Experts {
  int64_t count = 0, intermediate = 0, shared_intermediate = 0;  ///< count 0: no mixture of experts
};

enum class WeightFormat : uint8_t { Plain, Fp8, Int8, Grouped, Nvfp4, Mxfp4, Nf4, Unknown };

struct Quantisation {
  WeightFormat format = WeightFormat::Plain;
  std::string method;  ///< quant_method as written: "awq", "compressed-tensors" ...
  int bits = 16;
  int64_t group = 0;  ///< weights that share a scale along the input (Grouped)
  bool zero_points = false;
  int64_t block_n = 0, block_k = 0;  ///< Fp8 in blocks
  bool experts_only = false;         ///< gpt-oss: only the experts
  bool fp8_cache =
      false;  ///< the checkpoint names an 8-bit KV cache: --kv-cache-dtype auto becomes fp8
  std::vector<std::string> kept;  ///< modules that stay as they are; with wildcards or expressions
};

struct ModelConfig {
  std::string model_type, architecture, name;
  int64_t hidden = 0, vocab = 0, heads = 0, kv_heads = 0, head_dim = 0, intermediate = 0;
  std::vector<ModelLayer> layers;
  std::optional<Latent> latent;
  std::optional<StateSpace> state;
  Experts experts;
  Quantisation quantisation;
  int64_t max_len = 0;  ///< what vLLM derives as the longest context; 0: unknown
  int64_t rotary_positions = 0, rotary_dim = 0;
  int64_t dtype_bytes = 2;
  std::string dtype = "bfloat16";
  bool dtype_known = false;
  bool tied = false, gated_mlp = true, output_gate = false, mistral = false;
  Fields vision, text;               ///< sub-configurations as read; empty where there are none
  std::vector<std::string> lacking;  ///< fields without which weights cannot be computed
  std::string unknown_cache;  ///< a kind of KV cache whose layout is not known here; empty: known
  std::vector<std::string> assumed;  ///< what was filled in, in words

  bool has_experts() const { return experts.count > 0; }
  int64_t count(Mixer mixer) const;
};

/// Layers of a real model; more is refused, before anything is allocated for them.
constexpr int64_t kMostLayers = 4096;

enum class ConfigKind : uint8_t { HuggingFace, Mistral, Detect };

/// Errors: no layers or heads to be found, or sizes no model has (negative, over 2^31, more layers
/// than kMostLayers).
Result<ModelConfig> model_config(const Fields& fields, ConfigKind kind, std::string_view place);

}  // namespace rankdx
