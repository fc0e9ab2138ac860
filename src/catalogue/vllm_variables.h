// The environment variables of vLLM (data/vllm/vllm-envs.tsv, read from its releases) and of what
// runs beside it: Hugging Face, PyTorch, CUDA, Ray, gloo (data/vllm/env-facts.tsv). NCCL's stand in
// nccl_variables.h. Built on first use, then read-only: any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "catalogue/value_rule.h"
#include "catalogue/vllm_releases.h"

namespace rankdx {

enum class LaunchVariableUse : uint8_t { Configuration, Debugging, Logging, Secret, Build };

struct LaunchVariable {
  std::string_view name;
  std::string_view owner;     ///< "vllm", "hf", "torch", "cuda", "ray", "gloo", "network", "python"
  std::string_view releases;  ///< of vLLM, "v0.6.0..v0.11.1"; "" = other owners
  std::string_view default_value;
  std::string_view default_history;
  std::string_view values;
  LaunchVariableUse use = LaunchVariableUse::Configuration;
  bool own_of_node = false;  ///< must differ between nodes, or may
  std::string_view meaning, danger;
  ValueRule rule;
  std::optional<ReleaseSpan> span;  ///< of vLLM's own
};

/// Sorted by name.
std::span<const LaunchVariable> launch_variables();
const LaunchVariable* find_launch_variable(std::string_view name);

/// Names of the same family (VLLM_, HF_, TORCH_NCCL_) that a typo may have meant; of NCCL_ those of
/// PyTorch.
std::vector<std::string_view> nearest_launch_variables(std::string_view name);

/// Whether every name that begins like this one should be in the tables: VLLM_, HF_HUB_,
/// TORCH_NCCL_.
bool is_closed_family(std::string_view name);

}  // namespace rankdx
