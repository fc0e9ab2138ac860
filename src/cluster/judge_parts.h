// Small pieces that the judges of a group of pods share.
#pragma once

#include <string>
#include <vector>

#include "cluster/gathered.h"

namespace rankdx {

Finding finding(std::string id, Role role, Severity severity, Confidence confidence, Layer layer);
Where at(const PodData& d);
/// "pod NS/NAME", the source of evidence.
std::string source(const PodData& d);

/// The ways between the pods: connections tried, the mesh, NetworkPolicies.
std::vector<Finding> network_findings(const Gathered& gathered);

}  // namespace rankdx
