// Issues as findings, with masked evidence.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "launch/lint/lint.h"
#include "launch/lint/rule_table.h"

namespace rankdx::lint {
namespace {

constexpr size_t kLongestLine = 400;

/// The line with every secret in it replaced; columns before a secret stay right.
std::string shown_line(const SourceText& source, uint32_t line, uint32_t begin,
                       const std::vector<Span>& secrets) {
  std::string text(source.line(line));
  for (auto s = secrets.rbegin(); s != secrets.rend(); ++s) {
    const uint32_t end = begin + static_cast<uint32_t>(text.size());
    if (s->end <= begin || s->begin >= end) continue;
    const uint32_t from = std::max(s->begin, begin) - begin, to = std::min(s->end, end) - begin;
    text.replace(from, to - from, "***");
  }
  if (text.size() > kLongestLine) {
    size_t cut = kLongestLine;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
    text.resize(cut);
  }
  return text;
}

Role role_of(Severity severity) {
  return severity == Severity::Error     ? Role::RootCause
         : severity == Severity::Warning ? Role::Contributing
                                         : Role::Note;
}

std::string summary_of(const std::vector<Finding>& findings) {
  size_t errors = 0, warnings = 0;
  for (const Finding& f : findings) {
    errors += f.severity == Severity::Error;
    warnings += f.severity == Severity::Warning;
  }
  auto count = [](size_t n, std::string_view word) {
    return std::to_string(n) + " " + std::string(word) + (n == 1 ? "" : "s");
  };
  if (errors + warnings == 0)
    return findings.empty() ? "Nothing wrong was found."
                            : count(findings.size(), "note") + ", nothing wrong.";
  std::string text = errors > 0 ? count(errors, "error") : "";
  if (warnings > 0) text += (errors > 0 ? " and " : "") + count(warnings, "warning");
  return text + ".";
}

}  // namespace

CheckReport lint_report(const SourceText& source, const LintResult& result) {
  CheckReport report;
  std::vector<Span> secrets = result.secrets;
  std::sort(secrets.begin(), secrets.end());
  secrets.erase(std::unique(secrets.begin(), secrets.end()), secrets.end());
  for (const Issue& i : result.issues) {
    const RuleWords& words = rule_words(i.rule);
    Finding f;
    f.id = i.rule;
    f.severity = i.severity;
    f.role = role_of(i.severity);
    f.confidence = i.confidence;
    f.layer = words.layer;
    f.title = words.title;
    f.cause = i.detail;
    if (!words.why.empty()) f.cause += (f.cause.empty() ? "" : " ") + std::string(words.why);
    f.needs = i.needs;
    if (!words.fix.empty()) f.fix.push_back({"any", std::string(words.fix), ""});
    if (source.size() > 0 && i.rule != "document-has-no-launch") {
      const Position at = source.position(i.span.begin);
      f.evidence.push_back({source.name(), at.line,
                            shown_line(source, at.line, source.line_begin(i.span.begin), secrets),
                            at.column});
    }
    report.findings.push_back(std::move(f));
  }
  report.checks = result.checks;
  report.summary = source.name() + ": " + summary_of(report.findings);
  report.verdict = verdict_of(report);
  if (!result.understood && report.verdict != CheckStatus::Failed)
    report.verdict = CheckStatus::Unknown;
  return report;
}

}  // namespace rankdx::lint
