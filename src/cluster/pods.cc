#include "cluster/pods.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rankdx {
namespace {

/// Labels by which Run:ai and LeaderWorkerSet mark the pods of one workload; Run:ai's differ
/// between its versions.
constexpr std::array<std::string_view, 4> kRunaiLabels = {"workloadName", "run.ai/workload",
                                                          "run.ai/workload-name", "release"};
constexpr std::string_view kLwsLabel = "leaderworkerset.sigs.k8s.io/name";

Result<std::vector<PodInfo>> selected(ClusterApi& api, const std::string& ns,
                                      const std::string& selector) {
  std::string path = "/api/v1/namespaces/" + url_part(ns) + "/pods";
  if (!selector.empty()) path += "?labelSelector=" + url_part(selector);
  std::vector<PodInfo> out;
  for (const std::string& page : RANKDX_TRY(list_pages(api, path))) {
    for (PodInfo& p : RANKDX_TRY(parse_pods(page))) {
      if (p.ns.empty()) p.ns = ns;
      out.push_back(std::move(p));
    }
  }
  return out;
}

Result<std::vector<PodInfo>> named(ClusterApi& api, const std::string& ns,
                                   const std::vector<std::string>& names) {
  std::vector<PodInfo> out;
  for (const std::string& name : names) {
    const ApiReply reply =
        RANKDX_TRY(api.get("/api/v1/namespaces/" + url_part(ns) + "/pods/" + url_part(name)));
    if (reply.status != 200) return fail(ErrorCode::Unreadable, status_text(reply), name);
    for (PodInfo& p : RANKDX_TRY(parse_pods(reply.body))) out.push_back(std::move(p));
  }
  return out;
}

/// "my-llm-2" before "my-llm-10".
bool by_name(const PodInfo& a, const PodInfo& b) {
  size_t i = 0, j = 0;
  while (i < a.name.size() && j < b.name.size()) {
    if (is_digit(a.name[i]) && is_digit(b.name[j])) {
      const size_t from_i = i, from_j = j;
      while (i < a.name.size() && is_digit(a.name[i])) ++i;
      while (j < b.name.size() && is_digit(b.name[j])) ++j;
      const auto x = parse_int<uint64_t>(a.name.substr(from_i, i - from_i)).value_or(0),
                 y = parse_int<uint64_t>(b.name.substr(from_j, j - from_j)).value_or(0);
      if (x != y) return x < y;
    } else if (a.name[i] != b.name[j]) {
      return a.name[i] < b.name[j];
    } else {
      ++i, ++j;
    }
  }
  return a.name.size() - i < b.name.size() - j;
}

std::string ended_word(const ContainerExit& e) {
  if (!e.reason.empty()) return e.reason;
  return e.signal ? fmt::format("Signal:{}", *e.signal) : fmt::format("ExitCode:{}", e.exit_code);
}

/// "Init:Error", "Init:0/2" or nothing when all init containers are done.
std::string init_word(const PodInfo& pod) {
  int total = 0, done = 0;
  for (const ContainerInfo& c : pod.containers)
    total += c.kind == ContainerInfo::Kind::Init ? 1 : 0;
  for (const ContainerInfo& c : pod.containers) {
    if (c.kind != ContainerInfo::Kind::Init) continue;
    if (c.state == ContainerInfo::State::Ended && c.ended->exit_code == 0) {
      ++done;
      continue;
    }
    // A sidecar (an init container that goes on) counts as done once it is ready.
    if (c.state == ContainerInfo::State::Running && c.ready) {
      ++done;
      continue;
    }
    if (c.state == ContainerInfo::State::None) continue;
    if (c.ended) return "Init:" + ended_word(*c.ended);
    if (!c.reason.empty() && c.reason != "PodInitializing") return "Init:" + c.reason;
    return fmt::format("Init:{}/{}", done, total);
  }
  return "";
}

}  // namespace

Result<std::vector<PodInfo>> list_pods(ClusterApi& api, const PodSelection& selection) {
  const std::string ns = selection.ns.empty() ? api.default_namespace() : selection.ns;
  std::vector<PodInfo> pods;
  if (!selection.names.empty()) {
    pods = RANKDX_TRY(named(api, ns, selection.names));
  } else if (!selection.runai.empty()) {
    for (std::string_view label : kRunaiLabels) {
      pods = RANKDX_TRY(selected(api, ns, std::string(label) + "=" + selection.runai));
      if (!pods.empty()) break;
    }
  } else if (!selection.lws.empty()) {
    pods = RANKDX_TRY(selected(api, ns, std::string(kLwsLabel) + "=" + selection.lws));
  } else {
    pods = RANKDX_TRY(selected(api, ns, selection.selector));
  }
  std::sort(pods.begin(), pods.end(), by_name);
  return pods;
}

std::string status_word(const PodInfo& pod) {
  if (pod.deleting) return pod.reason == "NodeLost" ? "Unknown" : "Terminating";
  if (const std::string init = init_word(pod); !init.empty()) return init;
  std::string word = pod.reason.empty() ? pod.phase : pod.reason;
  bool running = false;
  for (auto c = pod.containers.rbegin(); c != pod.containers.rend(); ++c) {
    if (c->kind != ContainerInfo::Kind::Main) continue;
    if (c->state == ContainerInfo::State::Waiting && !c->reason.empty()) word = c->reason;
    if (c->state == ContainerInfo::State::Ended) word = ended_word(*c->ended);
    if (c->state == ContainerInfo::State::Running && c->ready) running = true;
  }
  return word == "Completed" && running ? "Running" : word;
}

}  // namespace rankdx
