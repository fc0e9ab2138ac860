#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cluster/pods.h"

namespace rankdx {
namespace {

using Json = nlohmann::json;

const Json& part(const Json& object, const char* key) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found != object.end() ? *found : none;
}

std::string text(const Json& object, const char* key) {
  const Json& value = part(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<int64_t> number(const Json& object, const char* key) {
  const Json& value = part(object, key);
  return value.is_number_integer() ? std::optional<int64_t>(value.get<int64_t>()) : std::nullopt;
}

bool is_true(const Json& object, const char* key) {
  const Json& value = part(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::map<std::string, std::string> texts(const Json& object) {
  std::map<std::string, std::string> out;
  if (!object.is_object()) return out;
  for (const auto& [key, value] : object.items()) {
    if (value.is_string()) out[key] = value.get<std::string>();
  }
  return out;
}

std::vector<std::string> list(const Json& array) {
  std::vector<std::string> out;
  for (const Json& value : array.is_array() ? array : Json::array()) {
    if (value.is_string()) out.push_back(value.get<std::string>());
  }
  return out;
}

template <class Fn>
void each(const Json& array, Fn fn) {
  if (!array.is_array()) return;
  for (const Json& item : array) {
    if (item.is_object()) fn(item);
  }
}

ContainerExit exit_of(const Json& json) {
  ContainerExit e;
  e.exit_code = static_cast<int>(number(json, "exitCode").value_or(0));
  if (const auto signal = number(json, "signal"); signal && *signal != 0)
    e.signal = static_cast<int>(*signal);
  e.reason = text(json, "reason"), e.message = text(json, "message");
  e.started_at = text(json, "startedAt"), e.finished_at = text(json, "finishedAt");
  return e;
}

/// "2", and device resources of every maker.
bool is_gpu(const std::string& resource) {
  return resource.ends_with("/gpu") || resource.find("nvidia.com/mig-") != std::string::npos ||
         resource == "nvidia.com/gpu.shared" || resource.starts_with("gpu.intel.com/");
}

void resources(const Json& json, ContainerInfo& c) {
  auto read = [&](const char* what, int64_t& into) {
    for (const auto& [name, amount] : texts(part(json, what))) {
      if (!is_gpu(name)) continue;
      c.gpu_resource = name;
      into += parse_int<int64_t>(amount).value_or(0);
    }
  };
  read("limits", c.gpu_limit);
  read("requests", c.gpu_request);
  c.memory_limit = text(part(json, "limits"), "memory");
}

/// A probe in a few words, and after how many seconds of failures it acts.
std::string probe(const Json& json, std::optional<int64_t>& gives_up_s) {
  if (!json.is_object()) return "";
  std::string what = part(json, "httpGet").is_object()
                         ? "GET " + text(part(json, "httpGet"), "path")
                     : part(json, "exec").is_object()      ? "exec"
                     : part(json, "tcpSocket").is_object() ? "tcp"
                                                           : "grpc";
  const int64_t delay = number(json, "initialDelaySeconds").value_or(0),
                period = number(json, "periodSeconds").value_or(10);
  const int64_t failures = number(json, "failureThreshold").value_or(3);
  constexpr int64_t kMost = 1 << 30;
  gives_up_s = std::clamp<int64_t>(delay, 0, kMost) +
               std::clamp<int64_t>(period, 0, 1 << 15) * std::clamp<int64_t>(failures, 0, 1 << 15);
  return fmt::format("{}, gives up after {} s", what, *gives_up_s);
}

ContainerInfo spec_of(const Json& json, ContainerInfo::Kind kind) {
  ContainerInfo c;
  c.kind = kind;
  c.name = text(json, "name"), c.image = text(json, "image");
  c.command = list(part(json, "command")), c.args = list(part(json, "args"));
  resources(part(json, "resources"), c);
  each(part(json, "env"), [&](const Json& e) {
    const std::string name = text(e, "name");
    if (part(e, "valueFrom").is_object())
      c.env_refs.push_back(name);
    else
      c.env[name] = text(e, "value");
  });
  each(part(json, "envFrom"), [&](const Json& e) {
    for (const char* ref : {"configMapRef", "secretRef"}) {
      if (part(e, ref).is_object()) c.env_from.push_back(text(part(e, ref), "name"));
    }
  });
  each(part(json, "volumeMounts"),
       [&](const Json& m) { c.mounts[text(m, "mountPath")] = text(m, "name"); });
  const Json& security = part(json, "securityContext");
  c.run_as_user = number(security, "runAsUser"), c.run_as_group = number(security, "runAsGroup");
  if (part(security, "privileged").is_boolean()) c.privileged = is_true(security, "privileged");
  c.capabilities = list(part(part(security, "capabilities"), "add"));
  std::optional<int64_t> ignored;
  c.liveness = probe(part(json, "livenessProbe"), c.liveness_gives_up_s);
  c.readiness = probe(part(json, "readinessProbe"), ignored);
  c.startup = probe(part(json, "startupProbe"), c.startup_gives_up_s);
  return c;
}

void status_of(const Json& json, ContainerInfo& c) {
  c.ready = is_true(json, "ready");
  c.restarts =
      static_cast<int>(std::clamp<int64_t>(number(json, "restartCount").value_or(0), 0, INT32_MAX));
  c.image_id = text(json, "imageID");
  const Json& state = part(json, "state");
  if (const Json& waiting = part(state, "waiting"); waiting.is_object()) {
    c.state = ContainerInfo::State::Waiting;
    c.reason = text(waiting, "reason"), c.message = text(waiting, "message");
  } else if (const Json& running = part(state, "running"); running.is_object()) {
    c.state = ContainerInfo::State::Running;
    c.started_at = text(running, "startedAt");
  } else if (const Json& ended = part(state, "terminated"); ended.is_object()) {
    c.state = ContainerInfo::State::Ended;
    c.ended = exit_of(ended);
    c.started_at = c.ended->started_at;
  }
  if (const Json& before = part(part(json, "lastState"), "terminated"); before.is_object())
    c.before = exit_of(before);
}

VolumeInfo volume_of(const Json& json) {
  VolumeInfo v;
  v.name = text(json, "name");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_object()) continue;
    v.kind = key;
    if (key == "emptyDir") {
      v.detail = text(value, "medium");
      if (const std::string size = text(value, "sizeLimit"); !size.empty())
        v.detail += (v.detail.empty() ? "" : " ") + size;
    } else {
      for (const char* name : {"claimName", "path", "secretName", "name", "server"}) {
        if (v.detail.empty()) v.detail = text(value, name);
      }
    }
    break;
  }
  return v;
}

void conditions(const Json& status, PodInfo& p) {
  each(part(status, "conditions"), [&](const Json& c) {
    const std::string type = text(c, "type");
    const bool yes = text(c, "status") == "True";
    if (type == "Ready") p.ready = yes;
    if (type == "PodScheduled" && !yes)
      p.not_scheduled = text(c, "message").empty() ? text(c, "reason") : text(c, "message");
    if (type == "DisruptionTarget" && yes)
      p.disrupted = text(c, "reason") + ": " + text(c, "message");
  });
}

PodInfo pod_of(const Json& json) {
  PodInfo p;
  const Json &meta = part(json, "metadata"), &spec = part(json, "spec"),
             &status = part(json, "status");
  p.ns = text(meta, "namespace"), p.name = text(meta, "name"), p.uid = text(meta, "uid"),
  p.created_at = text(meta, "creationTimestamp");
  p.labels = texts(part(meta, "labels")), p.annotations = texts(part(meta, "annotations"));
  p.deleting = !text(meta, "deletionTimestamp").empty();
  each(part(meta, "ownerReferences"),
       [&](const Json& o) { p.owner = text(o, "kind") + "/" + text(o, "name"); });
  p.node = text(spec, "nodeName"), p.scheduler = text(spec, "schedulerName"),
  p.service_account = text(spec, "serviceAccountName");
  p.restart_policy = text(spec, "restartPolicy"), p.runtime_class = text(spec, "runtimeClassName");
  p.host_network = is_true(spec, "hostNetwork"), p.host_ipc = is_true(spec, "hostIPC");
  const Json& security = part(spec, "securityContext");
  p.run_as_user = number(security, "runAsUser"), p.run_as_group = number(security, "runAsGroup"),
  p.fs_group = number(security, "fsGroup");
  p.ip = text(status, "podIP"), p.host_ip = text(status, "hostIP"), p.phase = text(status, "phase");
  p.reason = text(status, "reason"), p.message = text(status, "message");
  conditions(status, p);
  each(part(spec, "volumes"), [&](const Json& v) { p.volumes.push_back(volume_of(v)); });
  using Kind = ContainerInfo::Kind;
  auto containers = [&](const char* in_spec, const char* in_status, Kind kind) {
    each(part(spec, in_spec), [&](const Json& c) { p.containers.push_back(spec_of(c, kind)); });
    each(part(status, in_status), [&](const Json& s) {
      for (ContainerInfo& c : p.containers) {
        if (c.kind == kind && c.name == text(s, "name")) status_of(s, c);
      }
    });
  };
  containers("initContainers", "initContainerStatuses", Kind::Init);
  containers("containers", "containerStatuses", Kind::Main);
  containers("ephemeralContainers", "ephemeralContainerStatuses", Kind::Ephemeral);
  return p;
}

Result<Json> parsed(std::string_view text_of_json) {
  Json json = Json::parse(text_of_json, nullptr, false);
  if (json.is_discarded())
    return fail(ErrorCode::Corrupt, "the API server's answer is no valid JSON");
  return json;
}

/// The items of a list; an object by itself is a list of one.
template <class Fn>
Result<bool> each_item(std::string_view text_of_json, Fn fn) {
  const Json json = RANKDX_TRY(parsed(text_of_json));
  if (json.is_array()) {
    each(json, fn);
  } else if (part(json, "items").is_array()) {
    each(part(json, "items"), fn);
  } else if (json.is_object() && part(json, "metadata").is_object()) {
    fn(json);
  }
  return true;
}

}  // namespace

Result<std::vector<PodInfo>> parse_pods(std::string_view json) {
  std::vector<PodInfo> out;
  RANKDX_TRY(each_item(json, [&](const Json& item) { out.push_back(pod_of(item)); }));
  return out;
}

Result<std::vector<EventInfo>> parse_events(std::string_view json) {
  std::vector<EventInfo> out;
  RANKDX_TRY(each_item(json, [&](const Json& item) {
    EventInfo e;
    const Json& object = part(item, "involvedObject");
    e.kind = text(object, "kind"), e.name = text(object, "name"), e.uid = text(object, "uid");
    e.type = text(item, "type"), e.reason = text(item, "reason"), e.message = text(item, "message");
    // Events of the scheduler carry neither count nor lastTimestamp, only eventTime.
    e.count = number(item, "count").value_or(number(part(item, "series"), "count").value_or(1));
    for (const char* key : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
      if (e.last_seen.empty()) e.last_seen = text(item, key);
    }
    if (e.last_seen.empty()) e.last_seen = text(part(item, "metadata"), "creationTimestamp");
    out.push_back(std::move(e));
  }));
  return out;
}

Result<std::vector<std::string>> list_pages(ClusterApi& api, const std::string& path) {
  constexpr int kMaxPages = 1000, kMaxStarts = 2;
  for (int start = 0; start < kMaxStarts; ++start) {
    // The second try asks for everything at once: a server that forgot the list once may do so
    // again.
    const std::string limit = start == 0 ? "limit=500" : "limit=0";
    std::vector<std::string> pages;
    std::string next;
    bool expired = false;
    for (int page = 0; page < kMaxPages; ++page) {
      const char joint = path.find('?') == std::string::npos ? '?' : '&';
      const ApiReply reply = RANKDX_TRY(
          api.get(path + joint + limit + (next.empty() ? "" : "&continue=" + url_part(next))));
      if ((expired = reply.status == 410)) break;
      if (reply.status != 200)
        return fail(reply.status == 403 || reply.status == 401 ? ErrorCode::Unsupported
                                                               : ErrorCode::Unreadable,
                    status_text(reply), path.substr(0, path.find('?')));
      const Json json = RANKDX_TRY(parsed(reply.body));
      next = text(part(json, "metadata"), "continue");
      pages.push_back(part(json, "items").is_array()
                          ? part(json, "items").dump(-1, ' ', false, Json::error_handler_t::replace)
                          : "[]");
      if (next.empty()) break;
    }
    if (!expired) return pages;
  }
  return fail(ErrorCode::Unreadable, "the list changed faster than it could be read (410 Expired)",
              path, "try again, or select fewer pods");
}

}  // namespace rankdx
