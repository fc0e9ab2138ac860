#include "live/live_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "base/text.h"
#include "cluster/ras_client.h"
#include "job/read.h"
#include "live/file_follower.h"
#include "probe/model_path.h"
#include "probe/sockets.h"

namespace rankdx {
namespace {

constexpr uint16_t kRasPort = 28028;

double clock_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Bytes of the weight files, what a host reads in all.
uint64_t weight_bytes(const HostView& host, const std::string& directory) {
  uint64_t total = 0;
  const auto names = directory.empty() ? Result<std::vector<std::string>>() : host.list(directory);
  for (const std::string& name : names.value_or(std::vector<std::string>{})) {
    if (!name.ends_with(".safetensors")) continue;
    total += host.file_bytes(directory + "/" + name).value_or(0);
  }
  return total;
}

std::string model_of(const LiveLook& look, const LiveSample& sample) {
  if (!look.model.empty()) return look.model;
  for (const ProcessSample& p : sample.processes) {
    std::string model = model_of_command(split_words(p.process.command));
    if (!model.empty()) return model;
  }
  return "";
}

/// NCCL_RAS_ADDR of a process ("localhost:28029"), else the usual port.
RasAddress own_ras(const HostView& host, const LiveSample& sample) {
  for (const ProcessSample& p : sample.processes) {
    const auto variables = process_environment(host, p.process.pid);
    if (!variables) continue;
    const auto found = variables->find("NCCL_RAS_ADDR");
    if (found == variables->end()) continue;
    if (auto address = parse_ras_address(found->second)) return *address;
  }
  return {};
}

bool listens(const HostView& host, uint16_t port) {
  const auto sockets = tcp_sockets(host);
  return sockets && std::any_of(sockets->begin(), sockets->end(),
                                [&](const TcpSocket& s) { return s.listening && s.port == port; });
}

Result<std::vector<RasAddress>> ras_addresses(const HostView& host, const LiveLook& look,
                                              const LiveSample& sample, std::string& why_none) {
  std::vector<RasAddress> out;
  for (const std::string& text : look.ras) out.push_back(RANKDX_TRY(parse_ras_address(text)));
  if (!out.empty()) return out;
  if (!look.ask_ras) {
    why_none = "not asked (--no-ras)";
    return out;
  }
  const RasAddress own = own_ras(host, sample);
  if (listens(host, static_cast<uint16_t>(own.port)))
    out.push_back(own);
  else
    why_none = fmt::format(
        "nobody listens on port {} here: NCCL before 2.24, no communicator yet, NCCL_RAS_ENABLE=0, "
        "or another network namespace",
        own.port);
  return out;
}

/// Where the logs stand: phases and silence, and what diagnose says of them.
class LogsSeen {
 public:
  explicit LogsSeen(std::vector<std::string> paths)
      : paths_(std::move(paths)), follower_(paths_), start_s_(clock_s()) {}

  void read() {
    if (paths_.empty()) return;
    while (follower_.poll(on_line_)) continue;
  }

  void finish(RuleMatcher& rules, LiveEvidence& seen) {
    if (paths_.empty()) {
      seen.no_logs = "no log file was named (--logs), and the processes write to none";
      return;
    }
    read();
    follower_.flush(on_line_);
    seen.log_files = follower_.open_files();
    if (seen.log_files == 0) {
      seen.no_logs = follower_.losses().empty() ? "no file there"
                                                : to_string(follower_.losses().begin()->second);
      return;
    }
    const LaunchState& state = tracker_.state();
    seen.motion = judge_motion(state, clock_s() - start_s_);
    for (const ProcessState& p : state.processes) {
      const bool behind = seen.bar.total == 0 || p.progress.done < seen.bar.done;
      if (p.phase == Phase::Load && p.progress.total > 0 && behind) seen.bar = p.progress;
    }
    const ReadResult read = read_facts(paths_, rules.gate(), {});
    if (!read.facts.sources.empty())
      seen.diagnosis = diagnose(read.facts, assemble(read.facts), rules);
  }

 private:
  std::vector<std::string> paths_;
  FileFollower follower_;
  LaunchTracker tracker_;
  std::map<std::string, int> source_of_;
  double start_s_;
  FileFollower::OnLine on_line_ = [this](const std::string& path, std::string_view line,
                                         double age_s) {
    auto it = source_of_.find(path);
    if (it == source_of_.end()) it = source_of_.emplace(path, tracker_.add_source(path)).first;
    tracker_.feed(it->second, line, clock_s() - start_s_ - age_s);
  };
};

}  // namespace

std::vector<std::string> log_files_of(const HostView& host,
                                      const std::vector<HostProcess>& processes) {
  std::set<std::string> out;
  for (const HostProcess& p : processes) {
    for (const int fd : {1, 2}) {
      const auto target = host.link(fmt::format("/proc/{}/fd/{}", p.pid, fd));
      // "pipe:[1]", "/dev/null" and deleted files are no logs.
      if (!target || !target->starts_with('/') || target->starts_with("/dev/")) continue;
      if (host.file_bytes(*target)) out.insert(*target);
    }
  }
  return {out.begin(), out.end()};
}

Result<LiveEvidence> look_at_launch(const HostView& host, const LiveLook& look,
                                    RuleMatcher& rules) {
  LiveEvidence seen;
  const double start_s = clock_s();
  const LiveSample before = sample_launch(host, look.api_port, start_s);
  std::vector<HostProcess> processes;
  for (const ProcessSample& p : before.processes) processes.push_back(p.process);
  LogsSeen logs(look.logs.empty() ? log_files_of(host, processes) : look.logs);
  logs.read();
  const auto addresses = RANKDX_TRY(ras_addresses(host, look, before, seen.no_ras));
  if (!addresses.empty()) seen.ras = judge_ras(ask_ras(addresses, {}));
  const double left_s = look.seconds - (clock_s() - start_s);
  const bool anything = !before.processes.empty() || !look.logs.empty();
  if (anything && left_s > 0) std::this_thread::sleep_for(std::chrono::duration<double>(left_s));
  const LiveSample after = sample_launch(host, look.api_port, clock_s());
  seen.host = judge_launch(before, after, weight_bytes(host, model_of(look, before)));
  seen.api_listens = after.serving == true && !after.processes.empty();
  logs.finish(rules, seen);
  return seen;
}

}  // namespace rankdx
