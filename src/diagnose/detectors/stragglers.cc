// A few ranks for which all others waited during a start that ended well: they came late, or their
// own part took long. Read from "Init timings" (2.22.3 and later, init.cc); before that from the
// times of START and COMPLETE, both by one clock.
#include <fmt/format.h>

#include <algorithm>

#include "diagnose/context.h"

namespace rankdx {
namespace {

constexpr size_t kFewestRanks = 8;  ///< of fewer ranks none is the exception
constexpr size_t kMostShare = 8;    ///< at most one rank of so many is one
constexpr double kWorthTelling_s = 10;
constexpr double kMuchLonger = 3;  ///< times what the others need

/// One member's start, in seconds.
struct Start {
  const Member* member;
  double total = -1;  ///< until it is complete; all ranks end it together
  double own = -1;    ///< of that, not waiting for others; -1 unknown
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Empty unless every rank is there, complete and timed.
std::vector<Start> starts_of(const Communicator& comm) {
  std::vector<Start> starts;
  for (const Member& m : comm.ranks) {
    const CommFacts& f = *m.facts;
    if (f.stage < Stage::InitComplete || f.failed) return {};
    Start start{&m, f.init_seconds, -1};
    if (f.waited_seconds >= 0) start.own = f.init_seconds - f.waited_seconds;
    if (start.total < 0 && f.start_us != kNoTime && f.complete_us != kNoTime) {
      start.total = static_cast<double>(f.complete_us - f.start_us) * 1e-6;
    }
    if (start.total < 0) return {};
    starts.push_back(start);
  }
  return starts;
}

/// The few whose number exceeds the usual one by far, with nobody half way in between.
struct Few {
  std::vector<const Member*> members;
  double excess_s = 0;
};
template <class Excess>
Few outstanding(const std::vector<Start>& starts, Excess excess) {
  Few few;
  double most = 0;
  for (const Start& s : starts) most = std::max(most, excess(s));
  if (most < kWorthTelling_s) return few;
  few.excess_s = most;
  for (const Start& s : starts) {
    if (excess(s) > most * 2 / 3) {
      few.members.push_back(s.member);
      few.excess_s = std::min(few.excess_s, excess(s));
    } else if (excess(s) > most / 3) {
      return {};
    }
  }
  if (few.members.size() * kMostShare > starts.size()) return {};
  return few;
}

void tell(const Context& context, const Communicator& comm, const Few& few, const std::string& what,
          FindingSet& findings) {
  Draft draft{.id = "straggler-ranks"};
  draft.rule = findings.pack().find("straggler-ranks", "start");
  std::vector<int> ranks;
  std::set<int> hosts;
  for (const Member* m : few.members) {
    draft.where.push_back(context.where(m->process));
    draft.where.back().rank = m->rank;
    ranks.push_back(m->rank);
    hosts.insert(context.job.processes[m->process].host_index);
    if (draft.evidence.size() < 2) {
      draft.evidence.push_back(context.evidence(*m->source, m->facts->timed()));
    }
  }
  for (const Member& m : comm.ranks) {
    if (std::find(few.members.begin(), few.members.end(), &m) != few.members.end()) continue;
    draft.evidence.push_back(context.evidence(*m.source, m.facts->timed()));
    break;
  }
  draft.captures = {{"ranks", rank_list(ranks)},
                    {"hosts", context.host_list(hosts)},
                    {"nranks", std::to_string(comm.nranks)},
                    {"seconds", fmt::format("{:.0f}", few.excess_s)},
                    {"what", what}};
  findings.add(std::move(draft));
}

void look_at(const Context& context, const Communicator& comm, FindingSet& findings) {
  if (comm.ranks.size() < kFewestRanks || !comm.missing_ranks.empty()) return;
  const std::vector<Start> starts = starts_of(comm);
  if (starts.empty()) return;
  std::vector<double> totals, own;
  for (const Start& s : starts) {
    totals.push_back(s.total);
    if (s.own >= 0) own.push_back(s.own);
  }
  const double usual = median(totals);
  // All end together: who took less began later.
  const Few late = outstanding(starts, [&](const Start& s) { return usual - s.total; });
  if (!late.members.empty()) {
    return tell(context, comm, late, fmt::format("began {:.0f} s after the others", late.excess_s),
                findings);
  }
  if (own.size() != starts.size()) return;
  const double usual_own = median(own);
  const Few slow = outstanding(starts, [&](const Start& s) { return s.own - usual_own; });
  if (slow.members.empty() || slow.excess_s < usual_own * (kMuchLonger - 1)) return;
  tell(context, comm, slow,
       fmt::format("needed {:.0f} s for its own part, the others {:.1f} s",
                   usual_own + slow.excess_s, usual_own),
       findings);
}

}  // namespace

void detect_stragglers(const Context& context, FindingSet& findings) {
  if (context.any_failure_sign()) return;
  // The largest one: smaller ones wait for the same hosts.
  if (!context.job.communicators.empty()) {
    look_at(context, context.job.communicators.front(), findings);
  }
}

}  // namespace rankdx
