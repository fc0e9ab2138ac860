// Network plugins that differ between the ranks: one side reads the connect handle of another
// plugin, or of another version of it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "diagnose/context.h"

namespace rankdx {
namespace {

/// The network that is part of NCCL; anything else comes from a plugin.
bool is_internal(std::string_view network) {
  return network == "Socket" || network == "IB" || network.empty();
}

struct Seat {
  int process = -1;
  Evidence evidence;
};

/// What each process uses: the name that the plugin gives itself, with its version where it says
/// one, else the network it ended up with.
std::map<int, std::pair<std::string, Evidence>> plugins_by_process(const Context& context) {
  std::map<int, std::pair<std::string, Evidence>> by_process;
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id != "net-plugin-differs-across-ranks" || hit.rule->variant != "loaded")
      continue;
    const int process = context.process_of(hit);
    if (process < 0) continue;
    auto named = [&](const char* name) {
      const auto found = hit.captures.find(name);
      return found == hit.captures.end() ? std::string() : found->second;
    };
    // The OFI plugin's own version says more than the name it registers.
    const std::string name = named("ofi").empty() ? named("plugin") : named("ofi");
    if (name.empty()) continue;
    auto& [known, evidence] = by_process[process];
    if (!known.empty() && named("ofi").empty()) continue;
    known = name;
    evidence = {hit.source->name, hit.notable->line, hit.notable->text};
  }
  for (size_t i = 0; i < context.job.processes.size(); ++i) {
    const Process& p = context.job.processes[i];
    if (by_process.count(static_cast<int>(i))) continue;
    for (size_t k = 0; k < p.facts.size(); ++k) {
      if (p.facts[k]->networks.empty()) continue;
      by_process[static_cast<int>(i)] = {p.facts[k]->networks.back(),
                                         context.evidence(*p.sources[k], p.facts[k]->network_line)};
    }
  }
  return by_process;
}

}  // namespace

void detect_plugins(const Context& context, FindingSet& findings) {
  std::map<std::string, std::vector<Seat>> by_plugin;
  bool any_external = false;
  for (auto& [process, said] : plugins_by_process(context)) {
    any_external |= !is_internal(said.first);
    by_plugin[said.first].push_back({process, said.second});
  }
  if (!any_external || by_plugin.size() < 2) return;
  Draft draft{.id = "net-plugin-differs-across-ranks"};
  std::set<std::set<int>> hosts_seen;
  std::string text;
  for (const auto& [plugin, seats] : by_plugin) {
    std::set<int> hosts;
    for (const Seat& s : seats) hosts.insert(context.job.processes[s.process].host_index);
    hosts_seen.insert(hosts);
    text += fmt::format("{}{} on {}", text.empty() ? "" : ", ", plugin, context.host_list(hosts));
    draft.where.push_back(context.where(seats.front().process));
    draft.evidence.push_back(seats.front().evidence);
  }
  // Two plugins on the same hosts are two jobs or two communicators, not one torn between nodes.
  if (hosts_seen.size() < 2) return;
  const bool proven =
      std::any_of(context.job.communicators.begin(), context.job.communicators.end(),
                  [](const Communicator& c) {
                    return c.nnodes.value_or(1) > 1 && c.missing_ranks.empty() &&
                           std::all_of(c.ranks.begin(), c.ranks.end(), [](const Member& m) {
                             return m.facts->stage >= Stage::InitComplete && !m.facts->failed;
                           });
                  });
  if (proven && !context.any_failure_sign()) return;
  draft.captures = {{"plugins", text}};
  draft.confidence = context.any_failure_sign() ? Confidence::Likely : Confidence::Possible;
  findings.add(std::move(draft));
}

}  // namespace rankdx
