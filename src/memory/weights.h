// How the weights fall on the ranks of a tensor x pipeline x expert-parallel engine.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "memory/tensors.h"

namespace rankdx {

enum class ExpertParallel : uint8_t { Off, On };

struct Parallel {
  int64_t tp = 1, pp = 1, dp = 1;
  ExpertParallel experts = ExpertParallel::Off;
};

/// Bytes of one rank of a pipeline stage. Ranks of a stage differ only in rounding.
struct StageWeights {
  std::array<double, 9> of_part{};  ///< by Part
  double buffers = 0;  ///< rotary cache and repacked copies that are on the GPU after loading
  double total() const;
};

struct WeightSum {
  std::vector<StageWeights> stages;
  size_t heaviest = 0;
  double heaviest_bytes() const { return stages.empty() ? 0 : stages[heaviest].total(); }
};

/// Tensors of one place taken together, so that many parallelisms can be tried.
struct PlacedBytes {
  Placement placement;
  double bytes = 0;
  double row_padding = 1;  ///< of vocabulary rows, to a multiple of 64
  bool padded_experts = false;
};

std::vector<PlacedBytes> placed(const std::vector<Tensor>& tensors, const ModelConfig& config);
WeightSum distribute(const std::vector<PlacedBytes>& weights, const ModelConfig& config,
                     const Parallel& parallel);

std::string_view to_string(Part part);

}  // namespace rankdx
