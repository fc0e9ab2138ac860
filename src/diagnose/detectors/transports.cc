// The wrong wire between two ranks: the network or shared memory where the GPUs share a host,
// sockets where RDMA was asked for.
#include <algorithm>

#include "diagnose/context.h"

namespace rankdx {
namespace {

bool over_net(const Link& link) { return link.transport.starts_with("NET/"); }
bool over_shm(const Link& link) {
  return link.transport.starts_with("SHM") || link.transport.starts_with("direct shared memory");
}
bool over_p2p(const Link& link) { return link.transport.starts_with("P2P"); }

Draft draft_of(const Context& context, const Communicator& comm, std::string id,
               const std::vector<const Link*>& links) {
  Draft draft{.id = std::move(id)};
  std::set<int> processes;
  for (const Link* link : links) {
    if (const Member* m = comm.member(link->from)) processes.insert(m->process);
    if (const Member* m = comm.member(link->to)) processes.insert(m->process);
    if (draft.evidence.size() < 4)
      draft.evidence.push_back(context.evidence(*link->source, link->facts->first));
  }
  std::set<int> hosts;
  for (int p : processes) {
    draft.where.push_back(context.where(p));
    hosts.insert(context.job.processes[p].host_index);
  }
  draft.captures = {{"transport", links.front()->transport},
                    {"from", std::to_string(links.front()->from)},
                    {"to", std::to_string(links.front()->to)},
                    {"hosts", context.host_list(hosts)}};
  return draft;
}

void add_env(const Context& context, Draft& draft, std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) {
    if (const EnvSeen* e = context.env(name))
      draft.evidence.push_back({e->source, e->at.line, e->at.text});
  }
}

bool p2p_off_by_env(const Context& context) {
  // Until 2.22.3 NCCL_P2P_DISABLE=1 is reported as level LOC.
  return context.env_is("NCCL_P2P_DISABLE", "1") || context.env_is("NCCL_P2P_LEVEL", "LOC") ||
         context.env_is("NCCL_P2P_LEVEL", "0");
}

void network_inside_host(const Context& context, const Communicator& comm,
                         const std::vector<const Link*>& links, FindingSet& findings) {
  std::set<int> hosts;
  for (const Member& m : comm.ranks) hosts.insert(context.job.processes[m.process].host_index);
  const bool more_nodes = comm.nnodes && *comm.nnodes > static_cast<int>(hosts.size());
  std::string id = "net-inside-node-cause-unknown";
  if (context.env_is("NCCL_HOSTID"))
    id = "same-host-seen-as-two";
  else if (p2p_off_by_env(context) && context.env_is("NCCL_SHM_DISABLE", "1"))
    id = "p2p-and-shm-disabled-by-env";
  else if (more_nodes)
    id = "isolated-containers-on-one-host";
  Draft draft = draft_of(context, comm, std::move(id), links);
  add_env(context, draft,
          {"NCCL_HOSTID", "NCCL_P2P_DISABLE", "NCCL_P2P_LEVEL", "NCCL_SHM_DISABLE"});
  findings.add(std::move(draft));
}

void shared_memory_inside_host(const Context& context, const Communicator& comm,
                               const std::vector<const Link*>& links, FindingSet& findings) {
  if (p2p_off_by_env(context)) {
    Draft draft = draft_of(context, comm, "p2p-disabled-by-env", links);
    add_env(context, draft, {"NCCL_P2P_DISABLE", "NCCL_P2P_LEVEL"});
    findings.add(std::move(draft));
    return;
  }
  // GPUs far apart in PCIe use shared memory by design (NCCL_P2P_LEVEL), and default output does
  // not tell that from a driver without peer access (lab runs of 2.26 and 2.27): no more than a
  // note.
  constexpr size_t kFewGpus = 3;
  std::set<int> processes;
  for (const Link* l : links) {
    if (const Member* m = comm.member(l->from)) processes.insert(m->process);
  }
  const bool any_p2p = std::any_of(comm.links.begin(), comm.links.end(), over_p2p);
  if (any_p2p || processes.size() < kFewGpus || context.hit("p2p-unavailable-between-gpus")) return;
  Draft draft = draft_of(context, comm, "p2p-unavailable-between-gpus", links);
  draft.severity = Severity::Info;
  draft.role = Role::Note;
  draft.confidence = Confidence::Possible;
  findings.add(std::move(draft));
}

}  // namespace

void detect_transports(const Context& context, FindingSet& findings) {
  for (const Communicator& comm : context.job.communicators) {
    std::vector<const Link*> net, shm;
    for (const Link& link : comm.links) {
      if (!link.same_host.value_or(false) || link.from == link.to) continue;
      if (over_net(link)) net.push_back(&link);
      if (over_shm(link)) shm.push_back(&link);
    }
    // A PXN path or a tree over the NIC can run over NET beside P2P for the same pair: only pairs
    // without any other way count.
    auto has_other_way = [&](const Link* l) {
      return std::any_of(comm.links.begin(), comm.links.end(), [&](const Link& o) {
        return o.from == l->from && o.to == l->to && (over_p2p(o) || over_shm(o));
      });
    };
    std::erase_if(net, has_other_way);
    if (!net.empty()) network_inside_host(context, comm, net, findings);
    if (!shm.empty()) shared_memory_inside_host(context, comm, shm, findings);
  }
}

}  // namespace rankdx
