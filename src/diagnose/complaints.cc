#include "diagnose/complaints.h"

#include <algorithm>
#include <array>

namespace rankdx {
namespace {

struct Wording {
  std::string_view text;
  Refusal kind;
};

/// strerror(3) texts of connect(2) and NCCL's own words for running out of tries.
constexpr std::array<Wording, 10> kWordings = {{
    {"refused", Refusal::Refused},
    {"exceeded retries", Refusal::Refused},
    {"timed out", Refusal::Blocked},
    {"exceeded timeouts", Refusal::Blocked},
    {"No route to", Refusal::Blocked},
    {"unreachable", Refusal::Blocked},
    {"Host is down", Refusal::Blocked},
    {"reset by peer", Refusal::Refused},
    {"not permitted", Refusal::Blocked},
    {"connection abort",
     Refusal::Blocked},  // a reset in the middle of the handshake: not by a closed port
}};

Refusal kind_of(std::string_view error) {
  for (const Wording& w : kWordings) {
    if (error.find(w.text) != std::string_view::npos) return w.kind;
  }
  return Refusal::Other;
}

/// A peer that starts a little later is refused a few times in every healthy launch: only what was
/// never followed by progress counts.
bool open(const ProcessFacts& p, const RetryFacts& r) {
  constexpr uint64_t kMany = 8;
  const bool unfinished = std::any_of(p.comms.begin(), p.comms.end(), [](const CommFacts& c) {
    return c.stage < Stage::InitComplete;
  });
  return r.exhausted || unfinished || r.last.line == p.last_nccl.line || r.count >= kMany;
}

}  // namespace

std::vector<Complaint> open_complaints(const Context& context) {
  std::vector<Complaint> list;
  for (size_t i = 0; i < context.job.processes.size(); ++i) {
    const Process& p = context.job.processes[i];
    for (size_t k = 0; k < p.facts.size(); ++k) {
      for (const RetryFacts& r : p.facts[k]->retries) {
        if (!open(*p.facts[k], r)) continue;
        list.push_back({static_cast<int>(i), context.host_of_address(r.peer), kind_of(r.error), &r,
                        p.sources[k]});
      }
    }
  }
  return list;
}

std::set<int> accused_hosts(const Context& context, const std::vector<Complaint>& complaints,
                            Refusal kind) {
  std::set<int> accused, complaining;
  bool nameless = false;
  for (const Complaint& c : complaints) {
    if (c.kind != kind) continue;
    complaining.insert(context.job.processes[c.process].host_index);
    if (c.target_host >= 0) accused.insert(c.target_host);
    nameless |= c.retry->peer.empty();
  }
  if (!accused.empty() || !nameless) return accused;
  for (int h = 0; h < static_cast<int>(context.job.hosts.size()); ++h) {
    if (!complaining.count(h)) accused.insert(h);
  }
  return accused.size() == 1 ? accused : std::set<int>{};
}

bool names_a_target(const std::vector<Complaint>& complaints, Refusal kind) {
  return std::any_of(complaints.begin(), complaints.end(),
                     [&](const Complaint& c) { return c.kind == kind && !c.retry->peer.empty(); });
}

}  // namespace rankdx
