// Which subsystem of NCCL_DEBUG_SUBSYS let a message through. NCCL does not print it.
#pragma once

#include <string_view>

#include "events/event.h"

namespace rankdx {

/// "INIT", "NET", "COLL", ...; "WARN" for warnings, which every setting prints; "TEXT" for lines
/// that are not NCCL's.
std::string_view subsystem_of(Level level, EventKind kind);

}  // namespace rankdx
