#include "job/fold.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>

#include "events/last_words.h"
#include "events/nccl.h"
#include "events/python.h"
#include "job/digest.h"
#include "job/notables.h"
#include "job/phase_fold.h"
#include "job/process_fold.h"
#include "job/python_fold.h"
#include "job/tail.h"
#include "job/template_hash.h"
#include "job/text_marks.h"
#include "scan/scanner.h"
#include "scan/source_memory.h"

namespace rankdx {
namespace {

constexpr size_t kMaxProcesses = 1 << 15;
constexpr size_t kUnrecognisedSamples = 8;

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

}  // namespace

struct SourceFold::Impl : MessageSink {
  using Key = std::tuple<std::string, std::string, int, std::string>;  // origin, host, pid, actor

  SourceFacts facts;
  const LiteralSet& gate;
  Scanner scanner;
  CommBudget comm_budget;
  std::deque<ProcessFold> processes;
  std::map<Key, int> by_key;
  std::vector<int> writers;  // by Envelope::writer: index of the process
  NotableStore notables;
  std::vector<uint64_t> unrecognised_seen;
  PythonFold python;
  Tail tail;
  std::vector<int> process_of_speaker;  // of the digest at hand
  uint64_t line_number = 0;
  uint64_t plain_lines = 0, plain_nccl_lines = 0, plain_damaged_lines = 0;  // not seen by `scanner`
  LineHash hash;

  Impl(std::string name, const LiteralSet& literals) : gate(literals) {
    facts.name = std::move(name);
  }

  int find_process(const Envelope& m) {
    Key key(m.origin, m.host, m.level == Level::None || m.pid < 0 ? m.actor_pid : m.pid, m.actor);
    auto found = by_key.find(key);
    if (found != by_key.end()) return found->second;
    if (processes.size() >= kMaxProcesses) return -1;
    const int index = static_cast<int>(processes.size());
    ProcessFacts& p = processes.emplace_back(comm_budget).facts;
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
    if (process < 0) {
      ++facts.processes_dropped;
      return;
    }
    ProcessFold& fold = processes[process];
    ProcessFacts& p = fold.facts;
    ++p.lines;
    p.last_line = line_number;
    if (m.repeated > 1) ++facts.repeated_messages;
    if (m.label_rank >= 0) {
      p.label_rank = m.label_rank;
      fold.label_line = line_number;
    }
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
    const TextMarks found = text_marks(m.body);
    if (found.engine && facts.vllm_version.empty()) take_engine_version(m.body);
    if (found.phase) take_phase(m, line, process);
    if (found.python) take_python(m, line, process);
    if (gate.any(m.body)) note(m, line, process);
  }

  void take_engine_version(std::string_view body) {
    for (std::string_view mark : {"LLM engine (v", "API server version "}) {
      facts.vllm_version = version_after(body, mark);
      if (!facts.vllm_version.empty()) return;
    }
  }

  void take_phase(const Envelope& m, std::string_view line, int process) {
    fold_phase(m.body, {line_number, line, m.time_us, m.tid}, processes[process].facts.phase);
  }

  void take_python(const Envelope& m, std::string_view line, int process) {
    python.add(m.body, {process, m.label_rank, line_number, m.time_us, line});
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
    p.last_cut =
        event.kind == EventKind::Unknown || (event.kind == EventKind::Other && event.truncated);
    if (m.level == Level::Warn) ++p.warns;
    if (event.kind == EventKind::Unknown) unrecognised(m.body);
    if (m.level == Level::Warn || (!event.hot && gate.any(m.body))) note(m, line, process);
  }

  void note(const Envelope& m, std::string_view line, int process) {
    const uint64_t key =
        NotableStore::key(template_hash(m.body.substr(0, kMaxKeptText)), process, m.level);
    if (!notables.counts(key, process, m.body, line_number, m.repeated))
      keep_notable(key, m, line, process);
  }

  void keep_notable(uint64_t key, const Envelope& m, std::string_view line, int process) {
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
    const int comm = n.comm_index;
    if (comm >= 0) n.comm_rank = processes[process].facts.comms[comm].rank;
    n.file = m.file;
    notables.add(key, std::move(n), line, m.body);
    if (comm >= 0) processes[process].hold_comm(comm);
  }

  void unrecognised(std::string_view body) {
    ++facts.unrecognised_nccl_lines;
    sample_unrecognised(body);
  }

  void sample_unrecognised(std::string_view body) {
    if (unrecognised_seen.size() >= kUnrecognisedSamples) return;
    const uint64_t h = template_hash(body);
    if (std::find(unrecognised_seen.begin(), unrecognised_seen.end(), h) != unrecognised_seen.end())
      return;
    unrecognised_seen.push_back(h);
    facts.unrecognised_samples.emplace_back(body.substr(0, 200));
  }

  bool knows_speakers(const BlockDigest& digest);
  void add_lines(std::string_view block);
  void add_line(std::string_view line) {
    ++line_number;
    scanner.scan_line(line, *this);
  }
  int process_of(const BlockDigest::Speaker& speaker, BlockDigest& digest);
  void add_message(const BlockDigest::Message& m, int process);
  void add_sums(const BlockDigest::Speaker& speaker, int process, uint64_t lines_before);
  void add_calls(const BlockDigest& digest, const BlockDigest::CallGroup& group, int process,
                 uint64_t lines_before);
  void add_digest(BlockDigest& digest);
  void note_last_words();

  /// Puts the processes in key order and gives the kept lines their new numbers.
  void order_processes() {
    std::vector<int> place(processes.size());
    std::vector<std::vector<int>> new_comm(processes.size());
    facts.processes.reserve(processes.size());
    for (const auto& [key, index] : by_key) {
      place[index] = static_cast<int>(facts.processes.size());
      new_comm[index] = processes[index].finish();
      facts.processes.push_back(std::move(processes[index].facts));
    }
    for (PythonErrorFacts& e : facts.python_errors) e.process = place[e.process];
    for (Notable& n : facts.notables) {
      if (n.comm_index >= 0) n.comm_index = new_comm[n.process][n.comm_index];
      n.process = place[n.process];
    }
  }
};

/// May the digest be believed? It read each head as if its host were known.
bool SourceFold::Impl::knows_speakers(const BlockDigest& digest) {
  std::vector<std::string_view> hosts;
  for (const BlockDigest::Speaker& speaker : digest.speakers) {
    if (speaker.head && digest.process_of_head[speaker.head->index] == BlockDigest::kNotYet)
      hosts.push_back(speaker.said->host);
  }
  return can_learn(scanner.memory().hosts, hosts,
                   digest.unsure.empty() ? Hangs::No : Hangs::OnHosts);
}

void SourceFold::Impl::add_lines(std::string_view block) {
  while (!block.empty()) {
    const size_t end = block.find('\n');
    add_line(block.substr(0, end));
    block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
  }
}

int SourceFold::Impl::process_of(const BlockDigest::Speaker& speaker, BlockDigest& digest) {
  if (speaker.head == nullptr) return find_process(*speaker.said);
  int& process = digest.process_of_head[speaker.head->index];
  if (process != BlockDigest::kNotYet) return process;
  Envelope e = *speaker.said;
  e.level = Level::Info;
  SourceMemory& memory = scanner.memory();
  e.writer = memory.writers.number(e);
  memory.hosts.learn(e.host);
  return process = process_of(e);
}

void SourceFold::Impl::add_message(const BlockDigest::Message& m, int process) {
  auto does = [&](BlockDigest::Does what) { return (m.does & static_cast<uint8_t>(what)) != 0; };
  if (does(BlockDigest::Does::Engine) && facts.vllm_version.empty()) take_engine_version(m.body);
  if (does(BlockDigest::Does::Event)) {
    processes[process].add(*m.event, {line_number, m.line, m.time_us, m.said->tid});
  }
  if (does(BlockDigest::Does::Unrecognised)) sample_unrecognised(m.body);
  const uint64_t key = NotableStore::key(m.template_hash, process, m.level);
  const bool noted = does(BlockDigest::Does::Note) &&
                     !notables.counts(key, process, m.body, line_number, m.repeated);
  const bool has_phase = does(BlockDigest::Does::Phase);
  const bool has_python = does(BlockDigest::Does::Python);
  if (!noted && !has_phase && !has_python) return;
  Envelope e = *m.said;
  e.level = m.level;
  e.time_us = m.time_us;
  e.repeated = m.repeated;
  e.body = m.body;
  if (has_phase) take_phase(e, m.line, process);
  if (has_python) take_python(e, m.line, process);
  if (noted) keep_notable(key, e, m.line, process);
}

void SourceFold::Impl::add_sums(const BlockDigest::Speaker& s, int process, uint64_t lines_before) {
  if (process < 0) {
    facts.processes_dropped += s.lines;
    return;
  }
  ProcessFold& fold = processes[process];
  ProcessFacts& p = fold.facts;
  p.lines += s.lines;
  p.nccl_lines += s.nccl_lines;
  p.warns += s.warns;
  p.debug_bulk_lines += s.bulk;
  p.backtraces += s.backtraces;
  facts.repeated_messages += s.repeated;
  facts.unrecognised_nccl_lines += s.unrecognised;
  p.last_line = std::max(p.last_line, lines_before + s.last_line);
  if (s.label_line && lines_before + s.label_line > fold.label_line) {
    fold.label_line = lines_before + s.label_line;
    p.label_rank = s.label_rank;
  }
  if (s.first_us != kNoTime) {
    p.first_us = p.first_us == kNoTime ? s.first_us : std::min(p.first_us, s.first_us);
    p.last_us = std::max(p.last_us, s.last_us);
  }
  if (s.last_nccl_line && lines_before + s.last_nccl_line > p.last_nccl.line) {
    p.last_nccl.line = lines_before + s.last_nccl_line;
    p.last_nccl.text.assign(s.last_nccl.substr(0, kMaxKeptText));
    p.last_cut = s.last_cut;
  }
}

void SourceFold::Impl::add_calls(const BlockDigest& digest, const BlockDigest::CallGroup& group,
                                 int process, uint64_t lines_before) {
  if (process < 0) return;
  ProcessFold& fold = processes[process];
  CommFacts* comm = fold.count_calls(group.comm, group.count);
  if (!comm) return;
  uint64_t number = comm->calls - group.count;
  for (uint32_t left = group.count, i = group.first; left > 0; --left, ++number) {
    const BlockDigest::Call& call = digest.calls[i];
    i = call.next;
    if (!ProcessFold::keeps_call(*comm, number)) continue;
    fold.keep_call(*comm, number,
                   {call.op_count, call.count, lines_before + call.line, call.datatype, call.op,
                    call.root, fold.number_of_name(digest.call_names[call.name])});
  }
}

void SourceFold::Impl::add_digest(BlockDigest& digest) {
  const uint64_t before = line_number;
  std::vector<int>& process = process_of_speaker;
  process.assign(digest.speakers.size(), -1);
  for (const BlockDigest::Record& record : digest.records) {
    line_number = before + record.line;
    switch (record.step) {
      case BlockDigest::Step::Speaker:
        process[record.speaker] = process_of(digest.speakers[record.speaker], digest);
        break;
      case BlockDigest::Step::Message:
        if (process[record.speaker] >= 0)
          add_message(digest.messages[record.index], process[record.speaker]);
        break;
      case BlockDigest::Step::Calls:
        add_calls(digest, digest.call_groups[record.index], process[record.speaker], before);
        break;
      case BlockDigest::Step::Line:
        scanner.scan_line(digest.unsure[record.index], *this);
        break;
    }
  }
  for (size_t i = 0; i < digest.speakers.size(); ++i)
    add_sums(digest.speakers[i], process[i], before);
  plain_lines += digest.lines - digest.unsure.size();
  plain_nccl_lines += digest.nccl_lines;
  plain_damaged_lines += digest.damaged_lines;
  line_number = before + digest.lines;
}

/// The words of a program's end are short and common: they count only where a source ends. So does
/// a part of a traceback.
void SourceFold::Impl::note_last_words() {
  struct Listener : MessageSink {
    Impl& fold;
    explicit Listener(Impl& f) : fold(f) {}
    void on_message(const Envelope& m, std::string_view line) override {
      if (m.level != Level::None || fold.gate.any(m.body)) return;
      if (!death_of(m.body) && !is_inside_traceback(python_line(m.body).part)) return;
      const int process = fold.process_of(m);
      if (process >= 0) fold.note(m, line, process);
    }
  } listener(*this);
  const uint64_t end = line_number;
  line_number = end - tail.lines().size();
  for (const std::string& line : tail.lines()) {
    ++line_number;
    scanner.scan_line(line, listener);
  }
}

SourceFold::SourceFold(std::string name, const LiteralSet& gate)
    : impl_(std::make_unique<Impl>(std::move(name), gate)) {}
SourceFold::~SourceFold() = default;

void SourceFold::line(std::string_view line) {
  impl_->hash.add(line);
  impl_->tail.add(line);
  impl_->add_line(line);
}

void SourceFold::add(BlockDigest& digest) {
  impl_->hash.append(digest.hash);
  impl_->tail.add_block(digest.block);
  if (impl_->knows_speakers(digest)) {
    impl_->add_digest(digest);
  } else {
    impl_->add_lines(digest.block);
  }
}

SourceFacts SourceFold::finish(uint64_t bytes, uint64_t overlong, bool ends_mid_line,
                               std::string problem) {
  SourceFacts& f = impl_->facts;
  const ScanCounts& counts = impl_->scanner.counts();
  f.bytes = bytes;
  f.lines = impl_->plain_lines + counts.lines;
  f.nccl_lines = impl_->plain_nccl_lines + counts.nccl_lines;
  f.damaged_lines = impl_->plain_damaged_lines + counts.damaged_lines;
  f.overlong_lines = overlong;
  f.ends_mid_line = ends_mid_line;
  f.problem = std::move(problem);
  f.fingerprint = mix(impl_->hash.value(), bytes);
  impl_->note_last_words();
  f.notables = impl_->notables.take();
  f.python_errors = impl_->python.take();
  f.notables_dropped = impl_->notables.dropped();
  impl_->order_processes();
  return std::move(f);
}

}  // namespace rankdx
