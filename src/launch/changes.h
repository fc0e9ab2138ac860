// What differs between two launches, with the reason of each line, and the text form of such a
// difference. Pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launch/launchers/launchers.h"
#include "launch/spec.h"

namespace rankdx {

enum class ChangeKind : uint8_t { Variable, Flag, Launch };

struct Change {
  ChangeKind kind = ChangeKind::Launch;
  std::string name;                   ///< variable, flag, or key of launch.toml
  std::optional<std::string> before;  ///< nothing: it was not there
  std::optional<std::string> after;   ///< nothing: it goes away
  std::string reason;
};

/// From one normalised spec to another, both for the launcher: variables, then flags, then the
/// rest.
std::vector<Change> changes_between(const LaunchSpec& from, const LaunchSpec& to,
                                    Launcher launcher);

/// A unified diff of two sets of files by their names, three lines of context; "" when they are
/// equal.
std::string unified_diff(const LaunchFiles& from, const LaunchFiles& to,
                         std::string_view from_prefix, std::string_view to_prefix);

}  // namespace rankdx
