// Whether NetworkPolicies let the pods of a group talk to each other on all ports, as NCCL needs
// (its ports are ephemeral). Judged from the objects alone; whether the cluster's network plugin
// enforces them is not visible there. Plain functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/pods.h"

namespace rankdx {

struct PolicyCut {
  std::string from, to;   ///< pods: an example of a pair that is cut
  std::string policy;     ///< name of a policy that isolates the pod
  std::string direction;  ///< "ingress" or "egress"
  std::string allowed;    ///< "nothing", or the ports that stay open ("TCP 29500")
  int pairs = 0;          ///< how many pairs are cut in this way
};

/// `pages`: NetworkPolicy items as list_pages() gives them. At most 16 cuts.
Result<std::vector<PolicyCut>> policy_cuts(const std::vector<std::string>& pages,
                                           const std::vector<PodInfo>& pods);

}  // namespace rankdx
