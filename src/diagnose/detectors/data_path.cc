// Ways that carry the set-up of a job and not its data: peer-to-peer copies that swallow data,
// packets too large for the path, multicast calls that the driver does not know.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "diagnose/context.h"

namespace rankdx {
namespace {

std::optional<int64_t> number(const RuleHit& hit, const char* name) {
  const auto found = hit.captures.find(name);
  return found == hit.captures.end() ? std::nullopt : parse_int<int64_t>(found->second);
}

Evidence evidence_of(const RuleHit& hit) {
  return {hit.source->name, hit.notable->line, hit.notable->text};
}

bool all_complete(const Communicator& comm) {
  return comm.missing_ranks.empty() &&
         std::all_of(comm.ranks.begin(), comm.ranks.end(), [](const Member& m) {
           return m.facts->stage >= Stage::InitComplete && !m.facts->failed;
         });
}

/// All ranks on one host, linked by peer-to-peer copies only.
bool runs_on_p2p(const Communicator& comm) {
  const bool one_node = comm.nnodes.value_or(1) == 1;
  return one_node && comm.ranks.size() > 1 && !comm.links.empty() &&
         std::all_of(comm.links.begin(), comm.links.end(),
                     [](const Link& l) { return l.transport.starts_with("P2P"); });
}

/// A watchdog ended one of the first collectives after a start in which everything went well, over
/// P2P inside one host. Nobody was behind: a rank that never came would be missing.
void p2p_swallows_data(const Context& context, FindingSet& findings) {
  constexpr int64_t kFirstCollectives = 2;
  const RuleHit* stuck = nullptr;
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id != "collective-timeout-cause-unknown") continue;
    const auto seq = number(hit, "seq");
    if (!seq) continue;
    if (*seq > kFirstCollectives) return;
    if (!stuck) stuck = &hit;
  }
  const auto& comms = context.job.communicators;
  const auto comm = std::find_if(comms.begin(), comms.end(), [](const Communicator& c) {
    return runs_on_p2p(c) && all_complete(c);
  });
  if (!stuck || comm == comms.end() || comms.front().nnodes.value_or(1) > 1) return;
  Draft draft{.id = "p2p-data-path-broken"};
  for (const Member& m : comm->ranks) draft.where.push_back(context.where(m.process));
  draft.evidence = {evidence_of(*stuck), context.evidence(*comm->links.front().source,
                                                          comm->links.front().facts->first)};
  findings.add(std::move(draft));
}

/// "2.28.9+cuda13.0" as 13000; 0 without one. The driver prints its own in the same form.
int cuda_of(std::string_view version) {
  const size_t at = version.find("+cuda");
  if (at == version.npos) return 0;
  std::string_view minor;
  const auto major = parse_int<int>(take_until(version.substr(at + 5), '.', minor));
  const auto small = parse_int<int>(minor);
  return major && small ? *major * 1000 + *small * 10 : 0;
}

std::string cuda_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

/// Multicast fails where the driver is older than the CUDA that NCCL was built for.
void multicast_of_old_driver(const Context& context, FindingSet& findings) {
  for (const RuleHit& hit : context.hits) {
    const bool failed = hit.rule->id == "nvls-multicast-setup-failed" &&
                        hit.rule->severity == Severity::Error && hit.rule->layer == Layer::Driver;
    const int process = failed ? context.process_of(hit) : -1;
    if (process < 0) continue;
    int built = 0, driver = 0;
    for (const ProcessFacts* f : context.job.processes[process].facts) {
      driver = std::max(driver, f->driver_version);
      for (const std::string& v : f->versions) built = std::max(built, cuda_of(v));
    }
    if (!built || driver <= 0 || driver >= built) continue;
    Draft draft{.id = "nvls-driver-too-old"};
    draft.captures = {{"driver", cuda_text(driver)}, {"built", cuda_text(built)}};
    draft.where = {context.where(process)};
    draft.evidence = {evidence_of(hit)};
    // Minor releases of one CUDA generation are meant to run on its first driver.
    if (driver / 1000 == built / 1000) draft.confidence = Confidence::Possible;
    findings.add(std::move(draft));
  }
}

struct Listed {
  int64_t mtu;
  const RuleHit* hit;
};

/// The node or pod that printed a listing: what the log collector says, else the file.
std::string place_of(const Context& context, const RuleHit& hit) {
  const Where where = context.where(context.process_of(hit));
  if (!where.pod.empty()) return where.pod;
  return where.host.empty() ? hit.source->name : where.host;
}

/// `ip link` of several nodes: one interface name, several MTUs. Loopback and what exists on one
/// node only say nothing.
void mtu_differs(const Context& context, FindingSet& findings) {
  std::map<std::string, std::map<std::string, Listed>> by_interface;
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id != "mtu-mismatch" || hit.rule->variant != "listing") continue;
    const auto name = hit.captures.find("interface");
    const auto mtu = number(hit, "mtu");
    if (name == hit.captures.end() || !mtu || name->second == "lo") continue;
    by_interface[name->second].emplace(place_of(context, hit), Listed{*mtu, &hit});
  }
  for (const auto& [interface, places] : by_interface) {
    const auto [least, most] = std::minmax_element(
        places.begin(), places.end(),
        [](const auto& a, const auto& b) { return a.second.mtu < b.second.mtu; });
    if (places.size() < 2 || least->second.mtu == most->second.mtu) continue;
    const bool used =
        std::any_of(context.job.hosts.begin(), context.job.hosts.end(), [&](const Host& h) {
          return std::any_of(h.interfaces.begin(), h.interfaces.end(),
                             [&](const std::string& i) { return i.starts_with(interface + ":"); });
        });
    if (!used && !context.job.hosts.empty()) continue;
    Draft draft{.id = "mtu-mismatch"};
    draft.captures = {{"mtus", fmt::format("{} {} on {}, {} on {}", interface, least->second.mtu,
                                           least->first, most->second.mtu, most->first)}};
    draft.where = {{.host = least->first,
                    .pod = "",
                    .rank = {},
                    .gpu = {},
                    .peer = "",
                    .interface = interface}};
    draft.evidence = {evidence_of(*least->second.hit), evidence_of(*most->second.hit)};
    if (!context.any_failure_sign()) draft.severity = Severity::Warning;
    findings.add(std::move(draft));
  }
}

}  // namespace

void detect_data_path(const Context& context, FindingSet& findings) {
  p2p_swallows_data(context, findings);
  multicast_of_old_driver(context, findings);
  mtu_differs(context, findings);
}

}  // namespace rankdx
