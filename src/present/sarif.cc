#include "present/sarif.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "present/finding_json.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

/// A relative or absolute path as the URI that SARIF wants: every byte that RFC 3986 reserves
/// becomes %XX.
std::string uri_of(std::string_view path) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  std::string out;
  for (char c : path) {
    if (kPlain.find(c) != kPlain.npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out.empty() ? "input" : out;
}

std::string_view level_of(Severity severity) {
  return severity == Severity::Error ? "error" : severity == Severity::Warning ? "warning" : "note";
}

OrderedJson location(const Evidence& e) {
  OrderedJson place = {{"artifactLocation", {{"uri", uri_of(e.source)}}}};
  if (e.line) {
    place["region"] = {{"startLine", e.line}};
    if (e.column) place["region"]["startColumn"] = e.column;
    if (!e.text.empty()) place["region"]["snippet"] = {{"text", safe_text(e.text)}};
  }
  return {{"physicalLocation", place}};
}

OrderedJson result_of(const Finding& f) {
  std::string words = safe_text(f.cause.empty() ? f.title : f.title + ". " + f.cause);
  for (const Fix& fix : f.fix) words += "\n" + safe_text(fix.text);
  OrderedJson result = {
      {"ruleId", f.id}, {"level", level_of(f.severity)}, {"message", {{"text", words}}}};
  result["locations"] = OrderedJson::array();
  for (const Evidence& e : f.evidence) result["locations"].push_back(location(e));
  result["properties"] = {{"role", to_string(f.role)}, {"confidence", to_string(f.confidence)}};
  return result;
}

}  // namespace

std::string findings_sarif(const std::vector<Finding>& findings) {
  OrderedJson rules = OrderedJson::array(), results = OrderedJson::array();
  std::set<std::string_view> known;
  for (const Finding& f : findings) {
    if (known.insert(f.id).second) {
      rules.push_back({{"id", f.id}, {"shortDescription", {{"text", safe_text(f.title)}}}});
    }
    results.push_back(result_of(f));
  }
  const OrderedJson driver = {{"name", "rankdx"}, {"rules", rules}};
  return dumped({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                 {"version", "2.1.0"},
                 {"runs", OrderedJson::array({{{"tool", {{"driver", driver}}},
                                               {"columnKind", "unicodeCodePoints"},
                                               {"results", results}}})}});
}

}  // namespace rankdx
