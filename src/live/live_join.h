// One answer about a running launch, out of everything that was seen of it: its processes and GPUs
// (probe/live), NCCL's RAS port, its logs. No single one of them decides: a rank that spins in a
// collective looks busy in /proc, a quiet log may belong to a launch that loads, a port that
// listens does not prove that all ranks answer. Plain functions over values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "diagnose/diagnose.h"
#include "live/stall.h"
#include "probe/live/live.h"

namespace rankdx {

/// What was seen; what is absent could not be looked at.
struct LiveEvidence {
  LiveVerdict host;
  bool api_listens = false;
  std::optional<CheckReport> ras;  ///< judge_ras()
  std::string no_ras;              ///< why there is none
  std::optional<Diagnosis> diagnosis;
  std::optional<LaunchVerdict> motion;  ///< judge_motion() of the logs
  BarState bar;                         ///< of the process that is furthest behind while loading
  size_t log_files = 0;
  std::string no_logs;
};

enum class LaunchIs : uint8_t { Failed, Hung, Slow, Loading, Serving, Starting, Unknown };
std::string_view to_string(LaunchIs state);

struct LiveAnswer {
  LaunchIs state = LaunchIs::Unknown;
  std::string because;
  CheckReport report;
};

LiveAnswer join_live(const LiveEvidence& seen);

}  // namespace rankdx
