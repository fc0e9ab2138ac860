// Findings as SARIF 2.1.0 (OASIS), the form in which code review shows them beside the lines.
#pragma once

#include <string>
#include <vector>

#include "base/finding.h"

namespace rankdx {

/// One result per finding, one location per line of evidence.
std::string findings_sarif(const std::vector<Finding>& findings);

}  // namespace rankdx
