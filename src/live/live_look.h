// Gathers what join_live() judges, on this machine: two looks at the processes with some seconds
// between, meanwhile the RAS port and the logs. Bounded in time; reads and asks, changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "live/live_join.h"
#include "probe/host_view.h"
#include "rules/match.h"

namespace rankdx {

struct LiveLook {
  std::string model;  ///< "": that of the server's command
  uint16_t api_port = 8000;
  int seconds = 3;                ///< between the two looks
  std::vector<std::string> ras;   ///< "HOST[:PORT]"; none: this host, where its port listens
  std::vector<std::string> logs;  ///< none: files that the processes write to
  bool ask_ras = true;
};

/// Fails on an address that is none.
Result<LiveEvidence> look_at_launch(const HostView& host, const LiveLook& look, RuleMatcher& rules);

/// Files that standard output and standard error of these processes go to.
std::vector<std::string> log_files_of(const HostView& host,
                                      const std::vector<HostProcess>& processes);

}  // namespace rankdx
