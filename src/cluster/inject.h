// The pod checks from outside the image: an ephemeral container of an image that has rankdx, beside
// the container that is looked at. It shares the network and the processes of the pod, not its
// files and GPUs, and it stays listed in the pod until the pod goes. Only when the user asks for
// it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/check.h"
#include "cluster/api.h"
#include "cluster/pods.h"

namespace rankdx {

struct InjectRequest {
  std::string image;
  std::chrono::milliseconds timeout{120'000};  ///< with the pull of the image
};

struct InjectOutcome {
  std::optional<CheckReport> report;
  bool forbidden = false;
  std::string problem;  ///< why there is no report
};

/// Adds the container, waits until it has ended, reads its log.
InjectOutcome check_by_injection(ClusterApi& api, const PodInfo& pod, const ContainerInfo& target,
                                 const InjectRequest& request);

/// The patch that adds it; runs as the target's user.
std::string injection_patch(const std::string& name, const ContainerInfo& target,
                            std::optional<int64_t> pod_user, const std::string& image);

}  // namespace rankdx
