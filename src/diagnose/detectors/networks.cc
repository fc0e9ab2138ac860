// The network that was asked for against the one that was taken.
#include <algorithm>
#include <map>

#include "diagnose/context.h"

namespace rankdx {
namespace {

void add_env(Draft& draft, const EnvSeen& e) {
  draft.evidence.push_back({e.source, e.at.line, e.at.text});
}

/// NCCL_NET=IB together with NCCL_IB_DISABLE=1.
void contradiction(const Context& context, FindingSet& findings) {
  const EnvSeen* net = context.env("NCCL_NET");
  const EnvSeen* off = context.env("NCCL_IB_DISABLE");
  if (!net || !off || net->value != "IB" || off->value != "1") return;
  Draft draft{.id = "nccl-env-values-conflict"};
  draft.captures = {{"name", net->name},
                    {"value", net->value},
                    {"other", off->name},
                    {"other_value", off->value}};
  for (int p : net->processes) draft.where.push_back(context.where(p));
  add_env(draft, *net);
  add_env(draft, *off);
  findings.add(std::move(draft));
}

/// RDMA asked for by device name, no device found.
void hca_filter(const Context& context, FindingSet& findings) {
  const EnvSeen* hca = context.env("NCCL_IB_HCA");
  if (!hca) return;
  Draft draft{.id = "ib-hca-filter-matches-nothing"};
  std::set<int> hosts;
  std::string network = "sockets";
  for (size_t i = 0; i < context.job.processes.size(); ++i) {
    const Process& p = context.job.processes[i];
    const bool without = std::any_of(p.facts.begin(), p.facts.end(), [](const ProcessFacts* f) {
      return f->ib_no_device && f->ib_devices.empty();
    });
    if (!without) continue;
    hosts.insert(p.host_index);
    draft.where.push_back(context.where(static_cast<int>(i)));
    if (!p.facts.front()->networks.empty()) network = p.facts.front()->networks.back();
    if (draft.evidence.size() < 3)
      draft.evidence.push_back(context.evidence(*p.sources.front(), p.facts.front()->network_line));
  }
  if (hosts.empty()) return;
  add_env(draft, *hca);
  draft.captures = {
      {"value", hca->value}, {"hosts", context.host_list(hosts)}, {"network", network}};
  findings.add(std::move(draft));
}

/// Ranks of one communicator of which some ended up with RDMA and some, on other hosts, with
/// sockets.
void backends_differ(const Context& context, const Communicator& comm, FindingSet& findings) {
  std::map<bool, std::set<int>> hosts;  // over sockets?
  std::map<bool, Draft> drafts;
  for (const Member& m : comm.ranks) {
    const Process& p = context.job.processes[m.process];
    if (p.facts.front()->networks.empty()) continue;
    const bool sockets = p.facts.front()->networks.back() == "Socket";
    if (!hosts[sockets].insert(p.host_index).second) continue;
    drafts[sockets].where.push_back(context.where(m.process));
    drafts[sockets].evidence.push_back(
        context.evidence(*p.sources.front(), p.facts.front()->network_line));
  }
  if (hosts[false].empty() || hosts[true].empty() || hosts[false] == hosts[true]) return;
  const bool done = std::all_of(comm.ranks.begin(), comm.ranks.end(), [](const Member& m) {
    return m.facts->stage >= Stage::Collectives && !m.facts->failed;
  });
  if (done) return;
  Draft draft = std::move(drafts[true]);
  draft.id = "net-backend-differs-across-nodes";
  for (Evidence& e : drafts[false].evidence) draft.evidence.push_back(std::move(e));
  draft.captures = {{"rdma", context.host_list(hosts[false])},
                    {"sockets", context.host_list(hosts[true])}};
  findings.add(std::move(draft));
}

}  // namespace

void detect_networks(const Context& context, FindingSet& findings) {
  for (const Communicator& comm : context.job.communicators)
    backends_differ(context, comm, findings);
  contradiction(context, findings);
  hca_filter(context, findings);
}

}  // namespace rankdx
