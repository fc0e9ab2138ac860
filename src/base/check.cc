#include "base/check.h"

#include <algorithm>
#include <array>

namespace rankdx {

std::string_view to_string(CheckStatus status) {
  constexpr std::array<std::string_view, 4> kWords = {"ok", "warning", "failed", "unknown"};
  const auto index = static_cast<size_t>(status);
  return index < kWords.size() ? kWords[index] : "unknown";
}

CheckStatus verdict_of(const CheckReport& report) {
  auto finds = [&](Severity s) {
    return std::any_of(report.findings.begin(), report.findings.end(),
                       [&](const Finding& f) { return f.severity == s; });
  };
  auto sees = [&](CheckStatus s) {
    return std::any_of(report.checks.begin(), report.checks.end(),
                       [&](const CheckResult& c) { return c.status == s; });
  };
  if (finds(Severity::Error) || sees(CheckStatus::Failed)) return CheckStatus::Failed;
  if (finds(Severity::Warning) || sees(CheckStatus::Warning)) return CheckStatus::Warning;
  return sees(CheckStatus::Ok) || report.checks.empty() ? CheckStatus::Ok : CheckStatus::Unknown;
}

int exit_code_of(CheckStatus verdict, FailOn fail_on) {
  if (fail_on == FailOn::Never) return 0;
  switch (verdict) {
    case CheckStatus::Failed:
      return 1;
    case CheckStatus::Warning:
      return fail_on == FailOn::Warning ? 1 : 0;
    case CheckStatus::Unknown:
      return 3;
    default:
      return 0;
  }
}

}  // namespace rankdx
