// rankdx.check/1 as another rankdx printed it.
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cluster/inside.h"

namespace rankdx {
namespace {

using Json = nlohmann::json;

std::string text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

template <class Fn>
void each(const Json& json, const char* key, Fn fn) {
  constexpr size_t kMost = 2000;
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array()) return;
  size_t count = 0;
  for (const Json& item : *found) {
    if (item.is_object() && count++ < kMost) fn(item);
  }
}

CheckStatus status_from(const std::string& word) {
  return word == "ok"        ? CheckStatus::Ok
         : word == "warning" ? CheckStatus::Warning
         : word == "failed"  ? CheckStatus::Failed
                             : CheckStatus::Unknown;
}

Finding finding_of(const Json& json) {
  Finding f;
  f.id = text(json, "id"), f.title = text(json, "title"), f.cause = text(json, "cause");
  f.role = role_from(text(json, "role")).value_or(Role::Note);
  f.severity = severity_from(text(json, "severity")).value_or(Severity::Info);
  f.confidence = confidence_from(text(json, "confidence")).value_or(Confidence::Possible);
  f.layer = Layer::Container;
  each(json, "evidence", [&](const Json& e) {
    f.evidence.push_back({text(e, "source"), 0, text(e, "text"), 0});
  });
  each(json, "fix", [&](const Json& x) {
    f.fix.push_back({text(x, "for"), text(x, "text"), text(x, "command")});
  });
  each(json, "where", [&](const Json& w) {
    Where where;
    where.host = text(w, "host"), where.interface = text(w, "interface"),
    where.peer = text(w, "peer");
    if (const auto gpu = w.find("gpu"); gpu != w.end() && gpu->is_number_integer())
      where.gpu = gpu->get<int>();
    f.where.push_back(std::move(where));
  });
  return f;
}

}  // namespace

Result<CheckReport> parse_check_report(std::string_view json_text) {
  const Json json = Json::parse(json_text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || text(json, "schema") != "rankdx.check/1")
    return fail(ErrorCode::Corrupt, "is no report of rankdx check");
  CheckReport report;
  report.verdict = status_from(text(json, "verdict"));
  report.summary = text(json, "summary");
  each(json, "findings", [&](const Json& f) { report.findings.push_back(finding_of(f)); });
  each(json, "checks", [&](const Json& c) {
    report.checks.push_back({text(c, "id"), status_from(text(c, "status")), text(c, "value"),
                             text(c, "why"), text(c, "source")});
  });
  return report;
}

}  // namespace rankdx
