#include "live/launch_tracker.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/text.h"
#include "events/nccl.h"
#include "redact/redactor.h"

namespace rankdx {
namespace {

constexpr size_t kMostProcesses = 16'384, kMostMeetings = 4'096, kMostEvidence = 300,
                 kMostName = 60, kMostHost = 120, kMostOrigin = 120, kMostRates = 8;
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
  /// Where a process id means one process: a log, or all logs of a machine.
  struct Scope {
    std::vector<size_t> rows;  ///< of state.processes
    bool has_actors = false;
  };
  struct Source {
    std::string label, place;
    Scanner scanner;
    std::string origin;      ///< of the line before; the next one mostly has the same
    std::string name;        ///< label and origin
    Scope* scope = nullptr;  ///< of label or place, and origin
    bool advanced = false;   ///< beyond the first words of a start
  };

  LaunchState state;
  std::vector<Source> sources;
  std::unordered_map<std::string, Scope> scopes;  ///< by place and origin; never erased
  std::vector<Scope*> scope_of;                   ///< of each row
  /// Where the row of a process went that two logs tell of.
  std::map<std::pair<Scope*, int>, Scope*> aliases;
  int current = 0;
  double now = 0;

  Source& source() { return sources[static_cast<size_t>(current)]; }

  void set_origin(std::string_view origin) {
    Source& s = source();
    if (s.scope != nullptr && s.origin == origin) return;
    s.origin = std::string(origin);
    const std::string end = origin.empty() ? "" : " " + s.origin;
    s.name = s.label + end;
    const std::string key = s.place.empty() ? s.label : s.place;
    // Origins that somebody makes up are one.
    s.scope = &scopes[scopes.size() < kMostProcesses ? key + end : key];
  }

  ProcessState* find(auto&& wanted) {
    for (size_t row : source().scope->rows) {
      if (wanted(state.processes[row])) return &state.processes[row];
    }
    return nullptr;
  }

  ProcessState* find_alias(int pid) {
    const auto it = aliases.find({source().scope, pid});
    if (it == aliases.end()) return nullptr;
    for (size_t row : it->second->rows) {
      if (state.processes[row].pid == pid) return &state.processes[row];
    }
    return nullptr;
  }

  bool ranked(int rank) {
    return find([&](const ProcessState& p) { return p.rank == rank; }) != nullptr;
  }

  ProcessState* create() {
    if (state.processes.size() >= kMostProcesses) return nullptr;
    ProcessState p;
    p.source = source().name;
    p.since_s = p.last_line_s = now;
    source().scope->rows.push_back(state.processes.size());
    scope_of.push_back(source().scope);
    return &state.processes.emplace_back(std::move(p));
  }

  void erase_rows(auto&& unwanted) {
    size_t kept = 0;
    for (auto& [name, scope] : scopes) scope.rows.clear();
    for (size_t row = 0; row < state.processes.size(); ++row) {
      if (unwanted(row)) continue;
      if (kept != row) state.processes[kept] = std::move(state.processes[row]);
      scope_of[kept] = scope_of[row];
      scope_of[kept]->rows.push_back(kept);
      ++kept;
    }
    state.processes.resize(kept);
    scope_of.resize(kept);
  }

  /// The process that a message is of.
  ProcessState* process_of(const Envelope& e, int rank) {
    Scope& scope = *source().scope;
    if (!e.actor.empty()) scope.has_actors = true;
    const int pid = e.actor_pid >= 0 ? e.actor_pid : e.pid;
    ProcessState* p = nullptr;
    if (pid >= 0) {
      p = find([&](const ProcessState& q) { return q.pid == pid; });
      if (p == nullptr && !aliases.empty()) p = find_alias(pid);
      // A log without prefixes, and the first NCCL line of it: one process wrote both.
      if (p == nullptr && !scope.has_actors) {
        p = find([&](const ProcessState& q) { return q.pid < 0; });
        if (p != nullptr && p->rank >= 0 && rank >= 0 && p->rank != rank) p = nullptr;
      }
    } else if (rank >= 0) {
      p = find([&](const ProcessState& q) { return q.rank == rank; });
    } else {
      p = find([&](const ProcessState& q) {
        return q.name.empty() && (q.pid < 0 || !scope.has_actors);
      });
    }
    if (p == nullptr) p = create();
    if (p == nullptr) return nullptr;
    if (pid >= 0) p->pid = pid;
    if (!e.actor.empty() && p->name != e.actor.substr(0, kMostName))
      p->name = std::string(e.actor.substr(0, kMostName));
    if (!e.host.empty() && p->host != e.host.substr(0, kMostHost))
      p->host = std::string(e.host.substr(0, kMostHost));
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
      const bool same =
          q.rank == rank &&
          (scope_of[i] == scope_of[at] ? q.pid < 0 || p->pid < 0 : q.pid == p->pid && q.pid >= 0);
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
      const size_t gone = std::max(i, at);
      state.processes[keep] = std::move(merged);
      aliases[{scope_of[gone], state.processes[keep].pid}] = scope_of[keep];
      erase_rows([&](size_t row) { return row == gone; });
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

  void restart() {
    Source& s = source();
    ++state.restarts;
    SourceState& known = state.sources[s.label];
    if (known.word.empty()) ++known.restarts;  // else the API server counts
    for (size_t row : s.scope->rows) {
      if (state.processes[row].failed) known.before = state.processes[row].evidence;
    }
    erase_rows([&](size_t row) { return scope_of[row] == s.scope; });
    std::erase_if(aliases,
                  [&](const auto& a) { return a.first.first == s.scope || a.second == s.scope; });
    s.scope->has_actors = false;
    s.advanced = false;
    std::erase_if(state.meetings, [](const auto& m) {
      return m.second.completed.size() < static_cast<size_t>(m.second.size);
    });
  }

  void on_nccl(const Envelope& e) {
    const Event event = parse_nccl(e);
    ProcessState* p = process_of(e, -1);
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
    if (const auto phase = phase_of_event(event.kind)) {
      enter(*p, *phase);
      source().advanced = true;
    }
    // A connection that is tried again and again is no progress.
    if (event.kind != EventKind::ConnectRetry) p->last_line_s = std::max(p->last_line_s, now);
  }

  void on_text(const Envelope& e, std::string_view line) {
    RankWord word = rank_in(e.body);
    int rank = word.rank;
    if (rank < 0) rank = e.label_rank >= 0 ? e.label_rank : rank_of_name(e.actor);
    if (rank < 0 && e.actor == "VllmWorker")
      rank = number_behind(line.substr(0, 120), "VllmWorker rank=");
    const auto mark = phase_of(e.body);
    // A terminal's carriage return takes the prefix of a bar away; in all versions the global rank
    // 0 prints it.
    if (rank < 0 && e.actor_pid < 0 && mark && mark->phase == Phase::Load && bar_of_line(e.body) &&
        ranked(0))
      rank = 0;
    if (mark && mark->kind == MarkKind::Banner && source().advanced) restart();
    ProcessState* p = process_of(e, rank);
    if (p == nullptr) return;
    p = learn_rank(p, rank, word.world);
    if (!word.method.empty()) {
      if (Meeting* m = meeting(word.method, word.world)) m->arrived.insert(word.rank);
    }
    if (mark && mark->kind == MarkKind::Wait) return;
    if (mark && (mark->kind == MarkKind::Fail || mark->phase >= Phase::NcclInit))
      source().advanced = true;
    if (mark && mark->kind == MarkKind::Fail && !p->failed) {
      p->failed = true;
      // Before the cut, which could make a secret too short to be known as one.
      p->evidence = Redactor(Hide::SecretsOnly).redact(e.body).substr(0, kMostEvidence);
    }
    if (mark && mark->kind == MarkKind::Enter) {
      state.engine = true;
      enter(*p, mark->phase);
    }
    if (p->phase == Phase::Load || p->phase == Phase::Graphs) {
      if (const auto bar = bar_of_line(e.body); bar && mark && mark->phase == p->phase) {
        p->progress = *bar;
        p->logged_bar = true;
        if (bar->item_s > 0) remember(p->rates, 1 / bar->item_s);
      }
    }
    p->last_line_s = std::max(p->last_line_s, now);
  }

  static void remember(std::vector<float>& rates, double rate) {
    if (rates.size() == kMostRates) rates.erase(rates.begin());
    rates.push_back(static_cast<float>(rate));
  }

  void observe(const ProcessSight& sight) {
    set_origin("");
    ProcessState* p = find([&](const ProcessState& q) { return q.pid == sight.pid; });
    if (p == nullptr && sight.activity == "gone") return;
    if (p == nullptr) p = create();
    if (p == nullptr) return;
    p->pid = sight.pid;
    if (p->name.empty()) p->name = sight.name.substr(0, kMostName);
    if (p->rank < 0) {
      constexpr std::string_view kTitle = "VLLM::";
      const std::string_view name = sight.name;
      p = learn_rank(p, rank_of_name(name.substr(name.starts_with(kTitle) ? kTitle.size() : 0)), 0);
    }
    p->activity = sight.activity;
    if (sight.activity == "loading" || sight.shards.total > 0) enter(*p, Phase::Load);
    if (sight.activity == "loading") remember(p->rates, sight.bytes_per_s);
    if (sight.shards.total > 0 && p->phase == Phase::Load && !p->logged_bar)
      p->progress = sight.shards;
    if (sight.serving) enter(*p, Phase::Serving);
    if (sight.moved) p->last_line_s = std::max(p->last_line_s, now);
  }

  void on_message(const Envelope& e, std::string_view line) override {
    set_origin(e.origin.substr(0, kMostOrigin));
    if (e.level == Level::None) return on_text(e, line);
    on_nccl(e);
  }
};

LaunchTracker::LaunchTracker() : impl_(std::make_unique<Impl>()) {}
LaunchTracker::~LaunchTracker() = default;

int LaunchTracker::add_source(std::string label, std::string place) {
  impl_->sources.push_back({std::move(label), std::move(place), Scanner(), "", "", nullptr});
  return static_cast<int>(impl_->sources.size()) - 1;
}

bool LaunchTracker::select(int source, double when_s) {
  if (source < 0 || static_cast<size_t>(source) >= impl_->sources.size()) return false;
  impl_->current = source;
  impl_->now = when_s;
  return true;
}

void LaunchTracker::feed(int source, std::string_view line, double when_s) {
  if (!select(source, when_s)) return;
  ++impl_->state.lines;
  impl_->source().scanner.scan_line(line, *impl_);
}

void LaunchTracker::restarted(int source) {
  if (!select(source, impl_->now)) return;
  impl_->set_origin("");
  impl_->restart();
}

void LaunchTracker::set_source(int source, SourceState now) {
  if (!select(source, impl_->now)) return;
  SourceState& known = impl_->state.sources[impl_->source().label];
  if (now.before.empty()) now.before = known.before;
  known = std::move(now);
}

void LaunchTracker::observe(int source, const ProcessSight& sight, double when_s) {
  if (select(source, when_s)) impl_->observe(sight);
}

const LaunchState& LaunchTracker::state() const { return impl_->state; }

}  // namespace rankdx
