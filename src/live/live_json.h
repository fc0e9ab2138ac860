// JSON that this room writes, besides that of its own types.
#pragma once

#include <string>

#include "cluster/gathered.h"

namespace rankdx {

/// The variables that the pods' processes see: pod to names and values, without secrets.
std::string environment_json(const Gathered& gathered);

}  // namespace rankdx
