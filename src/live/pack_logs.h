// Finished logs of a folder, each into a .zst of its own. A log is gone only when its packed form
// is whole and on disk. Stateless.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace rankdx {

struct PackedLogs {
  uint64_t files = 0, bytes = 0, packed_bytes = 0;
  std::vector<Error> failed;  ///< these stay as they were
};

/// Files of the folder that end in .log.
PackedLogs pack_logs(const std::string& folder);

}  // namespace rankdx
