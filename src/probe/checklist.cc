#include "probe/checklist.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rankdx {

void Checklist::ok(std::string id, std::string value, std::string source) {
  report_.checks.push_back(
      {std::move(id), CheckStatus::Ok, std::move(value), {}, std::move(source)});
}

void Checklist::unknown(std::string id, std::string why, std::string source, std::string value) {
  report_.checks.push_back(
      {std::move(id), CheckStatus::Unknown, std::move(value), std::move(why), std::move(source)});
}

void Checklist::warning(std::string id, std::string value, std::string source, Problem problem) {
  this->problem(CheckStatus::Warning, std::move(id), std::move(value), std::move(source),
                std::move(problem));
}

void Checklist::failed(std::string id, std::string value, std::string source, Problem problem) {
  this->problem(CheckStatus::Failed, std::move(id), std::move(value), std::move(source),
                std::move(problem));
}

void Checklist::problem(CheckStatus status, std::string id, std::string value, std::string source,
                        Problem problem) {
  const bool failed = status == CheckStatus::Failed;
  Finding finding;
  finding.id = std::move(problem.finding);
  finding.role = failed ? Role::RootCause : Role::Contributing;
  finding.severity = failed ? Severity::Error : Severity::Warning;
  finding.confidence = problem.confidence;
  finding.layer = problem.layer;
  finding.title = problem.title;
  finding.cause = std::move(problem.cause);
  finding.fix = std::move(problem.fix);
  if (problem.where != Where{}) finding.where.push_back(std::move(problem.where));
  finding.evidence.push_back({source, 0, value});
  report_.findings.push_back(std::move(finding));
  report_.checks.push_back(
      {std::move(id), status, std::move(value), std::move(problem.title), std::move(source)});
}

CheckReport Checklist::take(std::string_view subject) {
  CheckReport report = std::move(report_);
  report_ = {};
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  report.verdict = verdict_of(report);
  const auto unknown =
      std::count_if(report.checks.begin(), report.checks.end(),
                    [](const CheckResult& c) { return c.status == CheckStatus::Unknown; });
  const std::string not_seen =
      unknown == 0 ? "" : fmt::format("; {} could not be looked at", unknown);
  if (!report.findings.empty() && report.verdict != CheckStatus::Ok) {
    const size_t more = report.findings.size() - 1;
    report.summary = fmt::format(
        "{}: {}{}{}", subject, report.findings.front().title,
        more == 0 ? "" : fmt::format(", and {} more finding{}", more, more == 1 ? "" : "s"),
        not_seen);
  } else {
    report.summary = fmt::format("{}: nothing wrong in {} checks{}", subject,
                                 report.checks.size() - static_cast<size_t>(unknown), not_seen);
  }
  return report;
}

std::string bytes_text(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) value /= 1024, ++unit;
  const bool whole = unit == 0 || value >= 100 || value == static_cast<double>(int(value));
  return whole ? fmt::format("{:.0f} {}", value, kUnits[unit])
               : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace rankdx
