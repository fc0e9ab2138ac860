// How kubectl is called: the flags that choose the cluster, and the namespace it would use. No
// threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cluster/api.h"

namespace rankdx {

/// argv of kubectl with the flags of `access`, followed by `rest`.
std::vector<std::string> kubectl_argv(const ClusterAccess& access,
                                      const std::vector<std::string>& rest);

/// The namespace of the context; "default" where it names none. Fails on a kubeconfig or context
/// that does not exist.
Result<std::string> namespace_of_context(const ClusterAccess& access);

Result<std::unique_ptr<ClusterApi>> connect_by_proxy(const ClusterAccess& access,
                                                     const std::string& ns);
std::unique_ptr<ClusterApi> connect_by_calls(const ClusterAccess& access, const std::string& ns,
                                             const std::string& why);

/// One exec through `kubectl exec`.
ExecReply exec_by_call(const ClusterAccess& access, const ExecRequest& request);

}  // namespace rankdx
