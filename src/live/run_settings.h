// The variables that `rankdx run` gives to a command: those of a profile of the launch room, but
// never one that the user has set, in the environment or in a file that NCCL reads. Pure functions.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "launch/spec.h"

namespace rankdx {

struct KeptVariable {
  std::string name, value, profile_value;
  std::string where;  ///< "the environment", "/etc/nccl.conf"
};

struct RunSettings {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<KeptVariable> kept;  ///< the profile would say something else
};

/// What the user has set already: name to value and place. The environment before the files, and
/// the user's file before the system's, as NCCL ranks them.
struct UserSetting {
  std::string value, where;
};
using UserSettings = std::map<std::string, UserSetting, std::less<>>;
UserSettings user_settings();

/// `command` tells about Ray and several nodes. `log_dir` becomes part of file names.
RunSettings settings_for_run(Profile profile, const std::vector<std::string>& command,
                             const std::string& log_dir, const UserSettings& user);

}  // namespace rankdx
