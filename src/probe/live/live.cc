#include "probe/live/live.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "probe/checklist.h"
#include "probe/sockets.h"

namespace rankdx {
namespace {

constexpr double kLoadingBytesPerS = 4 << 20;  ///< less is noise of a running engine
constexpr double kBusyCores = 0.05;

/// "212 (VLLM::Worker) S 1 ...": the name may hold blanks and parentheses, so fields count from the
/// last ')'.
void read_stat(const HostView& host, const std::string& dir, ProcessSample& out) {
  const std::string text = host.read(dir + "/stat", 4096).value_or("");
  const size_t close = text.rfind(')');
  if (close == std::string::npos) return;
  const auto cells = split(trim(std::string_view(text).substr(close + 1)), ' ');
  if (cells.size() < 18 || cells[0].empty()) return;
  out.state = cells[0][0];
  // Fields 14 and 15 of proc(5): user and system time in clock ticks; 20: threads.
  const auto ticks =
      parse_int<uint64_t>(cells[11]).value_or(0) + parse_int<uint64_t>(cells[12]).value_or(0);
  out.cpu_s = static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  out.threads = parse_int<int>(cells[17]).value_or(0);
}

/// The number behind "key:" in "key:  123 kB" lines.
std::optional<uint64_t> field(const HostView& host, const std::string& path, std::string_view key) {
  const auto text = host.read(path, 65536);
  if (!text) return std::nullopt;
  for (const std::string_view line : split(*text, '\n')) {
    if (!line.starts_with(key)) continue;
    std::string_view rest;
    return parse_int<uint64_t>(take_until(trim(line.substr(key.size())), ' ', rest));
  }
  return std::nullopt;
}

}  // namespace

ProcessSample sample_process(const HostView& host, HostProcess process) {
  ProcessSample out;
  const std::string dir = "/proc/" + std::to_string(process.pid);
  out.process = std::move(process);
  read_stat(host, dir, out);
  out.wait_channel = host.line(dir + "/wchan").value_or("");
  if (out.wait_channel == "0") out.wait_channel.clear();
  out.read_bytes = field(host, dir + "/io", "rchar:");
  out.mapped_file_bytes = field(host, dir + "/status", "RssFile:");
  if (out.mapped_file_bytes) *out.mapped_file_bytes *= 1024;
  return out;
}

namespace {

double growth(const std::optional<uint64_t>& before, const std::optional<uint64_t>& after) {
  if (!before || !after || *after <= *before) return 0;
  return static_cast<double>(*after - *before);
}

const ProcessSample* find(const LiveSample& sample, int pid) {
  const auto it = std::find_if(sample.processes.begin(), sample.processes.end(),
                               [&](const ProcessSample& p) { return p.process.pid == pid; });
  return it == sample.processes.end() ? nullptr : &*it;
}

}  // namespace

ProcessChange change_of(const ProcessSample& a, const ProcessSample* b, double seconds) {
  ProcessChange c;
  c.process = a.process;
  if (b == nullptr || b->state == 'Z') {
    c.state = LiveState::Gone;
    c.why = b == nullptr ? "ended between the looks" : "is a zombie: it ended and nobody asked how";
    return c;
  }
  c.cpu_cores = std::max(0.0, b->cpu_s - a.cpu_s) / seconds;
  c.read_bytes_per_s = std::max(growth(a.read_bytes, b->read_bytes),
                                growth(a.mapped_file_bytes, b->mapped_file_bytes)) /
                       seconds;
  const std::string in = b->wait_channel.empty() ? "" : " in " + b->wait_channel;
  if (b->state == 'T' || b->state == 't') {
    c.state = LiveState::Stuck;
    c.why = "is stopped (SIGSTOP or a debugger)";
  } else if (a.state == 'D' && b->state == 'D' && c.cpu_cores < kBusyCores &&
             c.read_bytes_per_s < kLoadingBytesPerS) {
    c.state = LiveState::Stuck;
    c.why = "waits for a device or file system" + in;
  } else if (c.read_bytes_per_s >= kLoadingBytesPerS) {
    c.state = LiveState::Loading;
    c.why = "reads files";
  } else if (c.cpu_cores >= kBusyCores) {
    c.state = LiveState::Busy;
    c.why = fmt::format("computes on {:.1f} cores", c.cpu_cores);
  } else {
    c.state = LiveState::Waiting;
    c.why = "sleeps" + in;
  }
  return c;
}

namespace {

double gpu_growth(const LiveSample& before, const LiveSample& after, double seconds) {
  double total = 0;
  for (size_t i = 0; i < before.nvml.gpus.size() && i < after.nvml.gpus.size(); ++i) {
    total += growth(before.nvml.gpus[i].used_bytes, after.nvml.gpus[i].used_bytes);
  }
  return total / seconds;
}

size_t count(const LiveVerdict& v, LiveState state) {
  return static_cast<size_t>(std::count_if(v.processes.begin(), v.processes.end(),
                                           [&](const auto& p) { return p.state == state; }));
}

/// The launch as a whole. A rank that spins in a collective and one that computes look alike from
/// here: never "hung" without RAS or logs.
LiveState overall(const LiveVerdict& v, const std::optional<bool>& serving) {
  if (v.processes.empty()) return LiveState::Unknown;
  if (count(v, LiveState::Gone) > 0) return LiveState::Gone;
  if (count(v, LiveState::Stuck) > 0) return LiveState::Stuck;
  if (serving == true) return LiveState::Serving;
  if (count(v, LiveState::Loading) > 0 || v.gpu_memory_growth_per_s > kLoadingBytesPerS) {
    return LiveState::Loading;
  }
  return count(v, LiveState::Busy) > 0 ? LiveState::Busy : LiveState::Waiting;
}

void report_processes(const LiveVerdict& v, Checklist& out) {
  for (const ProcessChange& p : v.processes) {
    const std::string id = fmt::format("process-{}", p.process.pid);
    const std::string value =
        fmt::format("{}: {}, {:.1f} cores, {}/s read", p.process.name, p.why, p.cpu_cores,
                    bytes_text(static_cast<uint64_t>(p.read_bytes_per_s)));
    const std::string source = fmt::format("/proc/{}/stat, io, status, wchan", p.process.pid);
    if (p.state != LiveState::Gone && p.state != LiveState::Stuck) {
      out.ok(id, value, source);
      continue;
    }
    const bool gone = p.state == LiveState::Gone;
    out.failed(id, value, source,
               {gone ? "rank-process-died" : "process-stuck",
                Layer::Engine,
                fmt::format("{} (pid {}) {}", p.process.name, p.process.pid, p.why),
                gone ? "The others wait for it in their next collective."
                     : "It makes no progress, and the others wait for it in their next collective.",
                {{"any",
                  gone ? "Look at the end of its log, its exit code and the kernel log"
                       : "Look at the mount or device it waits for; continue a stopped process",
                  gone ? "dmesg -T | tail" : fmt::format("cat /proc/{}/stack", p.process.pid)}},
                {},
                gone ? Confidence::Certain : Confidence::Likely});
  }
}

}  // namespace

std::string_view to_string(LiveState state) {
  constexpr std::array<std::string_view, 7> kWords = {
      "serving", "loading", "busy", "waiting", "stuck", "process gone", "unknown"};
  return kWords[static_cast<size_t>(state)];
}

LiveSample sample_launch(const HostView& host, uint16_t api_port, double time_s) {
  LiveSample sample;
  sample.time_s = time_s;
  for (HostProcess& p : serving_processes(host)) {
    sample.processes.push_back(sample_process(host, std::move(p)));
  }
  if (const auto sockets = tcp_sockets(host)) {
    sample.serving = std::any_of(sockets->begin(), sockets->end(), [&](const TcpSocket& s) {
      return s.listening && s.port == api_port;
    });
  }
  if (host.is_this_machine()) sample.nvml = read_nvml();
  return sample;
}

LiveVerdict judge_launch(const LiveSample& before, const LiveSample& after, uint64_t weight_bytes) {
  LiveVerdict v;
  const double seconds = std::max(after.time_s - before.time_s, 1e-3);
  double rate = 0;
  uint64_t done = 0;
  for (const ProcessSample& p : before.processes) {
    const ProcessSample* later = find(after, p.process.pid);
    v.processes.push_back(change_of(p, later, seconds));
    rate += v.processes.back().read_bytes_per_s;
    if (later == nullptr) continue;
    done += std::max(later->read_bytes.value_or(0), later->mapped_file_bytes.value_or(0));
  }
  v.gpu_memory_growth_per_s = gpu_growth(before, after, seconds);
  v.state = overall(v, after.serving);
  if (v.state == LiveState::Loading && rate > 0 && weight_bytes > done) {
    v.remaining_s = static_cast<double>(weight_bytes - done) / rate;
  }
  Checklist list;
  report_processes(v, list);
  const std::string source = "/proc, NVML";
  if (v.processes.empty()) {
    list.unknown("launch", "no vLLM process is visible here", source);
  } else {
    std::string value(to_string(v.state));
    if (v.state == LiveState::Loading) {
      value += fmt::format(", {}/s", bytes_text(static_cast<uint64_t>(rate)));
      if (v.remaining_s) value += fmt::format(", about {:.0f} s left", *v.remaining_s);
    }
    list.ok("launch", value, source);
  }
  v.report = list.take(fmt::format("the launch on this host ({})", to_string(v.state)));
  return v;
}

}  // namespace rankdx
