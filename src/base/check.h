// What a check has to say (model check, check pod/mesh/cluster, launch lint, ras): findings, and
// beside them a status for everything that was looked at, also where it could not be. The contract
// is rankdx.check/1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"

namespace rankdx {

enum class CheckStatus : uint8_t { Ok, Warning, Failed, Unknown };

struct CheckResult {
  std::string id;  ///< kebab-case: "safetensors-headers"
  CheckStatus status = CheckStatus::Unknown;
  std::string value;   ///< what was seen: "59 files, 24,780 tensors"
  std::string why;     ///< why it is unknown, or what is wrong; may be empty
  std::string source;  ///< where it was read: a file, a command, an object; may be empty
};

struct CheckReport {
  CheckStatus verdict = CheckStatus::Unknown;
  std::string summary;  ///< one sentence
  std::vector<Finding> findings;
  std::vector<CheckResult> checks;
};

std::string_view to_string(CheckStatus status);

/// Failed with a finding of severity error or a failed check, warning likewise, unknown when
/// nothing but unknowns is left, else ok. A check that could not run beside others that are ok does
/// not change the verdict.
CheckStatus verdict_of(const CheckReport& report);

/// 0 ok, 1 failed (and warning, if `fail_on_warning`), 3 unknown.
enum class FailOn : uint8_t { Error, Warning, Never };
int exit_code_of(CheckStatus verdict, FailOn fail_on = FailOn::Error);

}  // namespace rankdx
