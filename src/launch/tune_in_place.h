// Tuning of launches that were written by hand: variables and flags are changed where they stand,
// everything else stays. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "launch/changes.h"
#include "launch/launchers/launchers.h"
#include "launch/seen.h"

namespace rankdx {

struct TunedFiles {
  LaunchFiles files;
  std::vector<Change> changes;
  std::vector<std::string> notes;
};

/// Refuses texts in which nothing starts vLLM.
Result<TunedFiles> tune_in_place(const LaunchFiles& files, const Seen& seen, const SeenFit* fit);

}  // namespace rankdx
