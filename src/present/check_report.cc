#include "present/check_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "present/finding_json.h"
#include "present/markdown.h"
#include "present/safe_text.h"
#include "present/sarif.h"

namespace rankdx {
namespace {

Ink ink_of(CheckStatus status) {
  constexpr std::array<Ink, 4> kInks = {Ink::Green, Ink::Yellow, Ink::Red, Ink::Dim};
  return kInks[static_cast<size_t>(status)];
}

std::string value_and_why(const CheckResult& c) {
  return safe_text(c.value) + (c.value.empty() || c.why.empty() ? "" : ": ") + safe_text(c.why);
}

std::string upper(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

/// One line per check; what does not fit goes on below, since the reason is what one reads for.
std::string check_lines(const std::vector<CheckResult>& checks, const TextStyle& style) {
  constexpr size_t kStatus = 9, kMostId = 32, kMostText = 1000;
  const Paint paint(style.colour);
  size_t ids = 0;
  for (const CheckResult& c : checks) {
    ids = std::max(ids, std::min(kMostId, display_width(safe_text(c.id))));
  }
  const size_t begin = 2 + kStatus + ids + 2;
  const size_t width = static_cast<size_t>(std::max(style.width, 40));
  const bool beside = begin + 30 <= width;  // else the words stand below the name
  std::string out;
  for (const CheckResult& c : checks) {
    const std::string status(to_string(c.status)), id = safe_text(c.id);
    std::string words = value_and_why(c);
    if (!c.source.empty()) words += (words.empty() ? "from " : "; from ") + safe_text(c.source);
    const std::string indent(beside ? begin : 6, ' ');
    words = wrapped(shortened(words, kMostText), width - indent.size(), indent);
    out += "  " + paint(ink_of(c.status), status) + std::string(kStatus - status.size(), ' ') + id;
    if (!words.empty() && beside && display_width(id) <= ids) {
      out += std::string(ids + 2 - display_width(id), ' ') + words;
    } else if (!words.empty()) {
      out += "\n" + indent + words;
    }
    out += "\n";
  }
  return out;
}

}  // namespace

std::string check_json(const CheckReport& report) {
  OrderedJson json = {{"schema", "rankdx.check/1"},
                      {"verdict", to_string(report.verdict)},
                      {"summary", report.summary},
                      {"findings", findings_to_json(report.findings)}};
  json["checks"] = OrderedJson::array();
  for (const CheckResult& c : report.checks) {
    json["checks"].push_back({{"id", c.id},
                              {"status", to_string(c.status)},
                              {"value", text_or_null(c.value)},
                              {"why", text_or_null(c.why)},
                              {"source", text_or_null(c.source)}});
  }
  return dumped(json);
}

std::string check_text(const CheckReport& report, const TextStyle& style) {
  std::string out =
      verdict_line(ink_of(report.verdict), upper(to_string(report.verdict)), report.summary, style);
  for (const Finding& f : report.findings) out += "\n" + finding_text(f, style);
  if (!report.checks.empty()) out += "\n" + check_lines(report.checks, style);
  return out;
}

std::string check_markdown(const CheckReport& report) {
  std::string out = fmt::format("### {}: {}\n", upper(to_string(report.verdict)),
                                markdown_clip(report.summary, 1000));
  for (const Finding& f : report.findings) out += "\n" + finding_markdown(f);
  if (report.checks.empty()) return out;
  out += "\n| status | check | seen |\n|---|---|---|\n";
  for (const CheckResult& c : report.checks) {
    out += fmt::format("| {} | {} | {} |\n", to_string(c.status), markdown_clip(c.id, 80),
                       markdown_clip(value_and_why(c), 300));
  }
  return out;
}

std::string check_sarif(const CheckReport& report) { return findings_sarif(report.findings); }

std::string render_check(const CheckReport& report, std::string_view form, const TextStyle& style) {
  if (form == "json") return check_json(report);
  if (form == "markdown") return check_markdown(report);
  if (form == "sarif") return check_sarif(report);
  return check_text(report, style);
}

}  // namespace rankdx
