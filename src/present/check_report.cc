#include "present/check_report.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "present/finding_json.h"
#include "present/markdown.h"
#include "present/safe_text.h"
#include "present/table.h"

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

OrderedJson sarif_location(const Evidence& e) {
  OrderedJson place = {{"artifactLocation", {{"uri", e.source}}}};
  if (e.line) place["region"] = {{"startLine", e.line}};
  if (e.line && e.column) place["region"]["startColumn"] = e.column;
  return {{"physicalLocation", place}};
}

}  // namespace

std::string check_json(const CheckReport& report) {
  OrderedJson json = {{"schema", "rankdx.check/1"},
                      {"verdict", to_string(report.verdict)},
                      {"summary", report.summary},
                      {"findings", findings_to_json(report.findings)}};
  json["checks"] = OrderedJson::array();
  for (const CheckResult& c : report.checks) {
    json["checks"].push_back({{"id", c.id}, {"status", to_string(c.status)}, {"value", text_or_null(c.value)}, {"why", text_or_null(c.why)}, {"source", text_or_null(c.source)}});
  }
  return dumped(json);
}

std::string check_text(const CheckReport& report, const TextStyle& style) {
  const Paint paint(style.colour);
  std::string out = paint(ink_of(report.verdict), upper(to_string(report.verdict))) + "  " + safe_text(report.summary) + "\n";
  for (const Finding& f : report.findings) out += "\n" + finding_text(f, style);
  if (report.checks.empty()) return out;
  Table table({"status", "check", "seen", "read from"});
  for (const CheckResult& c : report.checks) {
    table.add({std::string(to_string(c.status)), safe_text(c.id), value_and_why(c), safe_text(c.source)});
  }
  return out + "\n" + table.text(static_cast<size_t>(std::max(style.width, 40)));
}

std::string check_markdown(const CheckReport& report) {
  std::string out = fmt::format("### {}: {}\n", upper(to_string(report.verdict)), markdown_text(report.summary));
  for (const Finding& f : report.findings) out += "\n" + finding_markdown(f);
  if (report.checks.empty()) return out;
  out += "\n| status | check | seen |\n|---|---|---|\n";
  for (const CheckResult& c : report.checks) {
    out += fmt::format("| {} | {} | {} |\n", to_string(c.status), markdown_text(c.id), markdown_text(value_and_why(c)));
  }
  return out;
}

std::string check_sarif(const CheckReport& report) {
  OrderedJson rules = OrderedJson::array(), results = OrderedJson::array();
  for (const Finding& f : report.findings) {
    auto known = [&](const OrderedJson& r) { return r["id"] == f.id; };
    if (std::none_of(rules.begin(), rules.end(), known)) {
      rules.push_back({{"id", f.id}, {"shortDescription", {{"text", f.title}}}});
    }
    OrderedJson result = {{"ruleId", f.id},
                          {"level", f.severity == Severity::Error ? "error" : f.severity == Severity::Warning ? "warning" : "note"},
                          {"message", {{"text", f.cause.empty() ? f.title : f.title + ". " + f.cause}}}};
    result["locations"] = OrderedJson::array();
    for (const Evidence& e : f.evidence) result["locations"].push_back(sarif_location(e));
    results.push_back(std::move(result));
  }
  const OrderedJson driver = {{"name", "rankdx"}, {"rules", rules}};
  return dumped({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                 {"version", "2.1.0"},
                 {"runs", OrderedJson::array({{{"tool", {{"driver", driver}}}, {"results", results}}})}});
}

std::string render_check(const CheckReport& report, std::string_view form, const TextStyle& style) {
  if (form == "json") return check_json(report);
  if (form == "markdown") return check_markdown(report);
  if (form == "sarif") return check_sarif(report);
  return check_text(report, style);
}

}  // namespace rankdx
