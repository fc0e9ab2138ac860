// Who can cause whom: the explicit model behind the order of findings (causes.h). A cause lies in a
// lower layer than its effect or in one that acts on it from outside, it is not later, and it
// concerns the same process, one that the effect points at, or the job as a whole. No scores.
#pragma once

#include "diagnose/context.h"

namespace rankdx {

/// Can a failure in the one layer bring about one in the other?
bool can_cause(Layer cause, Layer effect);

/// When a finding was first seen: the earliest of its lines that carries a time, and its first
/// line.
struct Moment {
  int64_t time = kNoTime;
  std::string source;
  uint64_t line = UINT64_MAX;
};
Moment first_seen(const Context& context, const Finding& finding);

enum class Order : uint8_t { Before, Same, After, Unknown };
/// By time where both have one, by line inside one source; else nothing is known.
Order order_of(const Moment& a, const Moment& b);

/// Do both concern one process, pod or host, does one of them point at the other's host as its
/// peer, or does one concern the job as a whole?
bool is_related(const Finding& a, const Finding& b);

/// The model: `cause` stands for itself, is at least likely, and can have caused `effect`.
bool explains_by_layer(const Context& context, const Finding& cause, const Finding& effect);

}  // namespace rankdx
