// The network that was asked for against the one that was taken.
#include <algorithm>

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

}  // namespace

void detect_networks(const Context& context, FindingSet& findings) {
  contradiction(context, findings);
  hca_filter(context, findings);
}

}  // namespace rankdx
