// The flags of `vllm serve` from 0.6.0 on: in which releases (data/vllm/vllm-flags.tsv, read from
// the sources), and what is known of their values (data/vllm/flag-facts.tsv). Built on first use,
// then read-only: any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/value_rule.h"
#include "catalogue/vllm_releases.h"

namespace rankdx {

/// Whether a flag may differ between the nodes of one server.
enum class FlagScope : uint8_t { AllNodes, OwnOfNode, LeaderOnly };

struct VllmFlag {
  std::string_view name;      ///< "--tensor-parallel-size"
  std::string_view alias;     ///< "-tp" or ""
  std::string_view releases;  ///< "v0.6.0..v0.16.0"
  std::string_view values;    ///< as in the table
  std::string_view default_value;
  FlagScope scope = FlagScope::AllNodes;
  std::string_view replacement;  ///< flag that took its place
  std::string_view note;
  ValueRule rule;
  ReleaseSpan span;
  bool takes_value() const { return rule.kind != ValueKind::Switch; }
};

/// Sorted by name.
std::span<const VllmFlag> vllm_flags();

/// A flag as people write it: "--tensor_parallel_size", "-tp", "--no-enable-prefix-caching",
/// "--kv-transfer-config.kv_role". nullptr when there is none.
const VllmFlag* find_vllm_flag(std::string_view written);

/// The flags that begin so: Python's argparse takes a beginning that is unique for the whole flag.
std::vector<const VllmFlag*> vllm_flags_that_begin(std::string_view written);

std::vector<std::string_view> nearest_vllm_flags(std::string_view written);

}  // namespace rankdx
