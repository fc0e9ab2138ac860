#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "job/assemble_parts.h"

namespace rankdx {
namespace {

/// One communicator of one process on its way into a group.
struct Seen {
  int process;
  const CommFacts* facts;
  const SourceFacts* source;
};

struct Groups {
  std::map<std::string, int> by_id;
  std::vector<Communicator> list;
  std::vector<std::vector<Seen>> members;

  int at(const std::string& id, std::optional<std::string> parent) {
    auto [place, fresh] = by_id.emplace(id, static_cast<int>(list.size()));
    if (fresh) {
      list.emplace_back();
      list.back().id = id;
      list.back().parent = std::move(parent);
      members.emplace_back();
    }
    return place->second;
  }
};

/// The key of a communicator over ranks, "" when its version prints none.
std::string key_of(const ProcessFacts& process, const CommFacts& comm, int depth,
                   std::string& parent) {
  if (comm.parent_index >= 0 && depth < 8) {
    std::string unused;
    parent = key_of(process, process.comms[comm.parent_index], depth + 1, unused);
  }
  // Up to 2.22 the commId of a child is made of its parent's and the color: two splits give one id
  // twice.
  if (comm.has_comm_id && comm.has_color)
    return fmt::format("{:#x}/split {}", comm.comm_id, comm.split_order + 1);
  if (comm.has_comm_id) return fmt::format("{:#x}", comm.comm_id);
  if (!comm.has_color || parent.empty()) return {};
  // 2.24.3 prints the number of the split; 2.23.4 does not, so the order in the process stands for
  // it.
  const int number = comm.split_count >= 0 ? comm.split_count : comm.split_order + 1;
  return fmt::format("{}/split {}/color {}", parent, number, comm.color);
}

/// "0x12/split 1" becomes "0x12" where no other split has this id.
void shorten_ids(std::vector<Communicator>& comms) {
  auto base = [](const std::string& id) {
    return id.starts_with("0x") ? id.substr(0, id.find("/split ")) : id;
  };
  std::map<std::string, int> uses;
  for (const Communicator& c : comms) ++uses[base(c.id)];
  for (Communicator& c : comms) {
    const size_t tail = c.id.find("/split ");
    const bool child_of_id =
        tail != std::string::npos && c.id.find('/', tail + 1) == std::string::npos;
    if (child_of_id && uses[base(c.id)] == 1) c.id = base(c.id);
  }
}

/// Up to 2.18 no line says how many nodes NCCL counted: the hosts of all ranks are what it counts.
void count_nodes(const Job& job, Communicator& comm) {
  if (comm.nnodes || comm.nranks <= 0 || static_cast<int>(comm.ranks.size()) != comm.nranks) return;
  std::set<int> hosts;
  for (const Member& m : comm.ranks) hosts.insert(job.processes[m.process].host_index);
  if (!hosts.count(-1)) comm.nnodes = static_cast<int>(hosts.size());
}

/// A communicator put together by likeness, with what its members hold.
struct Guess {
  int group;
  std::map<int, std::pair<int, uint64_t>> by_rank;  ///< process and pointer
  std::map<int, uint64_t> by_process;               ///< pointer

  bool fits(const Seen& s) const {
    const auto rank = by_rank.find(s.facts->rank);
    const auto process = by_process.find(s.process);
    return (rank == by_rank.end() || rank->second == std::make_pair(s.process, s.facts->comm)) &&
           (process == by_process.end() || process->second == s.facts->comm);
  }
};

/// Before 2.16.2 nothing names a communicator: same size, each rank once, in order of appearance.
void add_guess(Groups& groups, const Seen& seen, std::map<int, std::vector<Guess>>& guesses) {
  if (seen.facts->nranks <= 0 || seen.facts->rank < 0) return;
  auto& same_size = guesses[seen.facts->nranks];
  auto guess = std::find_if(same_size.begin(), same_size.end(),
                            [&](const Guess& g) { return g.fits(seen); });
  if (guess == same_size.end()) {
    const int group = groups.at(fmt::format("guess-{}", groups.list.size() + 1), std::nullopt);
    guess = same_size.insert(guess, Guess{group, {}, {}});
  }
  groups.members[guess->group].push_back(seen);
  guess->by_rank.emplace(seen.facts->rank, std::make_pair(seen.process, seen.facts->comm));
  guess->by_process.emplace(seen.process, seen.facts->comm);
}

/// Most ranks agree on the size; ties go to the greater one.
int majority_size(const std::vector<Seen>& members) {
  std::map<int, int> votes;
  for (const Seen& s : members) {
    if (s.facts->nranks > 0) ++votes[s.facts->nranks];
  }
  int best = -1, most = 0;
  for (const auto& [size, n] : votes) {
    if (n >= most) best = size, most = n;
  }
  return best;
}

void fill_group(Communicator& comm, const std::vector<Seen>& members) {
  comm.nranks = majority_size(members);
  std::map<std::pair<int, int>, size_t> place;  // (rank, process): index into ranks
  for (const Seen& s : members) {
    const auto [at, fresh] =
        place.emplace(std::make_pair(s.facts->rank, s.process), comm.ranks.size());
    Member* const known = fresh ? nullptr : &comm.ranks[at->second];
    if (!known) {
      const Stage stage = s.facts->failed ? Stage::Failed : s.facts->stage;
      comm.ranks.push_back({s.facts->rank, s.process, s.facts, s.source, stage});
    } else if (s.facts->stage > known->facts->stage) {
      known->facts = s.facts;
      known->source = s.source;
      known->stage = s.facts->failed ? Stage::Failed : s.facts->stage;
    }
    if (s.facts->n_nodes > 0 && !comm.nnodes) comm.nnodes = s.facts->n_nodes;
    comm.channels = std::max(comm.channels, s.facts->n_channels);
  }
  std::stable_sort(comm.ranks.begin(), comm.ranks.end(),
                   [](const Member& a, const Member& b) { return a.rank < b.rank; });
  std::set<int> present;
  for (const Member& m : comm.ranks) present.insert(m.rank);
  constexpr int kMaxListed = 1 << 20;
  for (int r = 0; r < std::min(comm.nranks, kMaxListed); ++r) {
    if (!present.count(r)) comm.missing_ranks.push_back(r);
  }
}

/// The rank in the largest communicator that a process is a member of.
void number_processes(Job& job) {
  std::vector<int> size(job.processes.size(), 0);
  for (const Communicator& comm : job.communicators) {
    for (const Member& m : comm.ranks) {
      if (comm.nranks <= size[m.process]) continue;
      size[m.process] = comm.nranks;
      job.processes[m.process].world_rank = m.rank;
    }
  }
}

}  // namespace

const Member* Communicator::member(int rank) const {
  auto place = std::lower_bound(ranks.begin(), ranks.end(), rank,
                                [](const Member& m, int r) { return m.rank < r; });
  return place != ranks.end() && place->rank == rank ? &*place : nullptr;
}

void tie_communicators(Job& job) {
  Groups groups;
  std::map<int, std::vector<Guess>> guesses;
  for (size_t p = 0; p < job.processes.size(); ++p) {
    const Process& process = job.processes[p];
    for (size_t s = 0; s < process.facts.size(); ++s) {
      for (const CommFacts& comm : process.facts[s]->comms) {
        if (comm.rank < 0) continue;
        const Seen seen{static_cast<int>(p), &comm, process.sources[s]};
        std::string parent;
        const std::string key = key_of(*process.facts[s], comm, 0, parent);
        if (key.empty()) {
          add_guess(groups, seen, guesses);
          continue;
        }
        const int group = groups.at(key, parent.empty() ? std::nullopt : std::optional(parent));
        groups.members[group].push_back(seen);
      }
    }
  }
  for (size_t i = 0; i < groups.list.size(); ++i) fill_group(groups.list[i], groups.members[i]);
  shorten_ids(groups.list);
  for (Communicator& comm : groups.list) count_nodes(job, comm);
  job.communicators = std::move(groups.list);
  std::stable_sort(
      job.communicators.begin(), job.communicators.end(),
      [](const Communicator& a, const Communicator& b) { return a.nranks > b.nranks; });
  number_processes(job);
}

}  // namespace rankdx
