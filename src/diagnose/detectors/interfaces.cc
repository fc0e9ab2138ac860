// Interfaces that NCCL took and the peers cannot reach: loopback, bridges and tunnels, IPv6
// link-local.
#include <algorithm>
#include <array>

#include "diagnose/context.h"

namespace rankdx {
namespace {

enum class Reach { Routable, Loopback, Virtual, LinkLocal6 };

/// Interface names that carry node-local or overlay-private addresses (container runtimes, CNI
/// plugins, VPNs, hypervisors).
constexpr std::array<std::string_view, 21> kVirtualPrefixes = {
    "br-",       "cali", "cilium", "cni",     "docker",       "dummy",  "flannel",
    "kube-ipvs", "lxc",  "lxd",    "nerdctl", "nodelocaldns", "podman", "tailscale",
    "tun",       "veth", "virbr",  "vmnet",   "vxlan",        "wg",     "zt"};

Reach reach_of(const InterfaceFacts& i) {
  if (i.name == "lo" || i.address.starts_with("127.") || i.address == "::1") return Reach::Loopback;
  if (i.address.starts_with("169.254.")) return Reach::Virtual;
  const bool is_virtual = std::any_of(kVirtualPrefixes.begin(), kVirtualPrefixes.end(),
                                      [&](std::string_view p) { return i.name.starts_with(p); });
  if (is_virtual) return Reach::Virtual;
  return i.address.starts_with("fe80:") ? Reach::LinkLocal6 : Reach::Routable;
}

/// Processes whose communicators over several hosts, one at least, all came up and connected: their
/// interfaces work.
std::set<int> proven_to_work(const Context& context) {
  std::set<int> seen, failed;
  for (const Communicator& comm : context.job.communicators) {
    if (comm.nnodes.value_or(2) < 2) continue;
    const bool works = std::all_of(comm.ranks.begin(), comm.ranks.end(), [](const Member& m) {
      return m.facts->stage >= Stage::InitComplete && !m.facts->failed;
    });
    for (const Member& m : comm.ranks) (works ? seen : failed).insert(m.process);
  }
  for (int process : failed) seen.erase(process);
  return seen;
}

bool spans_hosts(const Context& context) {
  const Job& job = context.job;
  if (job.hosts.size() > 1) return true;
  return std::any_of(
      job.communicators.begin(), job.communicators.end(),
      [&](const Communicator& c) { return c.nnodes.value_or(0) > 1 || !c.missing_ranks.empty(); });
}

/// All loopback addresses are one.
std::string_view one_loopback(std::string_view address) {
  return address.starts_with("127.") ? std::string_view("127.") : address;
}

/// The addresses that somebody tried to reach more than once.
std::set<std::string_view> retried_addresses(const Context& context) {
  std::set<std::string_view> addresses;
  for (const Process& p : context.job.processes) {
    for (const ProcessFacts* f : p.facts) {
      for (const RetryFacts& r : f->retries) addresses.insert(one_loopback(r.peer));
    }
  }
  return addresses;
}

bool unfinished(const Context& context) {
  const auto& comms = context.job.communicators;
  return std::any_of(comms.begin(), comms.end(), [](const Communicator& c) {
    return std::any_of(c.ranks.begin(), c.ranks.end(), [](const Member& m) {
      return m.facts->start.line && m.facts->stage < Stage::InitComplete;
    });
  });
}

struct Choice {
  int process;
  const InterfaceFacts* interface;
  const SourceFacts* source;
  Reach reach;
};

std::vector<Choice> bad_choices(const Context& context) {
  std::vector<Choice> bad;
  for (size_t i = 0; i < context.job.processes.size(); ++i) {
    const Process& p = context.job.processes[i];
    for (size_t k = 0; k < p.facts.size(); ++k) {
      for (const InterfaceFacts& f : p.facts[k]->interfaces) {
        const Reach reach = reach_of(f);
        if (reach != Reach::Routable) bad.push_back({static_cast<int>(i), &f, p.sources[k], reach});
      }
    }
  }
  return bad;
}

bool everyone_on_loopback(const Context& context, const std::vector<Choice>& bad) {
  std::set<int> hosts;
  for (const Choice& c : bad) {
    if (c.reach == Reach::Loopback) hosts.insert(context.job.processes[c.process].host_index);
  }
  return hosts.size() == context.job.hosts.size();
}

}  // namespace

namespace {

/// By default NCCL leaves lo out wherever there is another interface (misc/socket.cc), so lo beside
/// a routed one means that NCCL_SOCKET_IFNAME lets it in. Nothing shows yet that it does harm.
void loopback_let_in(const Context& context, const std::vector<Choice>& bad, FindingSet& findings) {
  const std::set<int> working = proven_to_work(context);
  for (const Choice& c : bad) {
    const Process& p = context.job.processes[c.process];
    auto routed = [](const ProcessFacts* f) {
      return std::any_of(f->interfaces.begin(), f->interfaces.end(), [](const InterfaceFacts& i) {
        return !i.bootstrap && reach_of(i) == Reach::Routable;
      });
    };
    if (c.reach != Reach::Loopback || c.interface->bootstrap ||
        std::none_of(p.facts.begin(), p.facts.end(), routed))
      continue;
    if (working.count(c.process)) continue;
    Draft draft{.id = "loopback-selected"};
    Where w = context.where(c.process);
    w.interface = c.interface->name;
    draft.where = {w};
    draft.captures = {
        {"interface", c.interface->name}, {"address", c.interface->address}, {"host", w.host}};
    draft.evidence = {context.evidence(*c.source, c.interface->at)};
    draft.severity = Severity::Warning;
    draft.confidence = Confidence::Possible;
    findings.add(std::move(draft));
  }
}

}  // namespace

void detect_interfaces(const Context& context, FindingSet& findings) {
  const std::vector<Choice> bad = bad_choices(context);
  if (bad.empty()) return;
  if (!spans_hosts(context)) return loopback_let_in(context, bad, findings);
  const bool trouble = unfinished(context) || context.any_failure_sign();
  const bool only_lo = everyone_on_loopback(context, bad) && !context.env_is("NCCL_SOCKET_IFNAME");
  const std::set<int> working = proven_to_work(context);
  const std::set<std::string_view> retried = retried_addresses(context);
  for (const Choice& c : bad) {
    const bool direct = retried.count(one_loopback(c.interface->address)) != 0;
    if (working.count(c.process) && !direct) continue;
    if (!trouble && !direct) continue;
    Draft draft;
    switch (c.reach) {
      case Reach::Loopback:
        draft.id = only_lo ? "no-usable-network-interface" : "loopback-selected";
        break;
      case Reach::LinkLocal6:
        draft.id = "ipv6-link-local-selected";
        break;
      default:
        draft.id = "unreachable-interface-selected";
        break;
    }
    Where w = context.where(c.process);
    w.interface = c.interface->name;
    draft.where = {w};
    draft.captures = {
        {"interface", c.interface->name}, {"address", c.interface->address}, {"host", w.host}};
    draft.evidence = {context.evidence(*c.source, c.interface->at)};
    if (!c.interface->bootstrap && !direct && c.reach != Reach::Loopback)
      draft.confidence = Confidence::Possible;
    if (direct && context.job.hosts.size() > 1) draft.confidence = Confidence::Certain;
    findings.add(std::move(draft));
  }
}

}  // namespace rankdx
