// Slow is not stuck: a start that loads, compiles or captures graphs says how far it is; only one
// that has been silent for much longer than such work takes is worth a warning.
#include <fmt/format.h>

#include <algorithm>

#include "diagnose/context.h"

namespace rankdx {
namespace {

struct Front {
  const ProcessFacts* facts = nullptr;
  const SourceFacts* source = nullptr;
  int process = -1;
};

bool starts(const PhaseFacts& p) { return p.entered.line != 0; }

/// The process that says most of the furthest phase; nothing once any of them serves.
Front furthest(const Context& context) {
  Front front;
  for (size_t i = 0; i < context.job.processes.size(); ++i) {
    const Process& p = context.job.processes[i];
    for (size_t k = 0; k < p.facts.size(); ++k) {
      const PhaseFacts& phase = p.facts[k]->phase;
      if (!starts(phase)) continue;
      if (phase.phase >= Phase::Serving) return {};
      const bool further = !front.facts || phase.phase > front.facts->phase.phase ||
                           (phase.phase == front.facts->phase.phase && phase.total > 0 &&
                            front.facts->phase.total <= 0);
      if (further) front = {p.facts[k], p.sources[k], static_cast<int>(i)};
    }
  }
  return front;
}

/// Seconds from the last sign of progress to the last line of anybody; by the clock of the lines,
/// or by the minutes that the process itself counts while it waits. -1: not known.
double quiet_s(const Context& context, const PhaseFacts& phase) {
  constexpr double kWait_s = 60;  // VLLM_RINGBUFFER_WARNING_INTERVAL
  int64_t last_us = kNoTime;
  for (const Process& p : context.job.processes) {
    for (const ProcessFacts* f : p.facts) {
      last_us = std::max({last_us, f->last_us, f->phase.last_wait_us});
    }
  }
  if (last_us != kNoTime && phase.last_us != kNoTime)
    return static_cast<double>(last_us - phase.last_us) / 1e6;
  return phase.waits > 0 ? static_cast<double>(phase.waits) * kWait_s : -1;
}

std::string minutes(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.0f} min", seconds / 60);
}

std::string how_far(const PhaseFacts& p) {
  if (p.total <= 0) return std::string(name_of(p.phase));
  return fmt::format("{}, {:.0f} of {:.0f}", name_of(p.phase), p.done, p.total);
}

std::string time_left(const PhaseFacts& p) {
  if (p.total > 0 && p.done >= p.total) return "this step is done";
  if (p.total > 0 && p.left_s >= 0) return "about " + minutes(p.left_s) + " left for this step";
  return "up to " + minutes(patience_s(p.phase)) + " without a line are usual here";
}

}  // namespace

void detect_pace(const Context& context, FindingSet& findings) {
  constexpr double kMuchLonger = 3;  ///< times the patience with a phase
  const Front front = furthest(context);
  if (!front.facts || context.any_failure_sign()) return;
  const PhaseFacts& phase = front.facts->phase;
  if (phase.phase < Phase::Load || phase.phase > Phase::Graphs) return;
  const double quiet = quiet_s(context, phase);
  const bool stands = quiet > kMuchLonger * patience_s(phase.phase);
  Draft draft{.id = stands ? "start-stands-still" : "start-under-way"};
  draft.captures = {{"phase", how_far(phase)},
                    {"left", time_left(phase)},
                    {"quiet", quiet < 0 ? "an unknown time" : minutes(quiet)},
                    {"patience", minutes(patience_s(phase.phase))}};
  draft.where = {context.where(front.process)};
  draft.evidence = {context.evidence(*front.source, phase.last)};
  if (phase.last_wait.line)
    draft.evidence.push_back(context.evidence(*front.source, phase.last_wait));
  findings.add(std::move(draft));
}

}  // namespace rankdx
