// Findings whose words are tables of a check (model check, launch lint) as rules, so that `explain`
// knows them as it knows those of rules/*.toml.
#pragma once

#include "rules/rule.h"

namespace rankdx {

/// The pack and these. A finding that the pack has already gets the check's words as a further
/// form.
Result<RulePack> with_table_rules(RulePack pack);

}  // namespace rankdx
