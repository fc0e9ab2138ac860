// Collective calls out of step: what each rank asked for, in order (subsystem COLL,
// init.cc/enqueue.cc of every version).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "diagnose/context.h"

namespace rankdx {
namespace {

using Signature = std::tuple<std::string, uint64_t, int, int, int>;

/// Rooted calls must agree on the root; Send and Recv name a peer there, which differs by nature.
bool point_to_point(const CallFacts& c) { return c.name == "Send" || c.name == "Recv"; }

Signature signature(const CallFacts& c) { return {c.name, c.count, c.datatype, c.op, c.root}; }

std::string describe(const CallFacts& c) {
  return fmt::format("{} count {} datatype {} op {} root {}", c.name, c.count, c.datatype, c.op,
                     c.root);
}

std::vector<CallFacts> collectives_of(const Member& m) {
  std::vector<CallFacts> calls;
  for (const CallFacts& c : m.facts->first_calls) {
    if (!point_to_point(c)) calls.push_back(c);
  }
  return calls;
}

void report_mismatch(const Context& context, const Communicator& comm, size_t index,
                     const std::map<Signature, std::vector<const Member*>>& groups,
                     const std::map<int, std::vector<CallFacts>>& calls, FindingSet& findings) {
  size_t most = 0;
  for (const auto& [s, members] : groups) most = std::max(most, members.size());
  Draft draft{.id = "collective-mismatch"};
  std::string text;
  for (const auto& [s, members] : groups) {
    const CallFacts& call = calls.at(members.front()->rank)[index];
    std::vector<int> ranks;
    for (const Member* m : members) ranks.push_back(m->rank);
    text +=
        fmt::format("{}{} on rank {}", text.empty() ? "" : "; ", describe(call), rank_list(ranks));
    draft.evidence.push_back({members.front()->source->name, call.line, describe(call)});
    const bool minority =
        members.size() < most || (groups.size() == 2 && most * 2 == comm.ranks.size());
    if (!minority) continue;
    for (const Member* m : members) draft.where.push_back(context.where(m->process));
  }
  draft.captures = {{"call", std::to_string(index)}, {"calls", text}, {"comm", comm.id}};
  draft.confidence = Confidence::Likely;
  findings.add(std::move(draft));
}

}  // namespace

void detect_collectives(const Context& context, FindingSet& findings) {
  for (const Communicator& comm : context.job.communicators) {
    std::map<int, std::vector<CallFacts>> calls;
    size_t shortest = SIZE_MAX;
    for (const Member& m : comm.ranks) {
      calls[m.rank] = collectives_of(m);
      shortest = std::min(shortest, calls[m.rank].size());
    }
    if (calls.size() < 2 ||
        comm.missing_ranks.size() * 2 > static_cast<size_t>(std::max(comm.nranks, 0)))
      continue;
    for (size_t i = 0; i < shortest && i < CommFacts::kFirstCalls; ++i) {
      std::map<Signature, std::vector<const Member*>> groups;
      bool in_step = true;
      for (const Member& m : comm.ranks) {
        const CallFacts& call = calls[m.rank][i];
        in_step &= call.op_count == calls.begin()->second[i].op_count;
        groups[signature(call)].push_back(&m);
      }
      if (!in_step) break;
      if (groups.size() > 1) {
        report_mismatch(context, comm, i, groups, calls, findings);
        break;
      }
    }
  }
}

}  // namespace rankdx
