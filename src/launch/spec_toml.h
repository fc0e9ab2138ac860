// launch.toml: a LaunchSpec as a file. Unknown keys and wrong types are errors that name the line.
#pragma once

#include <string>
#include <string_view>

#include "launch/spec.h"

namespace rankdx {

/// `place` names the file in errors: "launch.toml:7".
Result<LaunchSpec> read_launch_toml(std::string_view text, std::string_view place);

/// Reads more keys over a spec that is there.
Result<bool> apply_launch_toml(std::string_view text, std::string_view place, LaunchSpec& spec);

/// A launch.toml that reads back as the same spec; only what differs from the defaults is written.
std::string to_launch_toml(const LaunchSpec& spec);

}  // namespace rankdx
