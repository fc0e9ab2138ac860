// What `rankdx run` leaves beside the logs: run.json. Written at the start and again at the end, so
// that it tells of a run whose watcher was killed. Holds no secrets.
#pragma once

#include <optional>
#include <string>

#include "live/logged_child.h"
#include "live/run_settings.h"

namespace rankdx {

struct RunRecord {
  std::string command;                        ///< redacted
  std::string host, profile, started, ended;  ///< times in UTC, RFC 3339
  int pid = -1;
  RunSettings settings;
  std::optional<ChildEnd> end;
  std::string verdict;  ///< of the watch, one sentence
};

/// Schema "rankdx.run/1".
std::string run_record_json(const RunRecord& record);

}  // namespace rankdx
