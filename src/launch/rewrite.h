// Puts the outcome of tuning into the files that were given. Pure functions.
#pragma once

#include "launch/launchers/launchers.h"
#include "launch/tune.h"

namespace rankdx {

/// The files of the tuned launch under the names of the given ones. Files that generate() would
/// write for `spec` are written anew; others are refused.
Result<LaunchFiles> rewritten(const LaunchFiles& files, const LaunchSpec& spec, const Tuned& tuned,
                              Launcher launcher);

}  // namespace rankdx
