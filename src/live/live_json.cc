// All JSON that this room writes.
#include "live/live_json.h"

#include <nlohmann/json.hpp>

#include "catalogue/vllm_variables.h"
#include "live/run_record.h"
#include "live/watch_view.h"
#include "present/safe_text.h"
#include "redact/secrets.h"

namespace rankdx {
namespace {

using Json = nlohmann::ordered_json;

std::string written(const Json& j, int indent) {
  return safe_json(j.dump(indent, ' ', false, Json::error_handler_t::replace)) + "\n";
}

/// What the redactor does not know by its name.
bool secret_of_table(std::string_view name) {
  const LaunchVariable* known = find_launch_variable(name);
  return known != nullptr && known->use == LaunchVariableUse::Secret && !names_a_secret(name);
}

}  // namespace

std::string change_json(const StateChange& c) {
  Json j = {
      {"schema", "rankdx.watch/1"}, {"at_s", c.at_s}, {"subject", c.subject}, {"state", c.state}};
  if (!c.source.empty()) j["source"] = c.source;
  if (!c.text.empty()) j["text"] = c.text;
  if (c.exit_code) j["exit_code"] = *c.exit_code;
  if (c.progress.total > 0) {
    j["done"] = c.progress.done;
    j["total"] = c.progress.total;
    if (c.progress.left_s >= 0) j["left_s"] = c.progress.left_s;
    if (c.progress.item_s > 0) j["item_s"] = c.progress.item_s;
  }
  return written(j, -1);
}

std::string run_record_json(const RunRecord& r) {
  Json j = {{"schema", "rankdx.run/1"}, {"command", r.command}, {"host", r.host},
            {"profile", r.profile},     {"started", r.started}, {"pid", r.pid}};
  j["set"] = Json::object();
  for (const auto& [name, value] : r.settings.set) j["set"][name] = value;
  j["flags"] = r.settings.flags;
  j["kept"] = Json::array();
  for (const KeptSetting& k : r.settings.kept)
    j["kept"].push_back(
        {{"name", k.name}, {"value", k.value}, {"profile", k.profile_value}, {"where", k.where}});
  if (r.end) {
    j["ended"] = r.ended;
    j["exit_code"] = r.end->exit_code;
    if (r.end->signal > 0) j["signal"] = r.end->signal;
    j["verdict"] = r.verdict;
  }
  return written(j, 2);
}

std::string environment_json(std::span<const SeenVariables> seen) {
  Json j = {{"schema", "rankdx.environment/1"}, {"environments", Json::array()}};
  for (const SeenVariables& s : seen) {
    Json one = {{"place", s.place}, {"of", s.of}, {"variables", Json::object()}};
    for (const auto& [name, value] : s.variables) {
      if (is_launch_variable(name)) one["variables"][name] = secret_of_table(name) ? kGone : value;
    }
    if (!s.why_not.empty()) one["why_not"] = s.why_not;
    j["environments"].push_back(std::move(one));
  }
  return written(j, 2);
}

std::string event_list_json(std::span<const std::string> pages) {
  Json j = {{"apiVersion", "v1"}, {"kind", "EventList"}, {"items", Json::array()}};
  for (const std::string& page : pages) {
    for (Json& item : Json::parse(page, nullptr, false)) j["items"].push_back(std::move(item));
  }
  return written(j, 1);
}

}  // namespace rankdx
