// All JSON that this room writes.
#include "live/live_json.h"

#include <nlohmann/json.hpp>

#include "live/run_record.h"
#include "live/watch_view.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

using Json = nlohmann::ordered_json;

std::string written(const Json& j, int indent) {
  return safe_json(j.dump(indent, ' ', false, Json::error_handler_t::replace)) + "\n";
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
  j["kept"] = Json::array();
  for (const KeptVariable& k : r.settings.kept)
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

std::string environment_json(const Gathered& gathered) {
  Json j = Json::object();
  for (const PodData& pod : gathered.pods) {
    Json one = {{"of", pod.inside.env_of}, {"variables", Json::object()}};
    for (const auto& [name, value] : pod.inside.env) one["variables"][name] = value;
    if (!pod.inside_why.empty()) one["why_not"] = pod.inside_why;
    j[pod.pod.name] = std::move(one);
  }
  return written(j, 2);
}

}  // namespace rankdx
