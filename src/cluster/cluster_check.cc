#include "cluster/cluster_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "cluster/inject.h"
#include "cluster/pod_logs.h"
#include "cluster/pod_mesh.h"
#include "cluster/ras_findings.h"
#include "job/fold.h"
#include "job/job.h"
#include "rules/match.h"

namespace rankdx {
namespace {

using Part = ClusterCheckOptions::Part;
constexpr std::chrono::milliseconds kInjectTimeout{120'000};

/// Runs fn(0) ... fn(count - 1) on up to `threads` threads.
void side_by_side(size_t count, int threads, const std::function<void(size_t)>& fn) {
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < count; i = next++) fn(i);
  };
  std::vector<std::thread> all;
  for (int t = 1; t < threads && static_cast<size_t>(t) < count; ++t) all.emplace_back(work);
  work();
  for (std::thread& t : all) t.join();
}

size_t main_container(const PodInfo& pod) {
  size_t first = pod.containers.size();
  for (size_t i = 0; i < pod.containers.size(); ++i) {
    if (pod.containers[i].kind != ContainerInfo::Kind::Main) continue;
    if (pod.containers[i].gpu_limit > 0) return i;
    first = std::min(first, i);
  }
  return first;
}

class Gatherer {
 public:
  Gatherer(ClusterApi& api, const ClusterCheckOptions& options) : api_(api), options_(options) {}

  Result<Gathered> run() {
    g_.ns = options_.selection.ns.empty() ? api_.default_namespace() : options_.selection.ns;
    g_.way = api_.way();
    auto pods = list_pods(api_, options_.selection);
    if (!pods) return tl::unexpected(explain(pods.error()));
    for (PodInfo& p : *pods) {
      PodData d;
      d.main = main_container(p);
      d.pod = std::move(p);
      g_.pods.push_back(std::move(d));
    }
    if (g_.pods.empty()) return std::move(g_);
    events();
    policies();
    if (options_.inside == Part::Do) inside();
    if (!options_.inject_image.empty()) inject();
    if (options_.inside == Part::Do && options_.network == Part::Do) network();
    if (options_.logs == Part::Do) logs();
    return std::move(g_);
  }

 private:
  static Error explain(Error e) {
    if (e.code == ErrorCode::Unsupported)
      e.hint = "needs the right to list pods in this namespace (kubectl auth can-i list pods)";
    return e;
  }

  void note(const Error& e, const std::string& check, const std::string& right) {
    if (e.code == ErrorCode::Unsupported)
      g_.missing_rights.insert({right, check, e.text});
    else
      g_.failed[check] = e.text;
  }

  void events() {
    auto pages = list_pages(api_, "/api/v1/namespaces/" + url_part(g_.ns) + "/events");
    if (!pages) return note(pages.error(), "events", "list events");
    std::map<std::string, PodData*> by_name;
    for (PodData& d : g_.pods) by_name[d.pod.name] = &d;
    for (const std::string& page : *pages) {
      auto events = parse_events(page);
      if (!events) return note(events.error(), "events", "");
      for (EventInfo& e : *events) {
        const auto found = e.kind == "Pod" ? by_name.find(e.name) : by_name.end();
        // Events of an earlier pod of the same name (a StatefulSet's) are not this one's.
        if (found != by_name.end() && (e.uid.empty() || e.uid == found->second->pod.uid))
          found->second->events.push_back(std::move(e));
      }
    }
  }

  void policies() {
    auto pages = list_pages(
        api_, "/apis/networking.k8s.io/v1/namespaces/" + url_part(g_.ns) + "/networkpolicies");
    if (!pages)
      return note(pages.error(), "network policies", "list networkpolicies.networking.k8s.io");
    std::vector<PodInfo> pods;
    for (const PodData& d : g_.pods) pods.push_back(d.pod);
    auto cuts = policy_cuts(*pages, pods);
    if (!cuts) return note(cuts.error(), "network policies", "");
    g_.policy_cuts = std::move(*cuts);
    g_.policies_read = true;
  }

  ExecRequest request(const PodData& d, std::vector<std::string> argv) const {
    ExecRequest r;
    r.ns = d.pod.ns, r.pod = d.pod.name, r.container = d.container()->name,
    r.argv = std::move(argv), r.timeout = options_.exec_timeout;
    return r;
  }

  static bool runs(const PodData& d) {
    return d.container() && d.container()->state == ContainerInfo::State::Running;
  }

  void inside() {
    side_by_side(g_.pods.size(), options_.parallel, [&](size_t i) { look_inside(g_.pods[i]); });
  }

  void look_inside(PodData& d) {
    if (!runs(d)) {
      d.inside_why = "not running (" + status_word(d.pod) + ")";
      return;
    }
    d.asked_inside = true;
    const ContainerInfo& c = *d.container();
    d.inside.model_path = model_path_of(c.command, c.args);
    // Pods of one image are alike: once one lacks rankdx, the others of that image are not asked
    // for it again.
    bool try_rankdx = false;
    {
      const std::lock_guard lock(mutex_);
      try_rankdx = without_rankdx_.count(c.image) == 0;
    }
    if (try_rankdx) {
      const ExecReply own = api_.exec(request(d, rankdx_argv(d.inside.model_path)));
      if (own.end == ExecEnd::Forbidden) return ended(d, own);
      if (auto report = own.end == ExecEnd::Exited
                            ? parse_check_report(own.out)
                            : Result<CheckReport>(fail(ErrorCode::Empty, ""))) {
        d.inside.report = std::move(*report);
      } else if (own.end == ExecEnd::NoProgram || own.end == ExecEnd::Exited) {
        const std::lock_guard lock(mutex_);
        without_rankdx_.insert(c.image);
      }
    }
    const ExecReply reply = api_.exec(request(d, inside_argv(d.inside.model_path)));
    parse_inside(reply.out, d.inside);
    ended(d, reply);
  }

  /// Pods that run and whose image has no rankdx get it from an ephemeral container.
  void inject() {
    side_by_side(g_.pods.size(), options_.parallel, [&](size_t i) {
      PodData& d = g_.pods[i];
      if (d.inside.report || !runs(d)) return;
      InjectOutcome out =
          check_by_injection(api_, d.pod, *d.container(), {options_.inject_image, kInjectTimeout});
      d.inside.report = std::move(out.report);
      d.injected = d.inside.report.has_value();
      d.inject_why = std::move(out.problem);
      if (!out.forbidden) return;
      const std::lock_guard lock(mutex_);
      g_.missing_rights.insert({"patch pods/ephemeralcontainers", "inject", d.inject_why});
    });
    for (const PodData& d : g_.pods) {
      if (!d.inject_why.empty()) g_.failed["inject"] = d.pod.name + ": " + d.inject_why;
    }
  }

  void ended(PodData& d, const ExecReply& reply) {
    d.inside_end = reply.end;
    d.inside_why = reply.message;
    if (reply.end != ExecEnd::Forbidden) return;
    const std::lock_guard lock(mutex_);
    g_.missing_rights.insert(
        {"create (and, before 1.35, get) pods/exec",
         "gpus, shm, user, model, gpu-memory and network",
         reply.message.substr(0, reply.message.find(" is forbidden")) == reply.message
             ? reply.message
             : "exec is forbidden"});
  }

  /// The next two pods in the ring that run, and the first one: enough to see a cut, and no flood
  /// of N x N connections.
  std::vector<std::string> peers_of(size_t i) const {
    // In the middle of the ephemeral range; nobody listens there, so a free way answers "refused"
    // at once.
    constexpr int kProbePort = 47'919;
    constexpr size_t kNext = 2;
    std::vector<std::string> out;
    const size_t n = g_.pods.size();
    const auto add = [&](size_t other) {
      const PodInfo& peer = g_.pods[other].pod;
      if (other == i || !runs(g_.pods[other]) || peer.ip.empty() || peer.ip == g_.pods[i].pod.ip)
        return;
      const std::string address = fmt::format("{}:{}", peer.ip, kProbePort);
      if (std::find(out.begin(), out.end(), address) == out.end()) out.push_back(address);
    };
    for (size_t step = 1; step < n && out.size() < kNext; ++step) add((i + step) % n);
    const size_t before = out.size();
    for (size_t first = 0; first < n && out.size() == before; ++first) {
      add(first);
      if (runs(g_.pods[first]) && first != i) break;
    }
    return out;
  }

  void network() {
    gather_mesh(api_, g_);
    side_by_side(g_.pods.size(), options_.parallel, [&](size_t i) {
      PodData& d = g_.pods[i];
      if (!d.inside.ran) return;
      // Pods of the mesh have no connections left to try; the RAS port is asked all the same.
      const bool in_mesh = g_.mesh_pods.count(d.pod.name) > 0;
      const auto peers = in_mesh ? std::vector<std::string>() : peers_of(i);
      if (peers.empty() && !in_mesh) {
        d.network_why = "no other pod to reach";
        return;
      }
      const ExecReply reply = api_.exec(request(d, network_argv(peers)));
      parse_network(reply.out, d.inside);
      if (d.inside.reach.empty())
        d.network_why = reply.end == ExecEnd::NoProgram ? "no python3 in the image"
                        : reply.message.empty()         ? "no usable answer"
                                                        : reply.message;
    });
    std::vector<RasReply> replies;
    for (const PodData& d : g_.pods) {
      auto answer = d.inside.ras.empty() ? Result<RasAnswer>(fail(ErrorCode::Empty, ""))
                                         : parse_ras(d.inside.ras);
      if (!answer) continue;
      RasReply r;
      r.asked = "pod " + d.pod.name;
      r.answer = std::move(*answer);
      replies.push_back(std::move(r));
    }
    if (!replies.empty()) g_.ras = judge_ras(replies);
  }

  struct LogTask {
    PodData* pod;
    const ContainerInfo* container;
    LogOptions::Instance instance;
    LogSeen seen;
    std::optional<SourceFacts> facts;
    bool forbidden = false;
  };

  std::vector<LogTask> log_tasks() {
    std::vector<LogTask> tasks;
    for (PodData& d : g_.pods) {
      for (const ContainerInfo& c : d.pod.containers) {
        if (c.state == ContainerInfo::State::None || d.pod.node.empty()) continue;
        const bool current = c.state != ContainerInfo::State::Waiting;
        if (current)
          tasks.push_back(
              {&d, &c, LogOptions::Instance::Current, {c.name, false, 0, false, ""}, {}, false});
        if (c.before)
          tasks.push_back(
              {&d, &c, LogOptions::Instance::Previous, {c.name, true, 0, false, ""}, {}, false});
      }
    }
    return tasks;
  }

  void read_one(LogTask& task, const LiteralSet& gate) const {
    LogOptions options;
    options.instance = task.instance;
    options.limit_bytes = options_.log_bytes;
    const LogSource source{task.pod->pod.ns, task.pod->pod.name, task.container->name};
    const std::string started = task.instance == LogOptions::Instance::Current
                                    ? task.container->started_at
                                    : task.container->before->started_at;
    const auto log = read_log(api_, source, options, started);
    if (!log) {
      task.seen.problem = log.error().text;
      task.forbidden = log.error().code == ErrorCode::Unsupported;
      return;
    }
    task.seen.lines = log->lines, task.seen.starts_late = log->starts_late,
    task.seen.problem = log->problem;
    if (log->lines == 0) return;
    SourceFold fold(to_string(source) + (task.seen.previous ? " (previous)" : ""), gate);
    for (std::string_view text = log->text; !text.empty();) fold.line(take_until(text, '\n', text));
    task.facts = fold.finish(log->text.size(), 0, false, log->problem);
  }

  void logs() {
    RuleMatcher matcher(builtin_rules());
    std::vector<LogTask> tasks = log_tasks();
    side_by_side(tasks.size(), options_.parallel,
                 [&](size_t i) { read_one(tasks[i], matcher.gate()); });
    Facts facts;
    for (LogTask& t : tasks) {
      if (t.forbidden) g_.missing_rights.insert({"get pods/log", "log", "the logs were not read"});
      t.pod->logs.push_back(std::move(t.seen));
      if (!t.facts) continue;
      auto key = std::make_pair(t.facts->name, t.facts->fingerprint);
      facts.sources.insert_or_assign(std::move(key), std::move(*t.facts));
    }
    if (facts.sources.empty()) return;
    const Job job = assemble(facts);
    g_.diagnosis = diagnose(facts, job, matcher);
  }

  ClusterApi& api_;
  const ClusterCheckOptions& options_;
  Gathered g_;
  std::mutex mutex_;
  std::set<std::string> without_rankdx_;
};

}  // namespace

Result<Gathered> gather_cluster(ClusterApi& api, const ClusterCheckOptions& options) {
  return Gatherer(api, options).run();
}

Result<ClusterPicture> check_cluster(ClusterApi& api, const ClusterCheckOptions& options) {
  const Gathered gathered = RANKDX_TRY(gather_cluster(api, options));
  return judge_cluster(gathered);
}

}  // namespace rankdx
