// Whether a model starts on given GPUs, and what follows for the flags. One call, no input but its
// arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/finding.h"
#include "memory/gpus.h"
#include "memory/kv_layout.h"
#include "memory/overheads.h"
#include "memory/weights.h"

namespace rankdx {

struct FitRequest {
  std::optional<double> gpu_memory_gib;  ///< total of one GPU as CUDA reports it
  std::string gpu_name;                  ///< for texts; may be empty
  GpuClass gpu = GpuClass::Unknown;
  Parallel parallel;
  int64_t context_parallel = 1;
  std::optional<int64_t> max_model_len;
  std::string kv_cache_dtype = "auto";
  std::optional<double> utilization;
  VllmVersion vllm;
  std::optional<double> kv_cache_gib;  ///< a known budget: the arithmetic before it is skipped
  std::optional<int64_t> block_size, max_num_seqs, max_num_batched_tokens;
  std::optional<double> weights_gib, activations_gib,
      other_gib;  ///< measured values (from a log) instead of estimates
  HybridManager manager = HybridManager::On;
  StateCache state_cache = StateCache::ByVersion;
  Graphs graphs = Graphs::Captured;
  int64_t speculative_tokens = 0;
};

/// The weights as known: tensors and where they come from.
struct WeightSource {
  std::vector<Tensor> tensors;
  std::string how;    ///< "sum of tensor headers of 4 files"
  std::string error;  ///< "0.5 %"
};

enum class Fits : uint8_t { Yes, No, Unknown };

/// One line of what a number rests on.
struct Basis {
  std::string number, how, error;
};

struct FitCell {  ///< of --sweep
  int64_t tp = 1, pp = 1, length = 0;
  Fits fits = Fits::Unknown;
  double weights_gib = 0, kv_cache_gib = 0, concurrency = 0;
};

struct FitReport {
  Fits verdict = Fits::Unknown;
  std::string summary;
  std::vector<Finding> findings;
  std::optional<double> weights_gib, kv_cache_gib, activations_gib, other_gib;
  std::optional<int64_t> kv_bytes_per_token, kv_tokens, kv_blocks, block_size;
  std::optional<int64_t> largest_max_model_len;
  std::optional<double> max_concurrency;
  std::optional<Parallel> smallest_parallelism;
  std::vector<std::string> flags;
  std::vector<Basis> basis;
  std::vector<std::pair<std::string, double>> weight_parts_gib;  ///< of the heaviest rank
  std::vector<FitCell> sweep;
  std::string model, gpu, vllm;
  int64_t tp = 1, pp = 1, dp = 1, max_model_len = 0;
};

enum class Sweep : uint8_t { No, Yes };

FitReport fit(const ModelConfig& config, const WeightSource& weights, const FitRequest& request,
              Sweep sweep = Sweep::No);

/// Findings about sizes that do not divide; errors stop a start.
std::vector<Finding> divisibility(const ModelConfig& config, const Parallel& parallel,
                                  const VllmVersion& version);

std::string_view to_string(Fits fits);

}  // namespace rankdx
