#include "job/fold.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <tuple>

#include "events/nccl.h"
#include "job/notables.h"
#include "job/process_fold.h"
#include "scan/scanner.h"

namespace rankdx {
namespace {

constexpr size_t kMaxProcesses = 1 << 17;
constexpr size_t kUnrecognisedSamples = 8;

/// Lines of the engine that carry a version.
const LiteralSet& engine_marks() {
  static const LiteralSet marks({"LLM engine (v", "API server version "});
  return marks;
}

std::string version_after(std::string_view body, std::string_view mark) {
  const size_t at = body.find(mark);
  if (at == std::string_view::npos) return {};
  std::string_view rest = body.substr(at + mark.size());
  const size_t end = rest.find_first_not_of("0123456789.abcdefghijklmnopqrstuvwxyz+");
  return std::string(rest.substr(0, std::min<size_t>(end, 40)));
}

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 29);
}

/// Cheap: length, head and tail of a line. It only has to tell two logs of the same name apart.
uint64_t hash_line(uint64_t hash, std::string_view line) {
  uint64_t head = 0, tail = 0;
  const size_t n = std::min<size_t>(8, line.size());
  std::copy_n(line.data(), n, reinterpret_cast<char*>(&head));
  std::copy_n(line.data() + line.size() - n, n, reinterpret_cast<char*>(&tail));
  return mix(mix(mix(hash, line.size()), head), tail);
}

}  // namespace

struct SourceFold::Impl : MessageSink {
  using Key = std::tuple<std::string, std::string, int, std::string>;  // origin, host, pid, actor

  SourceFacts facts;
  const LiteralSet& gate;
  Scanner scanner;
  std::deque<ProcessFold> processes;
  std::map<Key, int> by_key;
  std::vector<int> writers;              // by Envelope::writer: index of the process
  NotableStore notables;
  std::vector<uint64_t> unrecognised_seen;
  std::vector<uint32_t> marks;
  uint64_t line_number = 0;
  uint64_t hash = 0;

  Impl(std::string name, const LiteralSet& literals) : gate(literals) { facts.name = std::move(name); }

  int find_process(const Envelope& m) {
    Key key(m.origin, m.host, m.level == Level::None || m.pid < 0 ? m.actor_pid : m.pid, m.actor);
    auto found = by_key.find(key);
    if (found != by_key.end()) return found->second;
    if (processes.size() >= kMaxProcesses) {
      ++facts.processes_dropped;
      return -1;
    }
    const int index = static_cast<int>(processes.size());
    ProcessFacts& p = processes.emplace_back().facts;
    std::tie(p.origin, p.host, p.pid, p.actor) = key;
    p.first_line = line_number;
    by_key.emplace(std::move(key), index);
    return index;
  }

  int process_of(const Envelope& m) {
    if (m.writer == kNoWriter) return find_process(m);
    if (m.writer >= writers.size()) writers.resize(m.writer + 1, -1);
    int& process = writers[m.writer];
    if (process < 0) process = find_process(m);
    return process;
  }

  void on_message(const Envelope& m, std::string_view line) override {
    const int process = process_of(m);
    if (process < 0) return;
    ProcessFold& fold = processes[process];
    ProcessFacts& p = fold.facts;
    ++p.lines;
    p.last_line = line_number;
    if (m.repeated > 1) ++facts.repeated_messages;
    if (m.label_rank >= 0) p.label_rank = m.label_rank;
    if (m.time_us != kNoTime) {
      p.first_us = p.first_us == kNoTime ? m.time_us : std::min(p.first_us, m.time_us);
      p.last_us = std::max(p.last_us, m.time_us);
    }
    if (m.level == Level::None) {
      on_text(m, line, process);
    } else {
      on_nccl(m, line, process);
    }
  }

  void on_text(const Envelope& m, std::string_view line, int process) {
    marks.clear();
    engine_marks().find(m.body, marks);
    if (!marks.empty() && facts.vllm_version.empty()) {
      facts.vllm_version = version_after(m.body, marks.front() == 0 ? "LLM engine (v" : "API server version ");
    }
    if (gate.any(m.body)) note(m, line, process);
  }

  void on_nccl(const Envelope& m, std::string_view line, int process) {
    ProcessFold& fold = processes[process];
    ProcessFacts& p = fold.facts;
    ++p.nccl_lines;
    const Event event = parse_nccl(m);
    const LinePlace at{line_number, line, m.time_us, m.tid};
    // A glued or cut line may have lost digits: its words are kept, its numbers are not believed.
    if (!m.damaged || event.kind == EventKind::Warn) fold.add(event, at);
    p.last_nccl.line = line_number;
    p.last_nccl.text.assign(line.substr(0, kMaxKeptText));
    p.last_cut = event.kind == EventKind::Unknown || (event.kind == EventKind::Other && event.truncated);
    if (m.level == Level::Warn) ++p.warns;
    if (event.kind == EventKind::Unknown) unrecognised(m.body);
    if (m.level == Level::Warn || (!event.hot && gate.any(m.body))) note(m, line, process);
  }

  void note(const Envelope& m, std::string_view line, int process) {
    Notable n;
    n.line = line_number;
    n.count = m.repeated;
    n.process = process;
    n.tid = m.tid;
    n.level = m.level;
    n.time_us = m.time_us;
    n.label_rank = m.label_rank;
    n.cuda_dev = m.cuda_dev;
    n.comm_index = processes[process].current_comm(m.tid);
    if (n.comm_index >= 0) n.comm_rank = processes[process].facts.comms[n.comm_index].rank;
    n.file = m.file;
    n.text = line;
    n.body = m.body;
    notables.add(std::move(n));
  }

  void unrecognised(std::string_view body) {
    ++facts.unrecognised_nccl_lines;
    if (unrecognised_seen.size() >= kUnrecognisedSamples) return;
    const uint64_t h = template_hash(body, 0);
    if (std::find(unrecognised_seen.begin(), unrecognised_seen.end(), h) != unrecognised_seen.end()) return;
    unrecognised_seen.push_back(h);
    facts.unrecognised_samples.emplace_back(body.substr(0, 200));
  }

  /// Puts the processes in key order and gives the kept lines their new numbers.
  void order_processes() {
    std::vector<int> place(processes.size());
    facts.processes.reserve(processes.size());
    for (const auto& [key, index] : by_key) {
      place[index] = static_cast<int>(facts.processes.size());
      processes[index].finish();
      facts.processes.push_back(std::move(processes[index].facts));
    }
    for (Notable& n : facts.notables) n.process = place[n.process];
  }
};

SourceFold::SourceFold(std::string name, const LiteralSet& gate)
    : impl_(std::make_unique<Impl>(std::move(name), gate)) {}
SourceFold::~SourceFold() = default;

void SourceFold::line(std::string_view line) {
  ++impl_->line_number;
  impl_->hash = hash_line(impl_->hash, line);
  impl_->scanner.scan_line(line, *impl_);
}

SourceFacts SourceFold::finish(uint64_t bytes, uint64_t overlong, bool ends_mid_line, std::string problem) {
  SourceFacts& f = impl_->facts;
  const ScanCounts& counts = impl_->scanner.counts();
  f.bytes = bytes;
  f.lines = counts.lines;
  f.nccl_lines = counts.nccl_lines;
  f.damaged_lines = counts.damaged_lines;
  f.overlong_lines = overlong;
  f.ends_mid_line = ends_mid_line;
  f.problem = std::move(problem);
  f.fingerprint = mix(impl_->hash, bytes);
  f.notables = impl_->notables.take();
  f.notables_dropped = impl_->notables.dropped();
  impl_->order_processes();
  return std::move(f);
}

}  // namespace rankdx
