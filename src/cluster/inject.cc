#include "cluster/inject.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "cluster/inside.h"
#include "cluster/pod_logs.h"

namespace rankdx {
namespace {

using Clock = std::chrono::steady_clock;

std::string pod_path(const PodInfo& pod) {
  return "/api/v1/namespaces/" + url_part(pod.ns) + "/pods/" + url_part(pod.name);
}

/// Names of ephemeral containers are used up for ever: each run takes a new one.
std::string fresh_name() {
  uint32_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) return "";
  return fmt::format("rankdx-{:08x}", number);
}

const ContainerInfo* find(const PodInfo& pod, const std::string& name) {
  const auto it = std::find_if(pod.containers.begin(), pod.containers.end(),
                               [&](const ContainerInfo& c) { return c.name == name; });
  return it == pod.containers.end() ? nullptr : &*it;
}

/// Reasons of a waiting container that no waiting cures.
bool is_hopeless(const std::string& reason) {
  constexpr std::string_view kReasons[] = {
      "ImagePullBackOff",           "ErrImagePull",         "InvalidImageName", "ErrImageNeverPull",
      "CreateContainerConfigError", "CreateContainerError", "RunContainerError"};
  return std::find(std::begin(kReasons), std::end(kReasons), reason) != std::end(kReasons);
}

/// Empty when it has ended; else why there is nothing to read.
std::string wait_for_end(ClusterApi& api, const PodInfo& pod, const std::string& name,
                         std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::string last = "it did not start";
  while (Clock::now() < deadline) {
    const auto reply = api.get(pod_path(pod));
    if (!reply) return reply.error().text;
    if (reply->status != 200) return status_text(*reply);
    const auto pods = parse_pods(reply->body);
    const ContainerInfo* c = pods && !pods->empty() ? find(pods->front(), name) : nullptr;
    if (c != nullptr && c->state == ContainerInfo::State::Ended) return "";
    if (c != nullptr && is_hopeless(c->reason)) return c->reason + ": " + c->message;
    if (c != nullptr && !c->reason.empty()) last = c->reason;
    if (c != nullptr && c->state == ContainerInfo::State::Running) last = "it still runs";
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  return fmt::format("no end after {} s ({})", timeout.count() / 1000, last);
}

InjectOutcome refused(const ApiReply& reply) {
  InjectOutcome out;
  out.forbidden = reply.status == 403;
  // Servers before 1.23 have no such subresource; a pod that is gone has none either.
  out.problem = reply.status == 404 ? "no ephemeral containers here (Kubernetes 1.23 and later): " +
                                          status_text(reply)
                                    : status_text(reply);
  return out;
}

}  // namespace

std::string injection_patch(const std::string& name, const ContainerInfo& target,
                            std::optional<int64_t> pod_user, const std::string& image) {
  using Json = nlohmann::json;
  // What is shared with the target and nothing else: network, names, processes.
  Json container = {{"name", name},
                    {"image", image},
                    {"targetContainerName", target.name},
                    {"command", Json::array({"rankdx", "check", "pod", "--only", "shared", "-o",
                                             "json", "--fail-on", "never"})}};
  const auto user = target.run_as_user ? target.run_as_user : pod_user;
  if (user && *user != 0) {
    // What the strictest pod security profile demands; another user's processes it cannot read.
    container["securityContext"] = {{"runAsUser", *user},
                                    {"runAsNonRoot", true},
                                    {"allowPrivilegeEscalation", false},
                                    {"capabilities", {{"drop", Json::array({"ALL"})}}},
                                    {"seccompProfile", {{"type", "RuntimeDefault"}}}};
  }
  const Json patch = {{"spec", {{"ephemeralContainers", Json::array({container})}}}};
  return patch.dump(-1, ' ', false, Json::error_handler_t::replace);
}

InjectOutcome check_by_injection(ClusterApi& api, const PodInfo& pod, const ContainerInfo& target,
                                 const InjectRequest& request) {
  InjectOutcome out;
  const std::string name = fresh_name();
  const auto reply = api.patch(pod_path(pod) + "/ephemeralcontainers",
                               injection_patch(name, target, pod.run_as_user, request.image));
  if (!reply) return out.problem = reply.error().text, out;
  if (reply->status != 200) return refused(*reply);
  out.problem = wait_for_end(api, pod, name, request.timeout);
  if (!out.problem.empty()) return out;
  const auto log = read_log(api, {pod.ns, pod.name, name}, {});
  if (!log) return out.problem = log.error().text, out;
  auto report = parse_check_report(log->text);
  if (report)
    out.report = std::move(*report);
  else
    out.problem = "the image's rankdx gave no report: " + log->text.substr(0, 200);
  return out;
}

}  // namespace rankdx
