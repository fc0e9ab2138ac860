// Facts to findings: rule hits and structural detectors, put in causal order.
#pragma once

#include <string>
#include <vector>

#include "base/finding.h"
#include "job/job.h"
#include "rules/match.h"

namespace rankdx {

struct Diagnosis {
  Verdict verdict = Verdict::Undetermined;
  std::string summary;            ///< one sentence for a chat
  std::vector<Finding> findings;  ///< the leading root cause first, then by role and severity
};

struct DiagnoseOptions {
  /// Directory or config.json of the model, for flag values; the user named it. "": only numbers
  /// and names of the log count, and nothing that a log names is opened.
  std::string model_directory;
};

/// `job` must be assemble(facts).
Diagnosis diagnose(const Facts& facts, const Job& job, RuleMatcher& rules,
                   const DiagnoseOptions& options = {});

}  // namespace rankdx
