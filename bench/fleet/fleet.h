// A synthetic job: who runs where, in which rings, and what is wrong with it. All of it follows
// from the plan and its seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace rankdx::fleet {

enum class FaultKind : uint8_t {
  DeadRank,     ///< stops after the graph search; its ring neighbours are refused
  EnvDiffers,   ///< NCCL_ALGO on one node only
  LateNode,     ///< its ranks start late, all others wait for them
  Loopback,     ///< one node offers lo
  MissingNode,  ///< none of its ranks starts
  MissingRank,
  P2pDisabled,     ///< NCCL_P2P_DISABLE=1 on one node
  ShmTooSmall,     ///< /dev/shm of one node is full
  SlowNode,        ///< its ranks need long for their own work
  VersionDiffers,  ///< one node runs another NCCL
  WrongInterface,  ///< one node offers docker0
};

struct Fault {
  FaultKind kind;
  int at = 0;  ///< rank or node
};
/// "slow-node:17"; without a number the middle rank or node.
Result<Fault> parse_fault(const std::string& text, int ranks, int gpus_per_node);
/// All names of faults, for --help.
std::string fault_names();

struct Plan {
  int ranks = 16, gpus_per_node = 8, channels = 2;
  bool is_ib = false, has_timestamps = false;
  uint64_t calls = 0;  ///< collective calls of each rank
  uint64_t seed = 1;
  std::string host_prefix = "gpu-";
  std::vector<Fault> faults;
  int nodes() const { return (ranks + gpus_per_node - 1) / gpus_per_node; }
  int node_of(int rank) const { return rank / gpus_per_node; }
  int ranks_on(int node) const;
  /// Is there such a fault, here (node or rank, as the kind says) or anywhere?
  bool has(FaultKind kind) const;
  bool has(FaultKind kind, int at) const;
};

/// What one rank is and has.
struct Place {
  int rank = 0, node = 0, dev = 0, pid = 0;
  std::string host, interface, address, bus_id;
  uint64_t comm = 0;
};
Place place_of(const Plan& plan, int rank);
bool starts(const Plan& plan, int rank);

/// Neighbours in the ring of a channel. A ring goes through the GPUs of one node downwards and on
/// to the next node; with InfiniBand each channel enters the nodes at another GPU.
int next_in_ring(const Plan& plan, int channel, int rank);
int prev_in_ring(const Plan& plan, int channel, int rank);

/// The tree of a channel: a chain inside the node, a binary tree over the nodes' first GPUs.
struct TreePlace {
  int up = -1, down[3] = {-1, -1, -1};
};
TreePlace tree_place(const Plan& plan, int channel, int rank);

/// Up to where the rank gets, as names of phases of the form; and what it says about its end.
struct Fate {
  std::string last_phase;        ///< included; "" none
  bool is_refused = false;       ///< tries to connect until it gives up
  bool is_root_refused = false;  ///< the same, in the thread of the bootstrap root
  bool has_no_shm = false;
  int lost_local = -1;  ///< local rank whose connection closed
  std::string peer;     ///< that refuses
};
Fate fate_of(const Plan& plan, int rank);

/// Seconds of a rank's start, as "Init timings" gives them.
struct Timings {
  double total, kernels, bootstrap, allgathers, topo;
};
Timings timings_of(const Plan& plan, int rank);
/// Microseconds after the job's start when the rank itself starts.
int64_t start_delay_us(const Plan& plan, int rank);

/// A number that looks random, the same for the same arguments.
uint64_t noise(uint64_t seed, uint64_t what, uint64_t which);

}  // namespace rankdx::fleet
