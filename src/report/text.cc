#include <algorithm>

#include <fmt/format.h>

#include "present/safe_text.h"
#include "report/picture.h"

namespace rankdx {
namespace {

std::string verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::Healthy: return "HEALTHY";
    case Verdict::Warning: return "WARNING";
    case Verdict::Failed: return "FAILED";
    default: return "UNDETERMINED";
  }
}

Ink ink_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::Healthy: return Ink::Green;
    case Verdict::Failed: return Ink::Red;
    default: return Ink::Yellow;
  }
}

std::string one_line(const Finding& f, int width) {
  const std::string where = places(f);
  return shortened(fmt::format("{} ({})", safe_text(f.title), f.id) + (where.empty() ? "" : ": " + where), static_cast<size_t>(width) - 6);
}

/// The findings of one role, a line each.
std::string lines_of(const Report& report, Role role, std::string_view heading, std::string_view mark, const TextOptions& o) {
  constexpr size_t kMost = 8;
  std::string out;
  size_t n = 0;
  for (const Finding& f : report.diagnosis.findings) {
    if (f.role != role || &f == &report.diagnosis.findings.front()) continue;
    if (o.detail == Detail::Brief && ++n > kMost) continue;
    out += fmt::format("  {} {}\n", mark, one_line(f, o.width));
  }
  if (n > kMost) out += fmt::format("  and {} more (--verbose)\n", n - kMost);
  return out.empty() ? "" : fmt::format("\n{}\n{}", heading, out);
}

std::string section(std::string_view heading, const std::string& body) {
  return body.empty() ? "" : fmt::format("\n{}\n{}", heading, body);
}

std::string input_lines(const Report& report) {
  const InputTotals& in = report.job->input;
  std::string out = fmt::format("\nRead {} source{}, {} lines, {} of NCCL", in.sources, in.sources == 1 ? "" : "s", in.lines, in.nccl_lines);
  if (in.unrecognised_nccl_lines) out += fmt::format(", {} of them unknown", in.unrecognised_nccl_lines);
  if (in.damaged_lines) out += fmt::format(", {} damaged (cut or glued)", in.damaged_lines);
  out += "\n";
  constexpr size_t kMost = 10;
  for (size_t i = 0; i < std::min(report.left_out.size(), kMost); ++i) {
    out += "  left out: " + safe_text(to_string(report.left_out[i])) + "\n";
  }
  if (report.left_out.size() > kMost) out += fmt::format("  and {} more inputs left out\n", report.left_out.size() - kMost);
  return out;
}

}  // namespace

std::string render_text(const Report& report, const TextOptions& o) {
  const Diagnosis& d = report.diagnosis;
  const Paint paint(o.colour);
  const std::string word = verdict_word(d.verdict);
  std::string out = paint(ink_of(d.verdict), word) + "  " + wrapped(safe_text(d.summary), static_cast<size_t>(std::max(o.width, 40)) - word.size() - 2, "  ") + "\n";
  const TextStyle style{o.colour, o.width, o.detail == Detail::Verbose ? size_t{12} : size_t{4}};
  const bool lead_shown = !d.findings.empty() && d.findings.front().role != Role::Note;
  if (lead_shown) out += "\n" + finding_text(d.findings.front(), style);
  if (o.detail == Detail::Verbose) {
    for (size_t i = lead_shown ? 1 : 0; i < d.findings.size(); ++i) out += "\n" + finding_text(d.findings[i], style);
  } else {
    out += lines_of(report, Role::RootCause, "Also possible", "-", o);
    out += lines_of(report, Role::Contributing, "Besides", "-", o);
    out += lines_of(report, Role::Consequence, "Follows from it", "->", o);
    out += lines_of(report, Role::Note, "Notes", "-", o);
    if (!lead_shown && !d.findings.empty()) {
      if (out.find("\nNotes\n") == std::string::npos) out += "\nNotes\n";
      out += "  - " + one_line(d.findings.front(), o.width) + "\n";
    }
  }
  out += section("Job: " + job_in_a_line(*report.job), rank_table(*report.job, o.width));
  out += section("Transports (first communicator)", transport_picture(*report.job, o.width));
  out += section("Not the same everywhere", differences(*report.job, o.width));
  if (o.detail == Detail::Verbose) out += everything_else(*report.job, o.width);
  return out + input_lines(report);
}

}  // namespace rankdx
