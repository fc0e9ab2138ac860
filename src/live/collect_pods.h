// The logs of the pods of a launch into one bundle: all containers, current and previous instances,
// with the pods' own descriptions, their nodes and events, the results of the checks and the
// variables that the processes see. Only reads from the cluster.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "bundle/bundle_writer.h"
#include "cluster/cluster_check.h"
#include "live/collected.h"
#include "live/pod_spool.h"

namespace rankdx {

struct CollectOptions {
  using Part = ClusterCheckOptions::Part;
  PodSelection selection;
  Part checks = Part::Do;  ///< `check cluster`
  Part inside = Part::Do;  ///< with programs run in the pods
};

/// Adds everything that can be had; the rest becomes a loss with its reason. Fails only when the
/// pods cannot be listed.
Result<void> collect_pods(ClusterApi& api, const CollectOptions& options, BundleWriter& bundle);

/// Follows the logs into the spool until the pods have ended or `stop` says so, and looks at the
/// rest meanwhile. Fails only when the pods cannot be listed at the start.
Result<CollectedTexts> follow_pods(ClusterApi& api, const CollectOptions& options,
                                   const std::atomic<bool>& stop, PodSpool& spool);

/// The spooled logs and the texts. `latest` are texts of the same names from the end: they count
/// where they could be had.
Result<void> pack_followed(const PodSpool& spool, const CollectedTexts& first,
                           const CollectedTexts& latest, BundleWriter& bundle);

/// Descriptions of the pods, their nodes and events.
CollectedTexts collect_objects(ClusterApi& api, const std::vector<PodInfo>& pods);

}  // namespace rankdx
