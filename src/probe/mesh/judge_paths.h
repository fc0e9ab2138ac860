// The part of the verdict that speaks of ways between members.
#pragma once

#include <string>

#include "probe/checklist.h"
#include "probe/mesh/model.h"

namespace rankdx {

void judge_paths(const MeshData& data, const std::string& interface_setting, Checklist& out);

}  // namespace rankdx
