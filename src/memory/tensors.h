// The weights of a model as a list: either what stands in its safetensors headers, or what its
// configuration implies. Both go through the same rules of placement. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "memory/model_config.h"

namespace rankdx {

struct Tensor {
  std::string name;            ///< as in a checkpoint: "model.layers.3.self_attn.q_proj.weight"
  double bytes = 0;            ///< of one copy
  int64_t copies = 1;          ///< experts of one layer stand for each other
  std::vector<int64_t> shape;  ///< empty when made from the configuration
  std::string dtype;           ///< "BF16", "F8_E4M3" ...; empty likewise
};

/// Where a tensor goes. Split: how tensor parallelism cuts it.
enum class Split : uint8_t { Whole, Tensor, KvHeads, FusedQkv, Experts, Vocabulary, Skip };
enum class Part : uint8_t { Embedding, Head, Attention, Mlp, Experts, Norm, Vision, State, Other };

struct Placement {
  Split split = Split::Whole;
  Part part = Part::Other;
  int64_t layer = -1;  ///< -1: outside the layers
};

/// Knows the names of the common families; a name it does not know stays whole on its rank, which
/// over-estimates.
Placement place(std::string_view name, const ModelConfig& config);

/// Empty when the configuration lacks sizes (config.lacking).
std::vector<Tensor> tensors_from_config(const ModelConfig& config);

/// Bytes of a linear layer in the format of the checkpoint, with its scales and zero points.
double linear_bytes(const Quantisation& quantisation, double outputs, double inputs,
                    int64_t dtype_bytes);

/// Whether `module` ("model.layers.3.self_attn.q_proj") keeps its 16 bits: wildcards, "re:"
/// expressions and plain parts.
bool kept_plain(const Quantisation& quantisation, std::string_view module);

/// '*' and ".*" stand for any text; '^', '$' and a backslash are understood, other expression signs
/// are not.
bool matches_module(std::string_view pattern, std::string_view module);

}  // namespace rankdx
