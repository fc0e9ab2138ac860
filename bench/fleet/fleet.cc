#include "fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace rankdx::fleet {
namespace {

constexpr double kLate_s = 60, kSlow_s = 45;

struct FaultName {
  std::string_view name;
  FaultKind kind;
  bool is_of_rank;
};

/// Sorted by name.
constexpr std::array<FaultName, 11> kFaults = {{
    {"dead-rank", FaultKind::DeadRank, true},
    {"env-differs", FaultKind::EnvDiffers, false},
    {"late-node", FaultKind::LateNode, false},
    {"loopback", FaultKind::Loopback, false},
    {"missing-node", FaultKind::MissingNode, false},
    {"missing-rank", FaultKind::MissingRank, true},
    {"p2p-disabled", FaultKind::P2pDisabled, false},
    {"shm-too-small", FaultKind::ShmTooSmall, false},
    {"slow-node", FaultKind::SlowNode, false},
    {"version-differs", FaultKind::VersionDiffers, false},
    {"wrong-interface", FaultKind::WrongInterface, false},
}};
static_assert(std::is_sorted(kFaults.begin(), kFaults.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

enum Salt : uint64_t { kComm = 1, kPort, kBoot, kWait, kTopo, kStart };

double part(const Plan& plan, Salt salt, int rank) {
  return static_cast<double>(noise(plan.seed, salt, static_cast<uint64_t>(rank)) % 1000) / 1000;
}

/// Of which nodes is the bootstrap address wrong?
bool is_unreachable(const Plan& plan, int node) {
  return plan.has(FaultKind::WrongInterface, node) || plan.has(FaultKind::Loopback, node);
}

std::string routed_address(int node) {
  return fmt::format("10.{}.{}.{}", 16 + node / 62500, node / 250 % 250, node % 250 + 2);
}

/// The port that one side listens at: any of the ephemeral ones.
uint64_t port_of(const Plan& plan, int rank) {
  return 32768 + noise(plan.seed, kPort, static_cast<uint64_t>(rank)) % 28000;
}

std::string listening_at(const Plan& plan, int rank) {
  return fmt::format("{}<{}>", place_of(plan, rank).address, port_of(plan, rank));
}

/// Where the ring enters a node.
int entry_gpu(const Plan& plan, int channel, int node) {
  return plan.is_ib ? channel % plan.ranks_on(node) : 0;
}

/// Parent and children in the binary tree that NCCL lays over nodes (graph/trees.cc): the lowest
/// set bit of a number says at which height it stands.
struct NodeTree {
  int up = -1, down0 = -1, down1 = -1;
};
NodeTree node_tree(int nodes, int node) {
  int bit = 1;
  while (bit < nodes && !(bit & node)) bit <<= 1;
  const int half = bit >> 1;
  if (node == 0) return {-1, -1, nodes > 1 ? half : -1};
  NodeTree t;
  t.up = (node ^ bit) | (bit << 1);
  if (t.up >= nodes) t.up = node ^ bit;
  if (half == 0) return t;
  t.down0 = node - half;
  for (int step = half; step > 0 && t.down1 < 0; step >>= 1) {
    if (node + step < nodes) t.down1 = node + step;
  }
  return t;
}

}  // namespace

uint64_t noise(uint64_t seed, uint64_t what, uint64_t which) {
  uint64_t x =
      seed * 0x9e3779b97f4a7c15ULL + what * 0xbf58476d1ce4e5b9ULL + which * 0x94d049bb133111ebULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

Result<Fault> parse_fault(const std::string& text, int ranks, int gpus_per_node) {
  const std::string name = text.substr(0, text.find(':'));
  const auto found = std::find_if(kFaults.begin(), kFaults.end(),
                                  [&](const FaultName& f) { return f.name == name; });
  if (found == kFaults.end()) {
    return fail(ErrorCode::Usage, "there is no fault \"" + name + "\"", "",
                "one of " + fault_names());
  }
  const int most = found->is_of_rank ? ranks : (ranks + gpus_per_node - 1) / gpus_per_node;
  int at = most / 2;
  if (name.size() < text.size()) {
    const char* const begin = text.data() + name.size() + 1;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(begin, end, at);
    if (read.ec != std::errc() || read.ptr != end || at < 0 || at >= most) {
      return fail(ErrorCode::Usage,
                  fmt::format("\"{}\": the number must be 0 to {}", text, most - 1));
    }
  }
  return Fault{found->kind, at};
}

std::string fault_names() {
  std::string text;
  for (const FaultName& f : kFaults) text += (text.empty() ? "" : ", ") + std::string(f.name);
  return text;
}

int Plan::ranks_on(int node) const { return std::min(gpus_per_node, ranks - node * gpus_per_node); }

bool Plan::has(FaultKind kind) const {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& f) { return f.kind == kind; });
}

bool Plan::has(FaultKind kind, int at) const {
  return std::any_of(faults.begin(), faults.end(),
                     [&](const Fault& f) { return f.kind == kind && f.at == at; });
}

Place place_of(const Plan& plan, int rank) {
  Place p;
  p.rank = rank;
  p.node = plan.node_of(rank);
  p.dev = rank % plan.gpus_per_node;
  p.pid = 2100 + p.node % 7 + p.dev * 3;
  p.host = fmt::format("{}{:05}", plan.host_prefix, p.node);
  p.interface = "eth0";
  p.address = routed_address(p.node);
  if (plan.has(FaultKind::WrongInterface, p.node))
    p.interface = "docker0", p.address = "172.17.0.1";
  if (plan.has(FaultKind::Loopback, p.node)) p.interface = "lo", p.address = "127.0.0.1";
  static constexpr std::string_view kBusIds[] = {"1b000", "43000", "52000", "61000",
                                                 "9d000", "c3000", "d1000", "df000"};
  p.bus_id = kBusIds[p.dev % 8];
  if (p.dev >= 8) p.bus_id = fmt::format("{:x}{}", p.dev / 8, p.bus_id);
  p.comm = 0x7f0000000010 | (noise(plan.seed, kComm, static_cast<uint64_t>(rank)) & 0xfffffff000);
  return p;
}

bool starts(const Plan& plan, int rank) {
  return !plan.has(FaultKind::MissingRank, rank) &&
         !plan.has(FaultKind::MissingNode, plan.node_of(rank));
}

int next_in_ring(const Plan& plan, int channel, int rank) {
  const int node = plan.node_of(rank), n = plan.ranks_on(node),
            dev = rank - node * plan.gpus_per_node;
  const int next = (dev + n - 1) % n;
  if (next != entry_gpu(plan, channel, node)) return node * plan.gpus_per_node + next;
  const int other = (node + 1) % plan.nodes();
  return other * plan.gpus_per_node + entry_gpu(plan, channel, other);
}

int prev_in_ring(const Plan& plan, int channel, int rank) {
  const int node = plan.node_of(rank), n = plan.ranks_on(node),
            dev = rank - node * plan.gpus_per_node;
  if (dev != entry_gpu(plan, channel, node)) return node * plan.gpus_per_node + (dev + 1) % n;
  const int other = (node + plan.nodes() - 1) % plan.nodes();
  const int last = (entry_gpu(plan, channel, other) + 1) % plan.ranks_on(other);
  return other * plan.gpus_per_node + last;
}

TreePlace tree_place(const Plan& plan, int channel, int rank) {
  const int node = plan.node_of(rank), nodes = plan.nodes(), dev = rank - node * plan.gpus_per_node;
  TreePlace t;
  if (dev + 1 < plan.ranks_on(node)) t.down[0] = rank + 1;
  if (dev > 0) {
    t.up = rank - 1;
    return t;
  }
  // The odd channels use the mirrored tree.
  const bool mirrored = channel % 2 == 1;
  auto seen = [&](int n) {
    return n < 0 ? -1 : (mirrored ? nodes - 1 - n : n) * plan.gpus_per_node;
  };
  const NodeTree over = node_tree(nodes, mirrored ? nodes - 1 - node : node);
  t.up = seen(over.up);
  int place = 1;
  for (int down : {over.down0, over.down1}) {
    if (down >= 0) t.down[place++] = seen(down);
  }
  return t;
}

Fate fate_of(const Plan& plan, int rank) {
  const int node = plan.node_of(rank);
  Fate fate;
  if (!starts(plan, rank)) return fate;
  fate.last_phase = "end";
  const bool bad_root = is_unreachable(plan, 0);
  const auto bad = std::find_if(plan.faults.begin(), plan.faults.end(), [](const Fault& f) {
    return f.kind == FaultKind::WrongInterface || f.kind == FaultKind::Loopback;
  });
  if (plan.has(FaultKind::MissingRank) || plan.has(FaultKind::MissingNode) ||
      plan.has(FaultKind::VersionDiffers) || bad != plan.faults.end()) {
    fate.last_phase = "start";  // nobody passes the bootstrap
    fate.is_refused = bad_root && node != 0;
    if (bad != plan.faults.end() && !bad_root) fate.is_root_refused = rank == 0;
    if (fate.is_refused) fate.peer = listening_at(plan, 0);
    if (fate.is_root_refused) fate.peer = listening_at(plan, bad->at * plan.gpus_per_node);
    return fate;
  }
  if (plan.has(FaultKind::ShmTooSmall)) {
    fate.last_phase = "graph";
    fate.has_no_shm = plan.has(FaultKind::ShmTooSmall, node);
  } else if (plan.has(FaultKind::DeadRank)) {
    fate.last_phase = plan.has(FaultKind::DeadRank, rank) ? "topo" : "graph";
    for (const Fault& f : plan.faults) {
      if (f.kind != FaultKind::DeadRank || f.at == rank) continue;
      if (plan.node_of(f.at) == node) fate.lost_local = f.at % plan.gpus_per_node;
      fate.is_refused =
          fate.is_refused || (next_in_ring(plan, 0, rank) == f.at && fate.lost_local < 0);
      if (fate.is_refused) fate.peer = listening_at(plan, f.at);
    }
  } else if (plan.has(FaultKind::EnvDiffers)) {
    fate.last_phase = "connect";  // the first collective never ends
  }
  return fate;
}

Timings timings_of(const Plan& plan, int rank) {
  const int node = plan.node_of(rank);
  Timings t{};
  const bool any_late = plan.has(FaultKind::LateNode), any_slow = plan.has(FaultKind::SlowNode);
  const bool is_late = plan.has(FaultKind::LateNode, node),
             is_slow = plan.has(FaultKind::SlowNode, node);
  t.kernels = 0.2 + 0.1 * part(plan, kStart, rank);
  t.bootstrap = 2 + 3 * part(plan, kBoot, rank) + (any_late && !is_late ? kLate_s : 0);
  t.topo = 1 + 0.5 * part(plan, kTopo, rank) + (is_slow ? kSlow_s : 0);
  t.allgathers = 1.5 + 0.5 * part(plan, kWait, rank) + (any_slow && !is_slow ? kSlow_s : 0);
  t.total = t.kernels + t.bootstrap + t.topo + t.allgathers + 0.08;
  return t;
}

int64_t start_delay_us(const Plan& plan, int rank) {
  const double late = plan.has(FaultKind::LateNode, plan.node_of(rank)) ? kLate_s : 0;
  return static_cast<int64_t>((late + 3 * (1 - part(plan, kBoot, rank))) * 1e6);
}

}  // namespace rankdx::fleet
