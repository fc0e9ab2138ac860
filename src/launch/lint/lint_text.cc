#include "launch/lint/lint_text.h"

#include <algorithm>

#include "present/safe_text.h"
#include "present/table.h"

namespace rankdx::lint {
namespace {

Ink ink_of(Severity severity) {
  return severity == Severity::Error     ? Ink::Red
         : severity == Severity::Warning ? Ink::Yellow
                                         : Ink::Cyan;
}

/// The line, shortened on the left when the place lies far to the right, and a caret below it.
std::string line_and_caret(const Evidence& e, size_t width, const Paint& paint) {
  const std::string_view line = e.text;
  size_t at = 0;
  for (uint32_t column = 1; at < line.size() && column < e.column; ++column) {
    ++at;
    while (at < line.size() && (static_cast<unsigned char>(line[at]) & 0xc0) == 0x80) ++at;
  }
  size_t from = 0;
  const size_t room = std::max<size_t>(width, 40) - 8;
  if (at > room / 2) from = at - room / 3;
  while (from > 0 && (static_cast<unsigned char>(line[from]) & 0xc0) == 0x80) --from;
  const std::string before = safe_text(line.substr(from, at - from));
  const std::string shown = shortened((from > 0 ? "…" : "") + safe_text(line.substr(from)), room);
  const size_t blanks = display_width(before) + (from > 0 ? 1 : 0);
  return "    " + shown + "\n    " + std::string(blanks, ' ') + paint(Ink::Green, "^") + "\n";
}

std::string paragraph(const std::string& text, size_t width) {
  return "  " + wrapped(text, width - 2, "  ") + "\n";
}

std::string one(const Finding& f, const TextStyle& style) {
  const Paint paint(style.colour);
  const auto width = static_cast<size_t>(std::max(style.width, 40));
  std::string out;
  if (!f.evidence.empty()) {
    const Evidence& e = f.evidence[0];
    out += paint(Ink::Bold, safe_text(e.source) + ":" + std::to_string(e.line) + ":" +
                                std::to_string(e.column) + ": ");
  }
  const std::string_view word =
      f.severity == Severity::Info ? std::string_view("note") : to_string(f.severity);
  out += paint(ink_of(f.severity), std::string(word) + ": ") + safe_text(f.title) +
         paint(Ink::Dim, " [" + safe_text(f.id) + "]") + "\n";
  if (!f.evidence.empty()) out += line_and_caret(f.evidence[0], width, paint);
  if (!f.cause.empty()) out += paragraph(safe_text(f.cause), width);
  for (const Fix& fix : f.fix) out += paragraph("Do: " + safe_text(fix.text), width);
  for (const std::string& need : f.needs) out += paragraph("Bring: " + safe_text(need), width);
  return out;
}

}  // namespace

std::string lint_text(const CheckReport& report, const TextStyle& style) {
  const Paint paint(style.colour);
  const Ink ink = report.verdict == CheckStatus::Failed    ? Ink::Red
                  : report.verdict == CheckStatus::Warning ? Ink::Yellow
                  : report.verdict == CheckStatus::Ok      ? Ink::Green
                                                           : Ink::Dim;
  std::string verdict(to_string(report.verdict));
  for (char& c : verdict) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  std::string out = paint(ink, verdict) + "  " + safe_text(report.summary) + "\n";
  for (const Finding& f : report.findings) out += "\n" + one(f, style);
  Table table({"status", "check", "seen"});
  for (const CheckResult& c : report.checks) {
    const std::string why = c.value.empty() || c.why.empty() ? c.why : ": " + c.why;
    table.add({std::string(to_string(c.status)), safe_text(c.id), safe_text(c.value + why)});
  }
  if (!table.empty()) out += "\n" + table.text(static_cast<size_t>(std::max(style.width, 40)));
  return out;
}

}  // namespace rankdx::lint
