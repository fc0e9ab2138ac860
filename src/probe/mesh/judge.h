// From what all members saw to findings: which host or pair, why, and the interface setting that
// works everywhere. Pure functions.
#pragma once

#include <string>

#include "base/check.h"
#include "probe/mesh/model.h"

namespace rankdx {

struct MeshVerdict {
  CheckReport report;
  std::string
      interface_setting;  ///< value for NCCL_SOCKET_IFNAME that works between all; "" none found
};

MeshVerdict judge_mesh(const MeshData& data);

/// Clock of each present member against the median of all, seconds; nothing where nobody measured.
std::vector<std::optional<double>> clock_offsets(const MeshData& data);

/// Value for NCCL_SOCKET_IFNAME with which every pair of present members reaches each other, or "".
std::string common_interface(const MeshData& data);

}  // namespace rankdx
