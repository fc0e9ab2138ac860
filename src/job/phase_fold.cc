#include "job/phase_fold.h"

namespace rankdx {
namespace {

KeptLine kept(const LinePlace& at) {
  constexpr size_t kText = 240;
  return {at.number, std::string(at.text.substr(0, kText))};
}

void enter(Phase phase, const LinePlace& at, PhaseFacts& f) {
  f = {};
  f.phase = phase;
  f.entered = f.last = kept(at);
  f.entered_us = f.last_us = at.time_us;
}

}  // namespace

void fold_phase(std::string_view body, const LinePlace& at, PhaseFacts& f) {
  const auto mark = phase_of(body);
  const auto bar = bar_of_line(body);
  if (!mark && !bar) return;
  if (mark && mark->kind == MarkKind::Wait) {
    ++f.waits;
    f.last_wait = kept(at);
    f.last_wait_us = at.time_us;
    return;
  }
  if (mark && mark->kind == MarkKind::Fail) return;
  const bool first = f.entered.line == 0;
  if (mark && (mark->kind == MarkKind::Banner || first || mark->phase > f.phase)) {
    enter(mark->phase, at, f);
  } else if (!first) {
    f.last = kept(at);
    f.last_us = at.time_us;  // bars carry none: then nothing is known of the time
    f.waits = 0;
  }
  // A bar without a phase belongs to whatever the process does: downloads, autotuning.
  if (!bar || f.entered.line == 0) return;
  f.done = bar->done;
  f.total = bar->total;
  f.left_s = bar->left_s;
}

}  // namespace rankdx
