// The logs of the pods of a launch into one bundle: all containers, current and previous instances,
// with the pods' own descriptions and events. Only reads from the cluster.
#pragma once

#include "bundle/bundle_writer.h"
#include "cluster/pods.h"

namespace rankdx {

/// Adds everything that can be had; the rest becomes a loss with its reason. Fails only when the
/// pods cannot be listed or the bundle cannot be written.
Result<void> collect_pods(ClusterApi& api, const PodSelection& selection, BundleWriter& bundle);

}  // namespace rankdx
