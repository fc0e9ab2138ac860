// Which vLLM is meant, and what changed between releases as far as memory is concerned.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace rankdx {

struct VllmVersion {
  int minor = 26, patch = 0;  ///< 0.<minor>.<patch>
  bool assumed = true;        ///< nobody said; the newest release known here
  bool v0 = false;            ///< the old engine

  std::strong_ordering operator<=>(const VllmVersion& other) const {
    return minor != other.minor ? minor <=> other.minor : patch <=> other.patch;
  }
  bool operator==(const VllmVersion& other) const { return (*this <=> other) == 0; }
  bool at_least(int minor_, int patch_ = 0) const {
    return minor != minor_ ? minor > minor_ : patch >= patch_;
  }
};

/// Reads "0.11.0", "v0.8.5.post1", "0.6.4 (V0)", "main-2026-08-17" and what people write instead
/// ("0.22+", "before 0.21"). The engine is V0 before 0.8 unless "V1" is said. Text without a
/// version: the newest, assumed.
VllmVersion vllm_version(std::string_view text);

std::string to_string(const VllmVersion& version);

/// 0.90, since 0.21 0.92.
double default_utilization(const VllmVersion& version);

}  // namespace rankdx
