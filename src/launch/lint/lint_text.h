// The report of lint for a terminal: one block per finding, with the line and a caret under the
// place.
#pragma once

#include <string>

#include "base/check.h"
#include "present/finding_text.h"

namespace rankdx::lint {

std::string lint_text(const CheckReport& report, const TextStyle& style);

}  // namespace rankdx::lint
