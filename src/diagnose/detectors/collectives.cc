// Collective calls out of step: what each rank asked for, in order (subsystem COLL,
// init.cc/enqueue.cc of every version).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "diagnose/context.h"

namespace rankdx {
namespace {

using Signature = std::tuple<std::string_view, uint64_t, int, int, int>;
/// Of one rank, in order; as many as all ranks have.
using Calls = std::vector<const CallFacts*>;

/// Rooted calls must agree on the root; Send and Recv name a peer there, which differs by nature.
bool point_to_point(const CallFacts& c) { return c.name == "Send" || c.name == "Recv"; }

Signature signature(const CallFacts& c) { return {c.name, c.count, c.datatype, c.op, c.root}; }

std::string describe(const CallFacts& c) {
  return fmt::format("{} count {} datatype {} op {} root {}", c.name, c.count, c.datatype, c.op,
                     c.root);
}

Calls collectives_of(const Member& m) {
  Calls calls;
  calls.reserve(m.facts->first_calls.size());
  for (const CallFacts& c : m.facts->first_calls) {
    if (!point_to_point(c)) calls.push_back(&c);
  }
  return calls;
}

void report_mismatch(const Context& context, const Communicator& comm, size_t index,
                     const std::map<Signature, std::vector<const Member*>>& groups,
                     const std::map<int, Calls>& calls, FindingSet& findings) {
  size_t most = 0;
  for (const auto& [s, members] : groups) most = std::max(most, members.size());
  Draft draft{.id = "collective-mismatch"};
  std::string text;
  for (const auto& [s, members] : groups) {
    const CallFacts& call = *calls.at(members.front()->rank)[index];
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

/// By what the ranks asked for in their call of this index.
std::map<Signature, std::vector<const Member*>> group_ranks(const Communicator& comm,
                                                            const std::map<int, Calls>& calls,
                                                            size_t index) {
  std::map<Signature, std::vector<const Member*>> groups;
  for (const Member& m : comm.ranks) groups[signature(*calls.at(m.rank)[index])].push_back(&m);
  return groups;
}

void compare_calls(const Context& context, const Communicator& comm, FindingSet& findings) {
  std::map<int, Calls> calls;
  size_t shortest = CommFacts::kFirstCalls;
  for (const Member& m : comm.ranks) {
    Calls& own = calls[m.rank] = collectives_of(m);
    shortest = std::min(shortest, own.size());
  }
  if (calls.size() < 2) return;
  const Calls& first = calls.begin()->second;
  for (size_t i = 0; i < shortest; ++i) {
    bool in_step = true, alike = true;
    for (const auto& [rank, own] : calls) {
      in_step &= own[i]->op_count == first[i]->op_count;
      alike &= signature(*own[i]) == signature(*first[i]);
    }
    if (!in_step) return;
    if (!alike)
      return report_mismatch(context, comm, i, group_ranks(comm, calls, i), calls, findings);
  }
}

}  // namespace

void detect_collectives(const Context& context, FindingSet& findings) {
  for (const Communicator& comm : context.job.communicators) {
    if (comm.missing_ranks.size() * 2 <= static_cast<size_t>(std::max(comm.nranks, 0)))
      compare_calls(context, comm, findings);
  }
}

}  // namespace rankdx
