// The releases of vLLM that were read, and what can be said about those between them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "catalogue/version.h"

namespace rankdx {

struct VllmRelease {
  std::string_view name;  ///< "v0.11.0"
  Version version;
};

/// In order, without states of the main branch.
std::span<const VllmRelease> vllm_releases();

/// Unclear: between a release that has it and one that has not.
enum class Presence : uint8_t { Absent, Present, Unclear };

/// `releases`: "v0.6.0..v0.16.0", as in the tables.
class ReleaseSpan {
 public:
  explicit ReleaseSpan(std::string_view releases);
  Presence presence(const Version& version) const;
  /// "0.6.0"; "" = older than the first one that was read.
  std::string_view since() const { return since_; }
  /// The first release that was read and does not have it any more: "0.17.0"; "" while it is still
  /// there.
  std::string_view gone_in() const { return gone_in_; }
  bool gone() const { return !gone_in_.empty(); }

 private:
  std::string_view since_, gone_in_;
  Version first_, last_, before_, after_;
  bool has_before_ = false;
};

}  // namespace rankdx
