// The subsystems that NCCL_DEBUG_SUBSYS selects (NCCL debug.cc, 2.3 to 2.30.7). The name is never
// printed in a line.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace rankdx {

struct NcclSubsystem {
  std::string_view name;
  uint32_t bit = 0;
  std::string_view since;  ///< first release with it
  std::string_view
      by_default;  ///< releases in which it is on when NCCL_DEBUG_SUBSYS is not set; "" = none
  std::string_view lines;   ///< what it prints
  std::string_view volume;  ///< how much that is
  std::string_view use;     ///< what it is good for in a search
  std::string_view note;    ///< what people get wrong; ""
};

/// In order of the bits, ALL last.
std::span<const NcclSubsystem> nccl_subsystems();

/// By name, in any case, or nullptr.
const NcclSubsystem* find_nccl_subsystem(std::string_view name);

}  // namespace rankdx
