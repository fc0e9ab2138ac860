// One Report, several forms. Everything printed is made safe first: control characters, escape
// sequences and invalid UTF-8 of the input never reach a terminal or a browser.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "diagnose/diagnose.h"
#include "present/finding_text.h"

namespace rankdx {

struct Report {
  Diagnosis diagnosis;
  const Job* job = nullptr;     ///< outlives the report
  std::vector<Error> left_out;  ///< inputs that could not be used, with the reason
  /// Of a redacted report: the sources under their pseudonyms, to which its job points.
  std::shared_ptr<const std::deque<SourceFacts>> renamed_sources;
};

enum class Detail : uint8_t { Brief, Verbose };

struct TextOptions {
  Colour colour = Colour::Never;
  Detail detail = Detail::Brief;
  int width = 100;
};

/// Verdict and root cause first, then what follows from it, then the picture. Short for any number
/// of ranks.
std::string render_text(const Report& report, const TextOptions& options);
/// Exactly the contract rankdx.diagnosis/1 (schema/diagnosis.schema.json).
std::string render_json(const Report& report);
/// Fits a GitHub issue: under 60,000 characters.
std::string render_markdown(const Report& report);
/// SARIF 2.1.0, for code review and its dashboards.
std::string render_sarif(const Report& report);
/// JUnit XML, so that a CI job shows each finding as a failed test.
std::string render_junit(const Report& report);
/// Prometheus text format: rankdx_verdict, rankdx_finding and the counts of the input.
std::string render_prometheus(const Report& report);

/// The report with addresses, names of the job's hosts and pods, user names, tokens and passwords
/// replaced by stable pseudonyms (redact/redactor.h). `job_storage` becomes the job of the result
/// and must outlive it, as the facts of the first job must.
Report redacted(const Report& report, Job& job_storage);

}  // namespace rankdx
