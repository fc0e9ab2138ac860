// Processes of this machine and their descendants, looked at once a second: for ranks that print
// nothing while they load. Reads /proc and NVML only.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "live/proc_text.h"
#include "live/watch_source.h"
#include "probe/live/live.h"
#include "probe/sockets.h"

namespace rankdx {

class ProcWatch final : public WatchSource {
 public:
  /// `api_port`: who listens there serves.
  explicit ProcWatch(std::vector<int> pids, uint16_t api_port = 8000, std::string root = "/");
  bool poll(LaunchTracker& tracker, double now_s) override;
  void finish(LaunchTracker&, double) override {}
  bool seen() const override { return !known_.empty(); }
  bool over() const override { return seen() && alive_ == 0; }
  std::vector<Error> losses() const override;

 private:
  struct Known {
    ProcessSample last;
    double last_s = 0;
    std::optional<ShardNumber> first_shard, shard;
    double first_shard_s = 0;
    std::optional<uint64_t> gpu_bytes;
  };
  std::vector<int> family() const;
  void look(int pid, double now_s, LaunchTracker& tracker);
  BarState shards_of(Known& known, int pid, double now_s, bool& moved) const;
  std::map<int, uint64_t> gpu_memory(double now_s);
  bool serves(int pid) const;

  HostView host_;
  std::vector<int> pids_;
  uint16_t api_port_;
  std::map<int, Known> known_;
  std::map<int, uint64_t> gpu_;
  std::vector<Listener> listeners_;
  double next_s_ = 0, next_gpu_s_ = 0;
  int source_ = -1;
  size_t alive_ = 0;
};

}  // namespace rankdx
