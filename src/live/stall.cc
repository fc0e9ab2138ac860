#include "live/stall.h"

#include <fmt/format.h>

#include <algorithm>

namespace rankdx {
namespace {

/// A launch that prints nothing this long is worth a word.
constexpr double kQuiet_s = 30;
constexpr double kItemsOfPatience =
    5;  ///< a bar that stands still this many times its usual step is stuck

const Meeting* open_meeting(const LaunchState& state, Phase phase) {
  const Meeting* open = nullptr;
  for (const auto& [key, m] : state.meetings) {
    const bool nccl = key.starts_with("NCCL");
    // torch's meeting is over when anybody has gone on to NCCL.
    if (nccl ? m.completed.size() == static_cast<size_t>(m.size) : phase > Phase::Rendezvous)
      continue;
    if (!nccl && m.arrived.size() == static_cast<size_t>(m.size)) continue;
    if (open == nullptr || m.since_s > open->since_s) open = &m;
  }
  return open;
}

std::vector<int> absent_from(const std::set<int>& present, int size) {
  std::vector<int> absent;
  for (int rank = 0; rank < size; ++rank) {
    if (!present.contains(rank)) absent.push_back(rank);
  }
  return absent;
}

/// " on gpu-worker-02" where the logs say where these ranks are; that none has a log, where none
/// has.
std::string whereabouts(const LaunchState& state, const std::vector<int>& ranks) {
  std::set<std::string> places;
  bool seen = false;
  for (const ProcessState& p : state.processes) {
    if (!std::binary_search(ranks.begin(), ranks.end(), p.rank)) continue;
    seen = true;
    if (!p.host.empty()) places.insert(p.host);
  }
  if (!seen) return " (no line of them in these logs)";
  if (places.empty() || places.size() > 4) return "";
  return fmt::format(" on {}", fmt::join(places, ", "));
}

std::string stuck_text(const LaunchState& state, LaunchVerdict& v) {
  const Meeting* m = v.phase <= Phase::Connect ? open_meeting(state, v.phase) : nullptr;
  if (m == nullptr)
    return fmt::format("stuck since {:.0f} s at {}: no process has printed a line", v.quiet_s,
                       name_of(v.phase));
  v.missing = absent_from(m->arrived, m->size);
  if (!v.missing.empty()) {
    return fmt::format("stuck since {:.0f} s at {}: {} {}{} {} not arrived, {} of {} have ({})",
                       v.quiet_s, m->what.starts_with("NCCL") ? "bootstrap" : "rendezvous",
                       v.missing.size() == 1 ? "rank" : "ranks", short_ranks(v.missing),
                       whereabouts(state, v.missing), v.missing.size() == 1 ? "has" : "have",
                       m->arrived.size(), m->size, m->what);
  }
  const std::vector<int> undone = absent_from(m->completed, m->size);
  return fmt::format(
      "stuck since {:.0f} s at {}: all {} ranks have arrived, ranks {} have not completed ({})",
      v.quiet_s, name_of(v.phase), m->size, short_ranks(undone), m->what);
}

/// The first container that ended badly and has not come back.
std::string ended_badly(const LaunchState& state) {
  for (const auto& [label, s] : state.sources) {
    if (!s.exit_code || *s.exit_code == 0) continue;
    return fmt::format("failed: {} ended with {}{}{}", label, *s.exit_code,
                       s.word.empty() ? "" : " (" + s.word + ")",
                       s.restarts > 0 ? fmt::format(", restarted {} times", s.restarts) : "");
  }
  return "";
}

/// Whether silence can be judged at all: ranks that wait for others, or a phase of vLLM. Any other
/// program may have nothing to say.
bool can_be_stuck(const LaunchState& state, Phase phase) {
  return state.engine || (phase <= Phase::Connect && open_meeting(state, phase) != nullptr);
}

std::string slow_text(const LaunchVerdict& v, const BarState& bar, double patience) {
  if (v.quiet_s >= patience)
    return fmt::format("quiet since {:.0f} s; no words of vLLM say whether that is usual",
                       v.quiet_s);
  if (bar.total > 0) {
    return fmt::format("slow, not stuck: {} {:.0f}/{:.0f}, last step {:.0f} s ago",
                       name_of(v.phase), bar.done, bar.total, v.quiet_s);
  }
  return fmt::format("quiet since {:.0f} s at {}; up to {:.0f} s is usual there", v.quiet_s,
                     name_of(v.phase), patience);
}

}  // namespace

std::string_view name_of(Motion motion) {
  constexpr std::string_view kNames[] = {"waiting", "moving",  "slow", "stuck",
                                         "failed",  "serving", "ended"};
  return kNames[static_cast<size_t>(motion)];
}

std::string short_ranks(const std::vector<int>& sorted) {
  std::string out;
  for (size_t i = 0; i < sorted.size();) {
    size_t last = i;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1) ++last;
    if (!out.empty()) out += ',';
    out += std::to_string(sorted[i]);
    if (last > i) out += (last == i + 1 ? ',' : '-') + std::to_string(sorted[last]);
    i = last + 1;
  }
  return out;
}

namespace {

/// All that we can see has ended, and nothing says badly.
bool has_ended(const LaunchState& state) {
  bool any = false;
  for (const ProcessState& p : state.processes) {
    const auto s = state.sources.find(p.source);
    if (p.activity != "gone" && (s == state.sources.end() || !s->second.exit_code)) return false;
    any = true;
  }
  for (const auto& [label, s] : state.sources) {
    if (!s.exit_code) return false;
    any = true;
  }
  return any;
}

}  // namespace

bool is_serving(const LaunchState& state) {
  bool any = false;
  for (const ProcessState& p : state.processes) {
    any = any || p.phase == Phase::Serving;
    // With several API servers each says it for itself.
    const bool server = p.name.starts_with("APIServer") || p.name.starts_with("ApiServer");
    if (p.failed || (server && p.phase != Phase::Serving)) return false;
  }
  return any;
}

LaunchVerdict judge_motion(const LaunchState& state, double now_s, double given_patience_s) {
  LaunchVerdict v;
  if (const std::string badly = ended_badly(state); !badly.empty()) {
    v.motion = Motion::Failed;
    v.text = badly;
  }
  if (state.processes.empty()) {
    if (v.text.empty()) v.text = "waiting for the first line";
    return v;
  }
  double last = state.processes.front().last_line_s;
  BarState bar;
  for (const ProcessState& p : state.processes) {
    last = std::max(last, p.last_line_s);
    v.phase = std::max(v.phase, p.phase);
  }
  for (const ProcessState& p : state.processes) {
    if (p.phase == v.phase && p.progress.total > 0) bar = p.progress;
    if (p.failed && v.motion != Motion::Failed) {
      v.motion = Motion::Failed;
      v.text = fmt::format("failed: {}: {}",
                           p.rank >= 0      ? fmt::format("rank {}", p.rank)
                           : p.name.empty() ? p.source
                                            : p.name,
                           p.evidence);
    }
  }
  v.quiet_s = std::max(0.0, now_s - last);
  if (v.motion == Motion::Failed) return v;
  if (has_ended(state)) {
    v.motion = Motion::Ended;
    v.text = "ended: no process is left, and none said that it serves or failed";
    return v;
  }
  if (is_serving(state)) {
    v.motion = Motion::Serving;
    v.text = "serving";
    return v;
  }
  const double patience = given_patience_s > 0
                              ? given_patience_s
                              : std::max(patience_s(v.phase), bar.item_s * kItemsOfPatience);
  const double quiet_s = given_patience_s > 0 ? std::min(kQuiet_s, given_patience_s) : kQuiet_s;
  v.motion = v.quiet_s < quiet_s                                     ? Motion::Moving
             : v.quiet_s < patience || !can_be_stuck(state, v.phase) ? Motion::Slow
                                                                     : Motion::Stuck;
  if (v.motion == Motion::Moving) v.text = fmt::format("moving: {}", name_of(v.phase));
  if (v.motion == Motion::Slow) v.text = slow_text(v, bar, patience);
  if (v.motion == Motion::Stuck) v.text = stuck_text(state, v);
  return v;
}

}  // namespace rankdx
