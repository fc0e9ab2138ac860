#include "live/collect_pods.h"

#include <fmt/format.h>

#include "cluster/pod_logs.h"

namespace rankdx {
namespace {

/// One instance of one container; "no previous instance" is no loss.
Result<void> add_instance(ClusterApi& api, const LogSource& source, LogOptions::Instance instance,
                          const std::string& started_at, BundleWriter& bundle) {
  LogOptions options;
  options.instance = instance;
  options.limit_bytes = size_t{256} << 20;
  const bool previous = instance == LogOptions::Instance::Previous;
  const std::string name = to_string(source) + (previous ? " (previous)" : "");
  const auto log = read_log(api, source, options, started_at);
  if (!log) {
    bundle.add_loss(name, log.error().text);
    return {};
  }
  if (log->cut) bundle.add_loss(name, "the log is not whole: " + log->problem);
  if (log->starts_late) bundle.add_loss(name, "the node has rotated the beginning away");
  return bundle.add_text(
      fmt::format("logs/{}/{}{}.log", source.pod, source.container, previous ? ".previous" : ""),
      name, log->text);
}

std::string namespace_path(const std::string& ns, std::string_view what) {
  return fmt::format("/api/v1/namespaces/{}/{}", url_part(ns), what);
}

Result<void> add_object(ClusterApi& api, const std::string& path, const std::string& member,
                        const std::string& source, BundleWriter& bundle) {
  const auto reply = api.get(path);
  if (!reply || reply->status != 200) {
    bundle.add_loss(source, reply ? status_text(*reply) : reply.error().text);
    return {};
  }
  return bundle.add_text(member, source, reply->body);
}

}  // namespace

Result<void> collect_pods(ClusterApi& api, const PodSelection& selection, BundleWriter& bundle) {
  const std::vector<PodInfo> pods = RANKDX_TRY(list_pods(api, selection));
  if (pods.empty())
    return fail(ErrorCode::Usage, "no pods match", selection.selector,
                "check -n and -l: kubectl get pods --show-labels");
  for (const PodInfo& pod : pods) {
    bundle.add_host(pod.name);
    bundle.add_host(pod.node);
  }
  for (const PodInfo& pod : pods) {
    for (const ContainerInfo& c : pod.containers) {
      const LogSource source{pod.ns, pod.name, c.name};
      if (c.before) {
        if (auto done = add_instance(api, source, LogOptions::Instance::Previous,
                                     c.before->started_at, bundle);
            !done)
          return done;
      }
      if (c.state == ContainerInfo::State::Waiting && !c.before) {
        bundle.add_loss(to_string(source), "never started: " + c.reason);
        continue;
      }
      if (auto done =
              add_instance(api, source, LogOptions::Instance::Current, c.started_at, bundle);
          !done)
        return done;
    }
    auto done = add_object(api, namespace_path(pod.ns, "pods/" + url_part(pod.name)),
                           "objects/pod-" + pod.name + ".json", "pod " + pod.name, bundle);
    if (!done) return done;
  }
  return add_object(api, namespace_path(pods.front().ns, "events?limit=500"), "objects/events.json",
                    "events of " + pods.front().ns, bundle);
}

}  // namespace rankdx
