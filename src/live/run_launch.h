// `rankdx run`: a command with the debug settings of a profile, its logs in a folder of their own,
// its phases followed while it runs, and a diagnosis when it fails or hangs. Changes signal masks
// of the process: call it once, from the main thread, before there are others.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "launch/spec.h"
#include "present/terminal.h"

namespace rankdx {

struct RunRequest {
  enum class Show : uint8_t { Output, PhasesOnly };
  enum class Finished : uint8_t { Pack, KeepPlain };
  std::vector<std::string> command;
  std::optional<Profile> profile;  ///< none: nothing is set
  std::string vllm_version;        ///< "": that of the package beside the program
  std::string log_dir;             ///< each run makes a folder of its own below it
  Show show = Show::Output;
  Finished finished = Finished::Pack;
  double stuck_after_s = 0;  ///< 0: as long as the phase may take
  /// Text of the diagnosis of a folder of logs; called from another thread while the command runs.
  std::function<std::string(const std::string& folder)> diagnose;
};

/// The command's exit code, or 128 + signal; 126 and 127 when it cannot be run or found.
Result<int> run_launch(const RunRequest& request);

}  // namespace rankdx
