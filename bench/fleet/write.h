// The fleet's logs as files, or as one stream.
#pragma once

#include <cstdint>
#include <string>

#include "render.h"

namespace rankdx::fleet {

enum class Layout : uint8_t {
  PerRank,   ///< DIR/nccl.HOST.PID.log, as NCCL_DEBUG_FILE=nccl.%h.%p.log
  PerNode,   ///< DIR/HOST.log, the ranks of a node interleaved
  Combined,  ///< one file, all ranks interleaved
};

struct Output {
  Layout layout = Layout::PerRank;
  std::string path;  ///< folder, or the file of Combined; "-": standard output
  int threads = 1;
};

/// Bytes written.
Result<uint64_t> write_fleet(const Plan& plan, const Renderer& renderer, const Output& output);

}  // namespace rankdx::fleet
