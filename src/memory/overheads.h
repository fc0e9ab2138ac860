// What takes GPU memory beside weights and KV cache, and the defaults that decide it. Estimates
// with their error: formulas fitted on logged runs (docs/model-fit.md says which).
#pragma once

#include <optional>
#include <string>

#include "memory/kv_layout.h"

namespace rankdx {

enum class Graphs : uint8_t { Captured, Eager };

struct Batch {
  int64_t tokens = 2048, seqs = 256;  ///< --max-num-batched-tokens, --max-num-seqs
};

/// The API server's defaults by version and GPU; `length` matters only for the V0 engine.
Batch default_batch(const VllmVersion& version, double gpu_memory_gib, GpuClass gpu,
                    int64_t length);

struct Overheads {
  double activations_gib = 0, non_torch_gib = 0, graphs_gib = 0;
  bool graphs_budgeted =
      false;  ///< 0.21 and later take them out of the budget; before they come on top
  std::string activations_how, activations_error;
};

/// Nothing where the configuration lacks the sizes.
std::optional<Overheads> overheads(const ModelConfig& config, const VllmVersion& version,
                                   const Batch& batch, int64_t tp, int64_t pp, Graphs graphs);

}  // namespace rankdx
