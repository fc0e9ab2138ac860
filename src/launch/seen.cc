// JSON of diagnoses and fits, over nlohmann. Only this file includes it.
#include "launch/seen.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace rankdx {
namespace {

using Json = nlohmann::json;

const Json kNone;

const Json& at(const Json& object, const char* name) {
  if (!object.is_object()) return kNone;
  const auto found = object.find(name);
  return found == object.end() ? kNone : *found;
}
std::string text(const Json& object, const char* name) {
  const Json& v = at(object, name);
  return v.is_string() ? v.get<std::string>() : "";
}
int number(const Json& object, const char* name) {
  const Json& v = at(object, name);
  return v.is_number_integer() ? v.get<int>() : 0;
}

Result<Json> parsed(std::string_view json, std::string_view place, std::string_view schema) {
  // The callback keeps hostile nesting from using up the stack.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth < 100; };
  Json root = Json::parse(json, shallow, /*allow_exceptions=*/false);
  if (root.is_discarded()) return fail(ErrorCode::Corrupt, "this is no JSON", std::string(place));
  if (text(root, "schema") != schema) {
    return fail(ErrorCode::Usage, fmt::format("this is no {}", schema), std::string(place),
                schema == "rankdx.fit/1" ? "make it with: rankdx model fit -o json"
                                         : "make it with: rankdx diagnose -o json LOGS");
  }
  return root;
}

void read_job(const Json& job, Seen& seen) {
  for (const Json& v : at(job, "nccl_versions")) seen.nccl_versions.push_back(text(v, "version"));
  seen.vllm_version = text(job, "vllm_version");
  for (const Json& host : at(job, "hosts")) {
    if (const std::string network = text(host, "network"); !network.empty()) {
      seen.networks[text(host, "name")] = network;
    }
  }
  for (const Json& variable : at(job, "environment")) {
    auto& values = seen.environment[text(variable, "name")];
    const std::string value = text(variable, "value");
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  for (const Json& communicator : at(job, "communicators")) {
    for (const Json& link : at(communicator, "links")) {
      const Json& same = at(link, "same_host");
      if (!same.is_boolean()) continue;  // not known: proves nothing about the network
      seen.links.push_back(
          {number(link, "from"), number(link, "to"), text(link, "transport"), same.get<bool>()});
    }
  }
}

}  // namespace

Result<Seen> read_diagnosis(std::string_view json, std::string_view place) {
  const Json root = RANKDX_TRY(parsed(json, place, "rankdx.diagnosis/1"));
  Seen seen;
  seen.verdict = text(root, "verdict");
  seen.summary = text(root, "summary");
  for (const Json& finding : at(root, "findings")) {
    const std::string severity = text(finding, "severity");
    if (severity == "error" || severity == "warning") {
      seen.problems.push_back(text(finding, "id") + ": " + text(finding, "title"));
    }
  }
  read_job(at(root, "job"), seen);
  return seen;
}

Result<SeenFit> read_fit(std::string_view json, std::string_view place) {
  const Json root = RANKDX_TRY(parsed(json, place, "rankdx.fit/1"));
  SeenFit fit;
  fit.verdict = text(root, "verdict");
  fit.summary = text(root, "summary");
  for (const Json& flag : at(root, "flags")) {
    if (flag.is_string()) fit.flags.push_back(flag.get<std::string>());
  }
  return fit;
}

}  // namespace rankdx
