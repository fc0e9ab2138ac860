#include "live/launch_tracker.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "events/nccl.h"
#include "redact/redactor.h"

namespace rankdx {
namespace {

constexpr size_t kMostProcesses = 16'384, kMostMeetings = 4'096, kMostEvidence = 300;
constexpr int kMostRanks = 65'536;

/// The number behind a key: "world_size=8 rank=3", "rank " in "rank 3 in world size 8"; -1 without
/// one.
int number_behind(std::string_view text, std::string_view key) {
  const size_t at = text.find(key);
  if (at == std::string_view::npos) return -1;
  const std::string_view rest = text.substr(at + key.size());
  const size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
  return parse_int<int>(rest.substr(0, end)).value_or(-1);
}

/// A rank that the name of a process gives: "Worker_TP3" alone, because with other parts it is not
/// the global rank.
int rank_of_name(std::string_view actor) {
  constexpr std::string_view kHead = "Worker_TP";
  if (!actor.starts_with(kHead)) return -1;
  return parse_int<int>(actor.substr(kHead.size())).value_or(-1);
}

struct RankWord {
  int rank = -1, world = 0;
  std::string method;
};

/// What vLLM itself says of a rank.
RankWord rank_in(std::string_view body) {
  RankWord word;
  if (const size_t at = body.find("distributed_init_method="); at != std::string_view::npos) {
    word.rank = number_behind(body, " rank=");
    word.world = std::max(0, number_behind(body, "world_size="));
    const std::string_view rest = body.substr(at + 24);
    word.method = std::string(rest.substr(0, std::min<size_t>(rest.find(' '), 120)));
  } else if (body.find("is assigned as DP rank") != std::string_view::npos) {
    word.rank = number_behind(body, "rank ");
    word.world = std::max(0, number_behind(body, "in world size "));
  }
  if (word.rank < 0 || word.rank >= kMostRanks || word.world > kMostRanks ||
      word.rank >= word.world)
    return {};
  return word;
}

std::optional<Phase> phase_of_event(EventKind kind) {
  switch (kind) {
    case EventKind::Banner:
    case EventKind::BootstrapUsing:
    case EventKind::NetUsing:
    case EventKind::InitStart:
    case EventKind::BootstrapSplit:
      return Phase::NcclInit;
    case EventKind::Via:
    case EventKind::Connected:
    case EventKind::Trees:
    case EventKind::InitComplete:
      return Phase::Connect;
    default:
      return std::nullopt;
  }
}

}  // namespace

struct LaunchTracker::Impl final : MessageSink {
  struct Source {
    std::string label;
    Scanner scanner;
    bool has_actors = false;
  };

  LaunchState state;
  std::vector<Source> sources;
  int current = 0;
  double now = 0;

  ProcessState* find(const std::string& source, auto&& wanted) {
    for (ProcessState& p : state.processes) {
      if (p.source == source && wanted(p)) return &p;
    }
    return nullptr;
  }

  bool ranked(const std::string& source, int rank) {
    return find(source, [&](const ProcessState& p) { return p.rank == rank; }) != nullptr;
  }

  ProcessState* create(std::string source) {
    if (state.processes.size() >= kMostProcesses) return nullptr;
    ProcessState p;
    p.source = std::move(source);
    p.since_s = p.last_line_s = now;
    return &state.processes.emplace_back(std::move(p));
  }

  /// The process that a message is of.
  ProcessState* process_of(const Envelope& e, const std::string& source, int rank) {
    Source& from = sources[static_cast<size_t>(current)];
    if (!e.actor.empty()) from.has_actors = true;
    const int pid = e.actor_pid >= 0 ? e.actor_pid : e.pid;
    ProcessState* p = nullptr;
    if (pid >= 0) {
      p = find(source, [&](const ProcessState& q) { return q.pid == pid; });
      // A log without prefixes, and the first NCCL line of it: one process wrote both.
      if (p == nullptr && !from.has_actors) {
        p = find(source, [&](const ProcessState& q) { return q.pid < 0; });
        if (p != nullptr && p->rank >= 0 && rank >= 0 && p->rank != rank) p = nullptr;
      }
    } else if (rank >= 0) {
      p = find(source, [&](const ProcessState& q) { return q.rank == rank; });
    } else {
      p = find(source, [&](const ProcessState& q) {
        return q.name.empty() && (q.pid < 0 || !from.has_actors);
      });
    }
    if (p == nullptr) p = create(source);
    if (p == nullptr) return nullptr;
    if (pid >= 0) p->pid = pid;
    if (!e.actor.empty()) p->name = std::string(e.actor.substr(0, 60));
    if (!e.host.empty()) p->host = std::string(e.host.substr(0, 120));
    return p;
  }

  /// Two rows turned out to be one process: the same rank, one of them without a pid, or with the
  /// same pid elsewhere.
  ProcessState* learn_rank(ProcessState* p, int rank, int world) {
    if (rank < 0 || rank >= kMostRanks || world > kMostRanks) return p;
    if (p->rank >= 0 && world <= p->world) return p;
    p->rank = rank;
    p->world = world;
    state.world = std::max(state.world, world);
    const size_t at = static_cast<size_t>(p - state.processes.data());
    for (size_t i = 0; i < state.processes.size(); ++i) {
      ProcessState& q = state.processes[i];
      const bool same = q.rank == rank && (q.source == p->source ? q.pid < 0 || p->pid < 0
                                                                 : q.pid == p->pid && q.pid >= 0);
      if (i == at || !same) continue;
      ProcessState merged = q.phase > p->phase ? q : *p;
      merged.name = p->name.empty() ? q.name : p->name;
      merged.host = p->host.empty() ? q.host : p->host;
      merged.pid = std::max(p->pid, q.pid);
      merged.world = world;
      merged.failed = p->failed || q.failed;
      merged.evidence = p->evidence.empty() ? q.evidence : p->evidence;
      // The first of the two stays, so the order on the screen does.
      const size_t keep = std::min(i, at);
      state.processes[keep] = std::move(merged);
      state.processes.erase(state.processes.begin() + static_cast<ptrdiff_t>(std::max(i, at)));
      return &state.processes[keep];
    }
    return p;
  }

  Meeting* meeting(const std::string& key, int size) {
    auto it = state.meetings.find(key);
    if (it == state.meetings.end()) {
      if (state.meetings.size() >= kMostMeetings) return nullptr;
      it = state.meetings.emplace(key, Meeting{key, size, {}, {}, now}).first;
    }
    return &it->second;
  }

  void enter(ProcessState& p, Phase phase) {
    if (phase <= p.phase) return;
    p.phase = phase;
    p.since_s = now;
    p.progress = {};
  }

  void restart(const std::string& source) {
    ++state.restarts;
    std::erase_if(state.processes, [&](const ProcessState& p) { return p.source == source; });
    std::erase_if(state.meetings, [](const auto& m) {
      return m.second.completed.size() < static_cast<size_t>(m.second.size);
    });
  }

  bool has_advanced(const std::string& source) {
    return find(source, [](const ProcessState& p) {
             return p.failed || p.phase >= Phase::NcclInit;
           }) != nullptr;
  }

  void on_nccl(const Envelope& e, const std::string& source) {
    const Event event = parse_nccl(e);
    ProcessState* p = process_of(e, source, -1);
    if (p == nullptr) return;
    const bool member = event.kind == EventKind::InitStart || event.kind == EventKind::InitComplete;
    if (member && event.nranks > 0 && event.nranks <= kMostRanks && event.rank >= 0 &&
        event.rank < event.nranks) {
      p = learn_rank(p, event.rank, event.nranks);
      Meeting* m = event.has_comm_id
                       ? meeting(fmt::format("NCCL commId {:#x}", event.comm_id), event.nranks)
                       : nullptr;
      if (m != nullptr) {
        m->arrived.insert(event.rank);
        if (event.kind == EventKind::InitComplete) m->completed.insert(event.rank);
      }
    }
    if (const auto phase = phase_of_event(event.kind)) enter(*p, *phase);
    // A connection that is tried again and again is no progress.
    if (event.kind != EventKind::ConnectRetry) p->last_line_s = std::max(p->last_line_s, now);
  }

  void on_text(const Envelope& e, const std::string& source, std::string_view line) {
    RankWord word = rank_in(e.body);
    int rank = word.rank;
    if (rank < 0) rank = e.label_rank >= 0 ? e.label_rank : rank_of_name(e.actor);
    if (rank < 0 && e.actor == "VllmWorker")
      rank = number_behind(line.substr(0, 120), "VllmWorker rank=");
    const auto mark = phase_of(e.body);
    // A terminal's carriage return takes the prefix of a bar away; in all versions the global rank
    // 0 prints it.
    if (rank < 0 && e.actor_pid < 0 && mark && mark->phase == Phase::Load && bar_of_line(e.body) &&
        ranked(source, 0))
      rank = 0;
    if (mark && mark->kind == MarkKind::Banner && has_advanced(source)) restart(source);
    ProcessState* p = process_of(e, source, rank);
    if (p == nullptr) return;
    p = learn_rank(p, rank, word.world);
    if (!word.method.empty()) {
      if (Meeting* m = meeting(word.method, word.world)) m->arrived.insert(word.rank);
    }
    if (mark && mark->kind == MarkKind::Wait) return;
    if (mark && mark->kind == MarkKind::Fail && !p->failed) {
      p->failed = true;
      // Before the cut, which could make a secret too short to be known as one.
      p->evidence = Redactor(Hide::SecretsOnly).redact(e.body).substr(0, kMostEvidence);
    }
    if (mark && mark->kind == MarkKind::Enter) enter(*p, mark->phase);
    if (p->phase == Phase::Load || p->phase == Phase::Graphs) {
      if (const auto bar = bar_of_line(e.body); bar && mark && mark->phase == p->phase)
        p->progress = *bar;
    }
    p->last_line_s = std::max(p->last_line_s, now);
  }

  void on_message(const Envelope& e, std::string_view line) override {
    std::string source = sources[static_cast<size_t>(current)].label;
    if (!e.origin.empty()) source += " " + std::string(e.origin.substr(0, 120));
    if (e.level == Level::None) return on_text(e, source, line);
    on_nccl(e, source);
  }
};

LaunchTracker::LaunchTracker() : impl_(std::make_unique<Impl>()) {}
LaunchTracker::~LaunchTracker() = default;

int LaunchTracker::add_source(std::string label) {
  impl_->sources.push_back({std::move(label), Scanner(), false});
  return static_cast<int>(impl_->sources.size()) - 1;
}

void LaunchTracker::feed(int source, std::string_view line, double when_s) {
  if (source < 0 || static_cast<size_t>(source) >= impl_->sources.size()) return;
  impl_->current = source;
  impl_->now = when_s;
  ++impl_->state.lines;
  impl_->sources[static_cast<size_t>(source)].scanner.scan_line(line, *impl_);
}

const LaunchState& LaunchTracker::state() const { return impl_->state; }

}  // namespace rankdx
