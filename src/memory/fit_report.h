// A fit in every form.
#pragma once

#include <string>

#include "memory/fit.h"
#include "present/finding_text.h"

namespace rankdx {

/// Exactly the contract rankdx.fit/1 (schema/fit.schema.json); null for what is unknown.
std::string fit_json(const FitReport& report);
/// Verdict first, then the numbers with where they come from, findings, flags.
std::string fit_text(const FitReport& report, const TextStyle& style);
std::string fit_markdown(const FitReport& report);

}  // namespace rankdx
