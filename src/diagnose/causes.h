// Which finding is the cause and which follow from it: an explicit model, no score tuning.
//  1. A finding that names others in `explains` (rule data) makes them consequences.
//  2. A structural finding (somebody is missing, died, or waits) is a symptom wherever something
//  says why: an error
//     that states its own cause explains it.
//  3. A cause in an earlier layer that can bring it about, is not later and concerns the same part
//     of the job makes a finding a consequence (causality.h).
//  4. Among what is left the surer comes first, then the earlier (time where there is any, else
//  line in one source),
//     then the lower layer.
//  5. Where two explanations remain and a rule names them as rivals, both are only possible and the
//     first says what would decide.
#pragma once

#include "diagnose/context.h"

namespace rankdx {

/// Gives each finding its final role and puts the leading root cause first.
void order_causes(const Context& context, const RulePack& pack, std::vector<Finding>& findings);

/// The verdict that the ordered findings allow.
Verdict verdict_of(const Context& context, const std::vector<Finding>& findings);

}  // namespace rankdx
