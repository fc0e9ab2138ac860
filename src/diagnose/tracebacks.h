// What tracebacks add to findings.
#pragma once

#include "diagnose/context.h"

namespace rankdx {

/// Where the exception that a finding rests on was raised: the innermost frame becomes evidence.
void add_frames(const Context& context, std::vector<Finding>& findings);

}  // namespace rankdx
