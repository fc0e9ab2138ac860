#include <fmt/format.h>

#include <algorithm>

#include "cluster/judge.h"
#include "cluster/judge_parts.h"

namespace rankdx {

Finding finding(std::string id, Role role, Severity severity, Confidence confidence, Layer layer) {
  Finding f;
  f.id = std::move(id), f.role = role, f.severity = severity, f.confidence = confidence,
  f.layer = layer;
  return f;
}

Where at(const PodData& d) {
  Where w;
  w.pod = d.pod.name, w.host = d.pod.node;
  return w;
}

std::string source(const PodData& d) { return "pod " + d.pod.ns + "/" + d.pod.name; }

namespace {

void connections(const Gathered& g, std::vector<Finding>& out) {
  Finding f = finding("node-to-node-traffic-blocked", Role::RootCause, Severity::Error,
                      Confidence::Likely, Layer::Network);
  std::map<std::string, std::string> names;
  for (const PodData& d : g.pods) names[d.pod.ip] = d.pod.name;
  std::string first;
  for (const PodData& d : g.pods) {
    for (const Reach& r : d.inside.reach) {
      if (r.result == "open" || r.result == "refused") continue;
      const std::string peer = names.count(r.peer) ? names[r.peer] : r.peer;
      if (first.empty())
        first = fmt::format("{} does not reach {} ({})", d.pod.name, peer, r.result);
      Where w = at(d);
      w.peer = peer;
      if (f.where.size() < 50) f.where.push_back(w);
      if (f.evidence.size() < 6)
        f.evidence.push_back(
            {source(d), 0,
             fmt::format("connect to {} ({}) port {}: {}", peer, r.peer, r.port, r.result), 0});
    }
  }
  if (first.empty()) return;
  f.title = f.where.size() == 1
                ? first
                : fmt::format("{}, and {} more connections fail", first, f.where.size() - 1);
  f.cause =
      "A connection to an ephemeral port of the peer must be accepted or refused at once; "
      "instead it vanished. NCCL connects in this way.";
  f.fix = {{"kubernetes",
            "Allow all TCP ports between the pods of the group (NetworkPolicy, security groups, "
            "host firewalls)",
            "kubectl get networkpolicy"}};
  out.push_back(std::move(f));
}

void policies(const Gathered& g, std::vector<Finding>& out) {
  if (g.policy_cuts.empty()) return;
  bool tried = false, free_way = true;
  for (const PodData& d : g.pods) {
    for (const Reach& r : d.inside.reach)
      tried = true, free_way = free_way && (r.result == "open" || r.result == "refused");
  }
  if (g.mesh) {
    tried = true;
    free_way = free_way && g.mesh->verdict == CheckStatus::Ok;
  }
  const PolicyCut& first = g.policy_cuts[0];
  const bool enforced = !tried || !free_way;
  Finding f =
      finding("node-to-node-traffic-blocked", enforced ? Role::RootCause : Role::Note,
              enforced ? (tried ? Severity::Error : Severity::Warning) : Severity::Info,
              tried && !free_way ? Confidence::Certain : Confidence::Possible, Layer::Network);
  f.title = fmt::format("NetworkPolicy {} lets {} into {} only {}", first.policy, first.from,
                        first.to, first.allowed == "nothing" ? "nothing" : "on " + first.allowed);
  if (first.direction == "egress")
    f.title =
        fmt::format("NetworkPolicy {} lets {} talk to {} only {}", first.policy, first.from,
                    first.to, first.allowed == "nothing" ? "not at all" : "on " + first.allowed);
  f.cause =
      enforced
          ? "NCCL listens on ephemeral ports (32768 to 60999): the ranks cannot connect."
          : "Connections pass all the same: this cluster's network does not enforce the policy.";
  for (const PolicyCut& c : g.policy_cuts) {
    Where w;
    w.pod = c.direction == "ingress" ? c.to : c.from,
    w.peer = c.direction == "ingress" ? c.from : c.to;
    f.where.push_back(w);
    f.evidence.push_back({"networkpolicy " + g.ns + "/" + c.policy, 0,
                          fmt::format("{}: {} -> {} and {} more pairs, allowed: {}", c.direction,
                                      c.from, c.to, c.pairs - 1, c.allowed),
                          0});
  }
  f.fix = {{"kubernetes",
            "Add a rule that allows all TCP ports between the pods of the group, both ingress "
            "and egress",
            ""}};
  out.push_back(std::move(f));
}

/// Members of the mesh call themselves by the names of their pods.
void mesh(const Gathered& g, std::vector<Finding>& out) {
  if (!g.mesh) return;
  std::map<std::string, std::string> nodes;
  for (const PodData& d : g.pods) nodes[d.pod.name] = d.pod.node;
  for (Finding f : g.mesh->findings) {
    for (Where& w : f.where) {
      const auto node = nodes.find(w.host);
      if (node != nodes.end()) w.pod = w.host, w.host = node->second;
    }
    out.push_back(std::move(f));
  }
}

}  // namespace

std::vector<Finding> network_findings(const Gathered& gathered) {
  std::vector<Finding> out;
  connections(gathered, out);
  mesh(gathered, out);
  policies(gathered, out);
  return out;
}

}  // namespace rankdx
