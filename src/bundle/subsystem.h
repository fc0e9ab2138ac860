// Which subsystem of NCCL_DEBUG_SUBSYS let a message through. NCCL does not print it.
#pragma once

#include <cstdint>
#include <string_view>

#include "events/event.h"

namespace rankdx {

/// A small number; kSubsystems at most.
using Subsystem = uint8_t;
inline constexpr size_t kSubsystems = 32;

Subsystem subsystem_of(Level level, EventKind kind);
/// "INIT", "NET", "COLL", ...; "WARN" for warnings, which every setting prints; "TEXT" for lines
/// that are not NCCL's; "" for a number without one.
std::string_view name_of(Subsystem subsystem);

}  // namespace rankdx
