// A launch for any launcher, and back. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launch/launchers/launchers.h"
#include "launch/spec.h"

namespace rankdx {

/// The files of the launch. Errors name the key of launch.toml; all of them are in the text of one
/// error.
Result<LaunchFiles> generate(const LaunchSpec& spec, Launcher launcher);

/// The spec behind files that generate() made, equal to normalised(spec, launcher); of others, what
/// can be read.
Result<LaunchSpec> read_back(const LaunchFiles& files, Launcher launcher);

/// Which launcher a file is for, by what is in it; nothing when it is none of them.
std::optional<Launcher> launcher_of(std::string_view text);

}  // namespace rankdx
