// What {name} in a form stands for: one table of names and the texts they become.
#pragma once

#include <string_view>

#include "render.h"

namespace rankdx::fleet {

/// Where a field stands: whose line, which repetition, and when.
struct Slot {
  const Plan& plan;
  const Speaker& speaker;
  const std::string& comm_id;
  int channel = 0, attempt = 0;
  uint64_t call = 0;
  int64_t time_us = 0;
};

/// nullptr: there is no such field.
Field find_field(std::string_view name);

}  // namespace rankdx::fleet
