// Rings, trees, links and call counts of a communicator, put together from what each of its ranks
// printed.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "job/assemble_parts.h"

namespace rankdx {
namespace {

/// Follows next-pointers from the smallest rank; empty when the ring does not close over all ranks.
std::vector<int> close_ring(const std::map<int, int>& next, int nranks) {
  std::vector<int> ring;
  int at = 0;
  for (int i = 0; i < nranks; ++i) {
    auto step = next.find(at);
    if (step == next.end()) return {};
    ring.push_back(at);
    at = step->second;
    if (at == 0 && i + 1 < nranks) return {};
  }
  return at == 0 ? ring : std::vector<int>{};
}

/// A dump is whole when it names each rank once (NCCL prints at most 20 ranks until 2.22.3, 127
/// bytes from 2.23.4).
bool whole(const RingDumpFacts& dump, int nranks) {
  if (dump.truncated || static_cast<int>(dump.ranks.size()) != nranks) return false;
  std::set<int> ranks(dump.ranks.begin(), dump.ranks.end());
  return static_cast<int>(ranks.size()) == nranks && *ranks.begin() == 0 &&
         *ranks.rbegin() == nranks - 1;
}

void draw_rings(Communicator& comm) {
  std::map<int, std::vector<int>> rings;
  std::map<int, std::map<int, int>> next;
  for (const Member& m : comm.ranks) {
    for (const RingDumpFacts& dump : m.facts->ring_dumps) {
      if (whole(dump, comm.nranks)) rings[dump.channel] = dump.ranks;
    }
    for (const RingFacts& edge : m.facts->ring_edges) {
      next[edge.channel][m.rank] = edge.next;
      next[edge.channel].emplace(edge.prev, m.rank);
    }
  }
  for (const auto& [channel, steps] : next) {
    if (rings.count(channel)) continue;
    auto ring = close_ring(steps, comm.nranks);
    if (!ring.empty()) rings[channel] = std::move(ring);
  }
  for (auto& [channel, ring] : rings) comm.rings.push_back(std::move(ring));
}

void draw_trees(Communicator& comm) {
  std::map<int, std::set<std::pair<int, int>>> edges;
  for (const Member& m : comm.ranks) {
    for (const TreeFacts& t : m.facts->trees) {
      if (t.up >= 0) edges[t.channel].emplace(t.up, m.rank);
      for (int down : t.down) {
        if (down >= 0) edges[t.channel].emplace(m.rank, down);
      }
    }
  }
  for (const auto& [channel, set] : edges)
    comm.trees.push_back({channel, {set.begin(), set.end()}});
}

void draw_links(const Job& job, Communicator& comm) {
  std::map<std::tuple<int, int, std::string>, std::pair<uint64_t, Link>> links;
  for (const Member& m : comm.ranks) {
    for (const LinkFacts& f : m.facts->links) {
      auto& [channels, link] = links[{f.from, f.to, f.transport}];
      channels |= f.channels;
      if (link.facts) continue;
      link.from = f.from, link.to = f.to, link.transport = f.transport;
      link.facts = &f;
      link.source = m.source;
      const Member* a = comm.member(f.from);
      const Member* b = comm.member(f.to);
      if (a && b)
        link.same_host =
            job.processes[a->process].host_index == job.processes[b->process].host_index;
    }
  }
  for (auto& [key, entry] : links) {
    entry.second.channels = std::popcount(entry.first);
    comm.links.push_back(std::move(entry.second));
  }
}

std::string_view datatype_name(int type) {
  // ncclDataType_t, nccl.h; 10 and 11 from 2.24
  static constexpr std::string_view kNames[] = {"int8",  "uint8",  "int32",   "uint32",
                                                "int64", "uint64", "fp16",    "fp32",
                                                "fp64",  "bf16",   "fp8e4m3", "fp8e5m2"};
  return type >= 0 && type < 12 ? kNames[type] : "?";
}

void count_collectives(Communicator& comm) {
  for (const Member& m : comm.ranks) {
    if (m.facts->last_calls.empty()) continue;
    const CallFacts& last = m.facts->last_calls.back();
    comm.collectives.push_back(
        {m.rank, m.facts->calls,
         fmt::format("{} count {} {}", last.name, last.count, datatype_name(last.datatype))});
  }
}

}  // namespace

void draw_communicator(const Job& job, Communicator& comm) {
  draw_rings(comm);
  draw_trees(comm);
  draw_links(job, comm);
  count_collectives(comm);
}

}  // namespace rankdx
