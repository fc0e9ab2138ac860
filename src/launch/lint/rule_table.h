// What lint can find: one row per kind of mistake. The ids are stable: documented in docs/lint.md,
// never reused.
#pragma once

#include <span>
#include <string_view>

#include "base/finding.h"

namespace rankdx::lint {

struct RuleWords {
  std::string_view id;
  Severity severity;
  Layer layer;
  std::string_view title;
  std::string_view why;  ///< what happens
  std::string_view fix;  ///< what to do
};

/// Sorted by id.
std::span<const RuleWords> rule_table();
/// The row; a row of its own for an id that is not in the table (a mistake of ours that a test
/// finds).
const RuleWords& rule_words(std::string_view id);

}  // namespace rankdx::lint
