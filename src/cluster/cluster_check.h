// rankdx check cluster: reads everything about a group of pods, side by side and bounded in time,
// and judges it.
#pragma once

#include <chrono>

#include "base/result.h"
#include "cluster/api.h"
#include "cluster/judge.h"

namespace rankdx {

struct ClusterCheckOptions {
  enum class Part : uint8_t { Do, Skip };
  PodSelection selection;
  Part inside = Part::Do;   ///< programs run in the pods
  Part network = Part::Do;  ///< connections between the pods
  Part logs = Part::Do;
  std::string inject_image;  ///< of ephemeral containers for pods without rankdx; empty: never
  int parallel = 16;
  std::chrono::milliseconds exec_timeout{20'000};
  size_t log_bytes = 32 << 20;  ///< per container
};

/// Fails only when the pods themselves cannot be listed; everything else that fails is told in the
/// picture.
Result<Gathered> gather_cluster(ClusterApi& api, const ClusterCheckOptions& options);
Result<ClusterPicture> check_cluster(ClusterApi& api, const ClusterCheckOptions& options);

}  // namespace rankdx
