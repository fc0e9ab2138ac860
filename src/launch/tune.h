// From a debug launch to the production launch, each step with its reason from what the logs
// showed. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launch/changes.h"
#include "launch/seen.h"
#include "launch/spec.h"

namespace rankdx {

struct Tuned {
  LaunchSpec spec;              ///< normalised, production
  std::vector<Change> changes;  ///< from the launch that was given
  std::vector<std::string>
      notes;  ///< what a person must decide or should know; nothing was changed for them
};

/// `launch` is normalised for the launcher (as read_back() gives it).
Tuned tune(const LaunchSpec& launch, Launcher launcher, const Seen& seen, const SeenFit* fit);

}  // namespace rankdx
