// Flag values for a launch that ran out of GPU memory, computed from what is known: the numbers of
// a log alone, or a model and a GPU. For diagnosis and launch, which know those. Plain values; no
// input but the arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "base/result.h"

namespace rankdx {

/// What a log or a launch says; all of it may be absent.
struct MemoryFacts {
  std::string model;  ///< a path to a directory or config.json, or a name as vLLM was given
  std::string vllm;   ///< "0.11.0"
  std::string gpu;    ///< "NVIDIA H100 80GB HBM3"
  std::string kv_cache_dtype;  ///< "" is auto
  std::string quantization;    ///< while loading or of the checkpoint; "" is none
  std::optional<int64_t> tp, pp, dp, max_model_len, max_num_seqs, max_num_batched_tokens;
  std::optional<double> utilization;
  std::optional<double> total_gib;       ///< of one GPU: "(78.6/79.2 GiB)"
  std::optional<double> weights_gib;     ///< "Model loading took 14.99 GiB"
  std::optional<double> available_gib;   ///< "Available KV cache memory", or the second number of
                                         ///< "... GiB KV cache is needed"
  std::optional<double> needed_gib;      ///< for one request of max_model_len
  std::optional<int64_t> estimated_len;  ///< "the estimated maximum model length is N"
};

/// One way out: a flag with its computed value, and what the value rests on.
struct Advice {
  std::string flag;  ///< "--max-model-len 34816"
  std::string text;  ///< one sentence
};

/// From the numbers alone, without a model: a length that fits, or the utilization that makes room.
/// Empty when the facts do not suffice; never a guess.
std::vector<Advice> advise_from_numbers(const MemoryFacts& facts);

/// With the model's configuration (a path that can be read, or a known name) the same as `rankdx
/// model fit`; its numbers are replaced by those of the log where the facts have them. Falls back
/// on the numbers alone.
std::vector<Advice> advise(const MemoryFacts& facts);

/// The advice as fixes of a finding ("any").
std::vector<Fix> as_fixes(const std::vector<Advice>& advice);

}  // namespace rankdx
