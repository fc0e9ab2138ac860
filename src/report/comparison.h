// A comparison of two runs in its forms.
#pragma once

#include <string>

#include "diagnose/compare.h"
#include "present/finding_text.h"

namespace rankdx {

std::string comparison_text(const std::vector<Difference>& differences, const Diagnosis& bad,
                            const TextStyle& style);
/// {"schema": "rankdx.diff/1", "verdict", "summary", "differences": [{what, good, bad, telling}]}
std::string comparison_json(const std::vector<Difference>& differences, const Diagnosis& bad);

}  // namespace rankdx
