// Meeting points that are not what they seem: an address of an earlier attempt, a proxy in
// between.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "diagnose/complaints.h"

namespace rankdx {
namespace {

Evidence evidence_of(const RuleHit& hit) {
  return {hit.source->name, hit.notable->line, hit.notable->text};
}

/// The last line with which torchrun began another attempt, by source.
std::map<const SourceFacts*, const RuleHit*> restarts(const Context& context) {
  std::map<const SourceFacts*, const RuleHit*> last;
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id == "stale-rendezvous" && hit.rule->variant == "restart")
      last[hit.source] = &hit;
  }
  return last;
}

/// Refused behind a restart of the workers: whoever listened there ended with the attempt before.
void refused_after_restart(const Context& context, FindingSet& findings) {
  const auto restarted = restarts(context);
  if (restarted.empty()) return;
  for (const Complaint& c : open_complaints(context)) {
    const auto restart = restarted.find(c.source);
    if (restart == restarted.end() || c.kind != Refusal::Refused) continue;
    if (c.retry->first.line < restart->second->notable->last_line) continue;
    Draft draft{.id = "stale-rendezvous"};
    draft.captures = {
        {"why", "connections are refused right after torchrun has started the workers anew"}};
    draft.where = {context.where(c.process)};
    draft.evidence = {evidence_of(*restart->second), context.evidence(*c.source, c.retry->last)};
    findings.add(std::move(draft));
  }
}

struct Life {
  int rank = -1;
  const ProcessFacts* facts = nullptr;
  const SourceFacts* source = nullptr;
  const CommFacts* comm = nullptr;
};

/// One unique id and rank in two processes of a host of which the second began long after the
/// first had spoken its last: the id outlived its run.
void id_of_earlier_run(const Context& context, FindingSet& findings) {
  constexpr int64_t kLongAfter_us = 60'000'000;
  for (const Communicator& comm : context.job.communicators) {
    std::map<int, std::vector<Life>> by_rank;
    for (const Member& m : comm.ranks) {
      if (!m.facts->has_comm_id) continue;
      const ProcessFacts* p = context.job.processes[m.process].facts.front();
      if (p->first_us != kNoTime) by_rank[m.rank].push_back({m.rank, p, m.source, m.facts});
    }
    for (auto& [rank, lives] : by_rank) {
      std::sort(lives.begin(), lives.end(),
                [](const Life& a, const Life& b) { return a.facts->first_us < b.facts->first_us; });
      for (size_t i = 1; i < lives.size(); ++i) {
        const Life &before = lives[i - 1], &after = lives[i];
        if (after.facts->first_us < before.facts->last_us + kLongAfter_us) continue;
        Draft draft{.id = "stale-rendezvous"};
        draft.captures = {{"why", fmt::format("rank {} of communicator {} was started twice, the "
                                              "second time after the first had ended",
                                              rank, comm.id)}};
        draft.evidence = {context.evidence(*before.source, before.comm->start),
                          context.evidence(*after.source, after.comm->start)};
        draft.confidence = Confidence::Likely;
        findings.add(std::move(draft));
      }
    }
  }
}

bool is_proxy_container(std::string_view origin) {
  return origin.ends_with("/istio-proxy") || origin.ends_with("/linkerd-proxy") ||
         origin.ends_with("/consul-dataplane") || origin.ends_with("/kuma-sidecar");
}

/// A line that shows the sidecar: what a rule found, or any line of its container.
std::optional<Evidence> sidecar_line(const Context& context) {
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id == "service-mesh-sidecar") return evidence_of(hit);
  }
  for (const Process& p : context.job.processes) {
    if (!is_proxy_container(p.origin)) continue;
    const uint64_t line = p.facts.front()->first_line;
    return Evidence{p.sources.front()->name, line, "(container " + p.origin + ")"};
  }
  return std::nullopt;
}

bool waits_for_peers(const Context& context) {
  const auto& comms = context.job.communicators;
  const bool stalled = std::any_of(comms.begin(), comms.end(), [](const Communicator& c) {
    return c.nranks > 1 && std::any_of(c.ranks.begin(), c.ranks.end(), [](const Member& m) {
             return m.facts->start.line && m.facts->stage < Stage::InitComplete;
           });
  });
  constexpr std::string_view kBroken[] = {"connection-closed-by-peer", "connection-broken",
                                          "connection-attempt-failed", "rendezvous-unreachable",
                                          "store-wait-timeout"};
  return stalled || !open_complaints(context).empty() ||
         std::any_of(std::begin(kBroken), std::end(kBroken),
                     [&](std::string_view id) { return context.hit(id); });
}

void sidecar_between(const Context& context, FindingSet& findings) {
  const auto line = sidecar_line(context);
  if (!line || !waits_for_peers(context)) return;
  Draft draft{.id = "service-mesh-sidecar"};
  draft.evidence = {*line};
  for (const Complaint& c : open_complaints(context)) {
    draft.evidence.push_back(context.evidence(*c.source, c.retry->last));
    if (draft.evidence.size() > 3) break;
  }
  findings.add(std::move(draft));
}

}  // namespace

void detect_rendezvous(const Context& context, FindingSet& findings) {
  refused_after_restart(context, findings);
  id_of_earlier_run(context, findings);
  sidecar_between(context, findings);
}

}  // namespace rankdx
