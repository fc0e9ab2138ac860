// What a launch as a whole does: moving, slow, stuck, failed, serving; and who is missing. Only
// from what was seen: a rank whose log is not there is said to be unseen, not to be dead. No state;
// the caller gives the time.
#pragma once

#include <string>
#include <vector>

#include "live/launch_tracker.h"

namespace rankdx {

enum class Motion : uint8_t { Waiting, Moving, Slow, Stuck, Failed, Serving, Ended };

struct LaunchVerdict {
  Motion motion = Motion::Waiting;
  Phase phase = Phase::Boot;  ///< the furthest that a process is in
  double quiet_s = 0;         ///< since the last line that shows progress
  std::vector<int> missing;   ///< ranks that the others wait for
  std::string text;  ///< one sentence; holds words of the logs: make it safe before printing
};

/// `patience_s`: silence that counts as stuck in any phase; 0: as long as the phase may take.
LaunchVerdict judge_motion(const LaunchState& state, double now_s, double patience_s = 0);

/// "moving", "stuck"...
std::string_view name_of(Motion motion);

/// "2,3", "0-7,9".
std::string short_ranks(const std::vector<int>& sorted);

/// A launch says "serving" in the log of its API server only; then all its processes serve.
bool is_serving(const LaunchState& state);

}  // namespace rankdx
