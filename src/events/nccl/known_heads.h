// How NCCL's INFO and TRACE messages begin, all of them: generated from the table of formats in
// data/nccl, and a few of widespread network plugins. What matches is known to exist; what does not
// is counted as unrecognised.
#pragma once

#include <span>
#include <string_view>

namespace rankdx::nccl {

struct KnownHead {
  std::string_view head;   ///< the message starts with it
  std::string_view inner;  ///< and holds this further on; "" when the head says enough
};

/// Sorted by head, then inner.
std::span<const KnownHead> known_heads();

}  // namespace rankdx::nccl
