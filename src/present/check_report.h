// The report of a check in every form.
#pragma once

#include <string>

#include "base/check.h"
#include "present/finding_text.h"

namespace rankdx {

/// Exactly the contract rankdx.check/1 (schema/check.schema.json).
std::string check_json(const CheckReport& report);
/// Verdict first, then findings, then one line per check.
std::string check_text(const CheckReport& report, const TextStyle& style);
std::string check_markdown(const CheckReport& report);
/// SARIF 2.1.0, for code review: one result per finding and evidence line.
std::string check_sarif(const CheckReport& report);

/// The four above by name: "text", "json", "markdown", "sarif".
std::string render_check(const CheckReport& report, std::string_view form, const TextStyle& style);

}  // namespace rankdx
