// Forms for machines that watch: JUnit and Prometheus.
#include <fmt/format.h>

#include <map>

#include "present/safe_text.h"
#include "report/report.h"

namespace rankdx {
namespace {

std::string xml_text(std::string_view text) {
  std::string out;
  for (char c : safe_text(text)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string label(std::string_view text) {
  std::string out;
  for (char c : safe_text(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// The cause, the lines that prove it and what to do, each on a line.
std::string failure_body(const Finding& f) {
  std::string out = xml_text(f.cause) + "\n";
  for (const Evidence& e : f.evidence)
    out += xml_text(place_of(e)) + ": " + xml_text(shortened(e.text, 1000)) + "\n";
  for (const Fix& fix : f.fix) {
    out += "fix: " + xml_text(fix.text) +
           (fix.command.empty() ? "" : " $ " + xml_text(fix.command)) + "\n";
  }
  return out;
}

bool is_failure(const Finding& f) { return f.severity == Severity::Error && f.role != Role::Note; }

}  // namespace

std::string render_junit(const Report& report) {
  size_t failures = 0;
  std::string cases;
  for (const Finding& f : report.diagnosis.findings) {
    cases += fmt::format("  <testcase classname=\"rankdx\" name=\"{}\">", xml_text(f.id));
    if (is_failure(f)) {
      ++failures;
      cases +=
          fmt::format("<failure message=\"{}\">{}</failure>", xml_text(f.title), failure_body(f));
    }
    cases += "</testcase>\n";
  }
  if (report.diagnosis.findings.empty())
    cases = "  <testcase classname=\"rankdx\" name=\"healthy\"></testcase>\n";
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"rankdx diagnose\" "
      "tests=\"{}\" failures=\"{}\">\n{}</testsuite>\n",
      std::max<size_t>(1, report.diagnosis.findings.size()), failures, cases);
}

std::string render_prometheus(const Report& report) {
  std::string out =
      "# HELP rankdx_verdict Verdict of the last diagnosis (1 for the one that holds).\n# TYPE "
      "rankdx_verdict gauge\n";
  for (Verdict v : {Verdict::Healthy, Verdict::Warning, Verdict::Failed, Verdict::Undetermined}) {
    out += fmt::format("rankdx_verdict{{verdict=\"{}\"}} {}\n", to_string(v),
                       v == report.diagnosis.verdict ? 1 : 0);
  }
  out +=
      "# HELP rankdx_finding Findings of the last diagnosis, counted.\n# TYPE rankdx_finding "
      "gauge\n";
  std::map<std::string, int> series;  // one per set of labels: two of the same would be refused
  for (const Finding& f : report.diagnosis.findings) {
    ++series[fmt::format("id=\"{}\",role=\"{}\",severity=\"{}\"", label(f.id), to_string(f.role),
                         to_string(f.severity))];
  }
  for (const auto& [labels, n] : series) out += fmt::format("rankdx_finding{{{}}} {}\n", labels, n);
  const InputTotals& in = report.job->input;
  out += fmt::format(
      "# TYPE rankdx_input_bytes gauge\nrankdx_input_bytes {}\n"
      "# TYPE rankdx_input_lines gauge\nrankdx_input_lines {}\n"
      "# TYPE rankdx_input_damaged_lines gauge\nrankdx_input_damaged_lines {}\n"
      "# TYPE rankdx_input_left_out gauge\nrankdx_input_left_out {}\n",
      in.bytes, in.lines, in.damaged_lines, report.left_out.size());
  return out;
}

}  // namespace rankdx
