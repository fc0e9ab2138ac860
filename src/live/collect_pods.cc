#include "live/collect_pods.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <set>
#include <thread>
#include <variant>

#include "cluster/judge.h"
#include "cluster/pod_logs.h"
#include "live/live_json.h"
#include "present/check_report.h"

namespace rankdx {
namespace {

constexpr size_t kMostOfALog = size_t{256} << 20;
constexpr const char* kStartsLate = "the node has rotated the beginning away";
/// A crash of ours loses at most this much, and what is on its way.
constexpr std::chrono::milliseconds kWriteEvery{250};

/// RANKDX_TRY wants a value.
Result<std::monostate> as_value(const Result<void>& done) {
  if (!done) return tl::unexpected(done.error());
  return std::monostate{};
}

/// One instance of one container; "no previous instance" is no loss.
Result<void> add_instance(ClusterApi& api, const LogSource& source, LogOptions::Instance instance,
                          const std::string& started_at, BundleWriter& bundle) {
  LogOptions options;
  options.instance = instance;
  options.limit_bytes = kMostOfALog;
  const bool previous = instance == LogOptions::Instance::Previous;
  const std::string name = to_string(source) + (previous ? " (previous)" : "");
  const auto log = read_log(api, source, options, started_at);
  if (!log) {
    bundle.add_loss(name, log.error().text);
    return {};
  }
  if (log->cut) bundle.add_loss(name, "the log is not whole: " + log->problem);
  if (log->starts_late) bundle.add_loss(name, kStartsLate);
  return bundle.add_text(
      fmt::format("logs/{}/{}{}.log", source.pod, source.container, previous ? ".previous" : ""),
      name, log->text);
}

std::string namespace_path(const std::string& ns, std::string_view what) {
  return fmt::format("/api/v1/namespaces/{}/{}", url_part(ns), what);
}

void add_object(ClusterApi& api, const std::string& path, const std::string& member,
                const std::string& source, CollectedTexts& out) {
  const auto reply = api.get(path);
  if (reply && reply->status == 200)
    out.texts.push_back({member, source, reply->body});
  else
    out.losses.push_back({source, reply ? status_text(*reply) : reply.error().text});
}

void append(CollectedTexts&& more, CollectedTexts& out) {
  std::move(more.texts.begin(), more.texts.end(), std::back_inserter(out.texts));
  std::move(more.losses.begin(), more.losses.end(), std::back_inserter(out.losses));
}

/// As the server process of a pod has them, else as its specification says.
SeenVariables variables_of(const PodData& d) {
  SeenVariables out{d.pod.name, d.inside.env_of, {}, d.inside_why};
  if (d.inside.ran) {
    out.variables.insert(d.inside.env.begin(), d.inside.env.end());
  } else if (const ContainerInfo* c = d.container()) {
    out.of = "specification of " + c->name;
    out.variables.insert(c->env.begin(), c->env.end());
  }
  return out;
}

CollectedTexts collect_checks(ClusterApi& api, const CollectOptions& options) {
  CollectedTexts out;
  if (options.checks == CollectOptions::Part::Skip) return out;
  ClusterCheckOptions check;
  check.selection = options.selection;
  check.inside = options.inside;
  check.logs = CollectOptions::Part::Skip;  // they are in the bundle
  const auto gathered = gather_cluster(api, check);
  if (!gathered) {
    out.losses.push_back({"checks", gathered.error().text});
    return out;
  }
  out.texts.push_back(
      {"checks/cluster.json", "check cluster", check_json(judge_cluster(*gathered).report)});
  std::vector<SeenVariables> seen;
  for (const PodData& d : gathered->pods) {
    seen.push_back(variables_of(d));
    if (d.inside.report)
      out.texts.push_back({fmt::format("checks/pod-{}.json", d.pod.name),
                           "check pod in " + d.pod.name, check_json(*d.inside.report)});
    if (!d.inside.ran && options.inside == CollectOptions::Part::Do)
      out.losses.push_back({"checks inside " + d.pod.name, d.inside_why});
  }
  out.texts.push_back({"checks/environment.json", "variables of the pods", environment_json(seen)});
  return out;
}

Result<std::vector<PodInfo>> pods_of(ClusterApi& api, const PodSelection& selection) {
  std::vector<PodInfo> pods = RANKDX_TRY(list_pods(api, selection));
  if (!pods.empty()) return pods;
  return fail(ErrorCode::Usage, "no pods match", selection.selector,
              "check -n and -l: kubectl get pods --show-labels");
}

void add_previous(ClusterApi& api, const std::vector<PodInfo>& pods, PodSpool& spool) {
  for (const PodInfo& pod : pods) {
    for (const ContainerInfo& c : pod.containers) {
      if (!c.before) continue;
      const LogSource source{pod.ns, pod.name, c.name};
      LogOptions options;
      options.instance = LogOptions::Instance::Previous;
      options.limit_bytes = kMostOfALog;
      const auto log = read_log(api, source, options, c.before->started_at);
      const std::string name = to_string(source) + " (previous)";
      if (!log) {
        spool.add_loss(name, log.error().text);
        continue;
      }
      if (log->cut) spool.add_loss(name, "the log is not whole: " + log->problem);
      if (log->starts_late) spool.add_loss(name, kStartsLate);
      spool.add_whole(source, "previous", log->text);
    }
  }
}

}  // namespace

CollectedTexts collect_objects(ClusterApi& api, const std::vector<PodInfo>& pods) {
  CollectedTexts out;
  std::set<std::string> nodes, spaces;
  for (const PodInfo& pod : pods) {
    add_object(api, namespace_path(pod.ns, "pods/" + url_part(pod.name)),
               "objects/pod-" + pod.name + ".json", "pod " + pod.name, out);
    if (!pod.node.empty()) nodes.insert(pod.node);
    spaces.insert(pod.ns);
  }
  for (const std::string& node : nodes)
    add_object(api, "/api/v1/nodes/" + url_part(node), "objects/node-" + node + ".json",
               "node " + node, out);
  for (const std::string& ns : spaces) {
    const std::string source = "events of " + ns;
    if (const auto pages = list_pages(api, namespace_path(ns, "events")))
      out.texts.push_back(
          {spaces.size() == 1 ? "objects/events.json" : "objects/events-" + ns + ".json", source,
           event_list_json(*pages)});
    else
      out.losses.push_back({source, pages.error().text});
  }
  return out;
}

Result<void> collect_pods(ClusterApi& api, const CollectOptions& options, BundleWriter& bundle) {
  const std::vector<PodInfo> pods = RANKDX_TRY(pods_of(api, options.selection));
  for (const PodInfo& pod : pods) {
    bundle.add_host(pod.name);
    bundle.add_host(pod.node);
  }
  for (const PodInfo& pod : pods) {
    for (const ContainerInfo& c : pod.containers) {
      const LogSource source{pod.ns, pod.name, c.name};
      if (c.before) {
        RANKDX_TRY(as_value(add_instance(api, source, LogOptions::Instance::Previous,
                                         c.before->started_at, bundle)));
      }
      if (c.state == ContainerInfo::State::Waiting && !c.before) {
        bundle.add_loss(to_string(source), "never started: " + c.reason);
        continue;
      }
      RANKDX_TRY(
          as_value(add_instance(api, source, LogOptions::Instance::Current, c.started_at, bundle)));
    }
  }
  CollectedTexts rest = collect_objects(api, pods);
  append(collect_checks(api, options), rest);
  for (const BundleLoss& l : rest.losses) bundle.add_loss(l.source, l.why);
  for (const CollectedText& t : rest.texts)
    RANKDX_TRY(as_value(bundle.add_text(t.member, t.source, t.text)));
  return {};
}

Result<CollectedTexts> follow_pods(ClusterApi& api, const CollectOptions& options,
                                   const std::atomic<bool>& stop, PodSpool& spool) {
  using namespace std::chrono_literals;
  const std::vector<PodInfo> pods = RANKDX_TRY(pods_of(api, options.selection));
  spool.on_pods(pods);
  std::atomic<bool> over{false};
  std::thread follower([&] {
    add_previous(api, pods, spool);
    FollowOptions how;
    how.also = options.selection;
    how.retry = 500ms;
    how.look_again = 2s;
    LogFollower(api, log_sources(pods), spool, how).run(over);
  });
  std::thread writer([&] {
    while (!over) {
      std::this_thread::sleep_for(kWriteEvery);
      spool.flush();
    }
  });
  CollectedTexts first = collect_objects(api, pods);
  append(collect_checks(api, options), first);
  while (!stop && !spool.all_ended()) std::this_thread::sleep_for(100ms);
  over = true;
  follower.join();
  writer.join();
  spool.finish();
  return first;
}

Result<void> pack_followed(const PodSpool& spool, const CollectedTexts& first,
                           const CollectedTexts& latest, BundleWriter& bundle) {
  // Small ones first, and what is in the archive makes room for the next: the disk may be full.
  std::vector<PodSpool::Part> parts = spool.parts();
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
  for (const PodSpool::Part& part : parts) {
    const size_t packed = bundle.members().size();
    std::vector<LeftOut> left_out;
    Result<void> added;
    open_input(
        {part.path},
        [&](InputItem item) { added = bundle.add_log(part.name, part.source, *item.bytes); },
        left_out);
    if (!added) return added;
    for (const LeftOut& l : left_out) bundle.add_loss(part.source, l.error.text);
    if (bundle.members().size() > packed && left_out.empty()) ::unlink(part.path.c_str());
  }
  for (const PodSpool::Loss& l : spool.losses()) bundle.add_loss(l.source, l.why);
  std::map<std::string, const CollectedText*> texts;
  std::set<std::string> had;
  for (const CollectedTexts* all : {&first, &latest}) {
    for (const CollectedText& t : all->texts) {
      texts[t.member] = &t;
      had.insert(t.source);
    }
  }
  for (const CollectedTexts* all : {&first, &latest}) {
    for (const BundleLoss& l : all->losses)
      if (had.insert(l.source).second) bundle.add_loss(l.source, l.why);
  }
  for (const auto& [member, t] : texts)
    RANKDX_TRY(as_value(bundle.add_text(member, t->source, t->text)));
  return {};
}

}  // namespace rankdx
