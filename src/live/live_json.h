// JSON that this room writes, besides that of its own types.
#pragma once

#include <span>
#include <string>

#include "live/collected.h"

namespace rankdx {

/// The variables of a launch among those that were seen. Values that are secrets by their name are
/// left to the redactor.
std::string environment_json(std::span<const SeenVariables> seen);

/// Pages of events as list_pages() gives them, as one list of many lines.
std::string event_list_json(std::span<const std::string> pages);

}  // namespace rankdx
