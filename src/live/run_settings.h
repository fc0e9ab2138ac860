// The variables and flags that `rankdx run` gives to a command: those of a profile of the launch
// room, but never one that the user has set, in the environment, in a file that NCCL reads or on
// the command line. Pure functions.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "launch/spec.h"
#include "live/run_flags.h"

namespace rankdx {

struct RunSettings {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> flags;  ///< words behind the command
  std::vector<KeptSetting> kept;   ///< the profile would say something else
  std::string why_no_flags;        ///< "" where the profile has none to add
};

/// What the user has set already: name to value and place. The environment before the files, and
/// the user's file before the system's, as NCCL ranks them.
struct UserSetting {
  std::string value, where;
};
using UserSettings = std::map<std::string, UserSetting, std::less<>>;
UserSettings user_settings();

/// `command` tells about Ray and several nodes. `log_dir` becomes part of file names. The release
/// of vLLM, "" if not known, decides about flags.
RunSettings settings_for_run(Profile profile, const std::vector<std::string>& command,
                             const std::string& vllm_version, const std::string& log_dir,
                             const UserSettings& user);

}  // namespace rankdx
