// The picture of a job: what all sources say together. Read-only result of assemble(Facts).
// Ranks in links, rings and trees are the communicator's own; hosts are named as NCCL printed them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "job/facts.h"

namespace rankdx {

/// One process of the job: what one or more sources know of it.
struct Process {
  std::string host, origin, actor;
  int pid = -1;
  int host_index = -1;  ///< into Job::hosts, -1 for a process without NCCL lines
  int world_rank = -1;  ///< rank in the largest communicator, or the launcher's label; -1 unknown
  std::string source;   ///< name of the source that says most
  std::vector<const ProcessFacts*> facts;   ///< one per source; owned by the Facts
  std::vector<const SourceFacts*> sources;  ///< parallel to facts
};

struct Member {
  int rank = -1;
  int process = -1;  ///< into Job::processes
  const CommFacts* facts = nullptr;
  const SourceFacts* source = nullptr;
  Stage stage = Stage::Seen;
};

struct Link {
  int from = -1, to = -1;
  std::string transport;
  std::optional<bool> same_host;
  int channels = 0;
  const LinkFacts* facts = nullptr;
  const SourceFacts* source = nullptr;
};

struct TreePicture {
  int channel = -1;
  std::vector<std::pair<int, int>> edges;
};  ///< (parent, child)

struct CollectiveCount {
  int rank = -1;
  uint64_t count = 0;
  std::string last;
};

struct Communicator {
  std::string id;  ///< "0x3c29b1244fa04682", or "parent/split 1/color 0", or "guess-1" before 2.16
  std::optional<std::string> parent;  ///< id of the parent
  int nranks = -1;
  std::optional<int> nnodes;  ///< as NCCL counted them
  int channels = 0;
  std::vector<Member> ranks;       ///< sorted by rank; two members of one rank mean a duplicate
  std::vector<int> missing_ranks;  ///< never seen in any source
  std::vector<std::vector<int>> rings;  ///< one per channel; only complete ones
  std::vector<TreePicture> trees;
  std::vector<Link> links;  ///< sorted by (from, to, transport)
  std::vector<CollectiveCount> collectives;
  const Member* member(int rank) const;
};

struct Host {
  std::string name;
  std::vector<std::string> interfaces;  ///< "eth0:10.244.1.15"
  std::string network;                  ///< "Socket", "IB", ...; "" unknown
  int processes = 0;
};

struct EnvSeen {
  std::string name, value;
  std::vector<std::string> hosts;
  std::vector<int> processes;
  KeptLine at;
  std::string source;
};
struct VersionSeen {
  std::string version;
  std::vector<std::string> hosts;
  std::vector<int> processes;
};

struct InputTotals {
  uint64_t sources = 0, bytes = 0, lines = 0, nccl_lines = 0, unrecognised_nccl_lines = 0,
           damaged_lines = 0;
  /// What the limits of Facts left out: communicators closed long ago, lines for the rules,
  /// messages of processes beyond the limit, and lines that were cut because they were too long.
  uint64_t communicators_dropped = 0, notables_dropped = 0, processes_dropped = 0,
           overlong_lines = 0;
};

struct Job {
  std::vector<Process> processes;
  std::vector<Host> hosts;
  std::vector<Communicator> communicators;  ///< largest first, then in order of appearance
  std::vector<VersionSeen> nccl_versions;
  std::string vllm_version;
  std::vector<EnvSeen> environment;  ///< sorted by name, value
  InputTotals input;
};

/// Ties processes and communicators over all sources by the keys of each NCCL version. `facts` must
/// outlive the Job.
Job assemble(const Facts& facts);

}  // namespace rankdx
