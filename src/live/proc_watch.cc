#include "live/proc_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rankdx {
namespace {

constexpr double kLook_s = 1, kLookAtGpu_s = 5;
constexpr double kReadsBytesPerS = 1 << 20;
constexpr uint64_t kGrownGpu = 16 << 20;
constexpr size_t kMostMaps = 4 << 20, kMostProcesses = 4'096;

}  // namespace

ProcWatch::ProcWatch(std::vector<int> pids, uint16_t api_port, std::string root)
    : host_(std::move(root)), pids_(std::move(pids)), api_port_(api_port) {}

/// The processes that were named, and all below them.
std::vector<int> ProcWatch::family() const {
  std::multimap<int, int> children;
  std::set<int> alive;
  for (int pid : process_ids(host_)) {
    const auto text = host_.read(fmt::format("/proc/{}/stat", pid), 4096);
    const auto stat = text ? parse_stat(*text) : std::nullopt;
    if (!stat || stat->state == 'Z') continue;
    alive.insert(pid);
    children.emplace(stat->parent, pid);
  }
  std::set<int> members;
  std::vector<int> todo;
  for (int pid : pids_) todo.push_back(pid);
  // A worker whose parent has died stays in the family.
  for (const auto& [pid, known] : known_) todo.push_back(pid);
  while (!todo.empty() && members.size() < kMostProcesses) {
    const int pid = todo.back();
    todo.pop_back();
    if (!alive.contains(pid) || !members.insert(pid).second) continue;
    const auto [first, last] = children.equal_range(pid);
    for (auto it = first; it != last; ++it) todo.push_back(it->second);
  }
  return {members.begin(), members.end()};
}

std::map<int, uint64_t> ProcWatch::gpu_memory(double now_s) {
  if (now_s < next_gpu_s_ || !host_.is_this_machine() || !host_.exists("/proc/driver/nvidia"))
    return gpu_;
  next_gpu_s_ = now_s + kLookAtGpu_s;
  std::map<int, uint64_t> out;
  const NvmlSnapshot snapshot = read_nvml("libnvidia-ml.so.1", std::chrono::seconds(2));
  for (const NvmlGpu& gpu : snapshot.gpus) {
    for (const GpuProcess& p : gpu.processes)
      out[static_cast<int>(p.pid)] += p.used_bytes.value_or(0);
  }
  return out;
}

BarState ProcWatch::shards_of(Known& known, int pid, double now_s, bool& moved) const {
  const auto maps = host_.read(fmt::format("/proc/{}/maps", pid), kMostMaps);
  const auto shard = maps ? shard_of_maps(*maps) : std::nullopt;
  if (!shard) return {};
  if (!known.first_shard || known.first_shard->total != shard->total) {
    known.first_shard = shard;
    known.first_shard_s = now_s;
  }
  moved = moved || known.shard != shard;
  known.shard = shard;
  BarState bar;
  bar.done = shard->number - 1;  // the one that is open is not done
  bar.total = shard->total;
  if (const int passed = shard->number - known.first_shard->number; passed > 0) {
    bar.item_s = (now_s - known.first_shard_s) / passed;
    bar.left_s = bar.item_s * (bar.total - bar.done);
  }
  return bar;
}

bool ProcWatch::serves(int pid) const {
  return std::any_of(listeners_.begin(), listeners_.end(),
                     [&](const Listener& l) { return l.pid == pid; });
}

void ProcWatch::look(int pid, double now_s, LaunchTracker& tracker) {
  const auto [it, is_new] = known_.try_emplace(pid);
  Known& known = it->second;
  ProcessSample sample = sample_process(host_, read_process(host_, pid));
  const ProcessChange change =
      change_of(is_new ? sample : known.last, &sample, std::max(now_s - known.last_s, 1e-3));
  ProcessSight sight;
  sight.pid = pid;
  sight.name = sample.process.name;
  sight.activity = is_new ? "" : std::string(to_string(change.state));
  sight.cpu_cores = change.cpu_cores;
  sight.bytes_per_s = change.read_bytes_per_s;
  sight.bytes_read = sample.read_bytes.value_or(0);
  sight.moved = change.read_bytes_per_s >= kReadsBytesPerS;
  sight.shards = shards_of(known, pid, now_s, sight.moved);
  if (const auto gpu = gpu_.find(pid); gpu != gpu_.end()) {
    sight.gpu_bytes = gpu->second;
    sight.moved = sight.moved || gpu->second > known.gpu_bytes.value_or(0) + kGrownGpu;
    known.gpu_bytes = gpu->second;
  }
  sight.serving = serves(pid);
  known.last = std::move(sample);
  known.last_s = now_s;
  tracker.observe(source_, sight, now_s);
}

bool ProcWatch::poll(LaunchTracker& tracker, double now_s) {
  if (now_s < next_s_) return false;
  next_s_ = now_s + kLook_s;
  if (source_ < 0) source_ = tracker.add_source("this machine", "this machine");
  gpu_ = gpu_memory(now_s);
  listeners_.clear();
  if (const auto sockets = tcp_sockets(host_)) listeners_ = listeners(host_, *sockets, {api_port_});
  const std::vector<int> members = family();
  alive_ = members.size();
  for (int pid : members) look(pid, now_s, tracker);
  for (const auto& [pid, known] : known_) {
    if (std::binary_search(members.begin(), members.end(), pid)) continue;
    ProcessSight gone;
    gone.pid = pid;
    gone.activity = "gone";
    tracker.observe(source_, gone, now_s);
  }
  return false;
}

std::vector<Error> ProcWatch::losses() const {
  std::vector<Error> out;
  for (int pid : pids_) {
    if (!known_.contains(pid))
      out.push_back({ErrorCode::Unreadable, "there is no such process", fmt::format("pid {}", pid),
                     "pids are those of this machine and PID namespace"});
  }
  return out;
}

}  // namespace rankdx
