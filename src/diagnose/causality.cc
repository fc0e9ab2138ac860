#include "diagnose/causality.h"

#include <algorithm>
#include <array>

namespace rankdx {
namespace {

using enum Layer;

constexpr uint16_t bits(std::initializer_list<Layer> layers) {
  uint16_t mask = 0;
  for (Layer l : layers) mask |= static_cast<uint16_t>(1u << static_cast<unsigned>(l));
  return mask;
}

/// By Layer: what it can bring about. Files stop a process before it joins, so they reach the
/// meeting of the ranks but no driver or network. The orchestrator stands last in the stack and
/// acts on everything that runs.
constexpr std::array<uint16_t, 12> kBringsAbout = {
    bits({Driver, Rendezvous, NcclInit, NcclRun, Framework, Engine}),  // Hardware
    bits({Rendezvous, NcclInit, NcclRun, Framework, Engine}),          // Driver
    bits({Driver, Network, Rendezvous, NcclInit, NcclRun, Framework, Engine,
          Orchestrator}),                                               // Container
    bits({Rendezvous, NcclInit, NcclRun, Framework, Engine}),           // Files
    bits({Rendezvous, NcclInit, NcclRun, Framework, Engine}),           // Network
    bits({Network, Rendezvous, NcclInit, NcclRun, Framework, Engine}),  // Config
    bits({NcclInit, NcclRun, Framework, Engine}),                       // Rendezvous
    bits({NcclRun, Framework, Engine}),                                 // NcclInit
    bits({Framework, Engine}),                                          // NcclRun
    bits({Engine}),                                                     // Framework
    bits({Orchestrator}),                                               // Engine
    bits({Rendezvous, NcclInit, NcclRun, Framework, Engine}),           // Orchestrator
};

bool earlier_hit(const Moment& m, const RuleHit& h) {
  return h.notable->time_us != kNoTime && (m.time == kNoTime || h.notable->time_us < m.time);
}

/// No place at all, or places without a name: the job as a whole.
bool concerns_all(const Finding& f) {
  return std::none_of(f.where.begin(), f.where.end(),
                      [](const Where& w) { return w.rank || !w.host.empty() || !w.pod.empty(); });
}

std::string_view pod_name(std::string_view origin) { return origin.substr(0, origin.find('/')); }

bool same_place(const Where& a, const Where& b) {
  if (a.rank && b.rank) return *a.rank == *b.rank;
  if (!a.pod.empty() && !b.pod.empty()) return pod_name(a.pod) == pod_name(b.pod);
  return !a.host.empty() && a.host == b.host;
}

}  // namespace

bool can_cause(Layer cause, Layer effect) {
  return (kBringsAbout[static_cast<size_t>(cause)] >> static_cast<unsigned>(effect)) & 1u;
}

Moment first_seen(const Context& context, const Finding& f) {
  Moment m;
  for (const RuleHit& h : context.hits) {
    if (h.rule->id != f.id) continue;
    if (earlier_hit(m, h)) m.time = h.notable->time_us;
    if (m.source.empty()) m.source = h.source->name, m.line = h.notable->line;
  }
  if (m.source.empty() && !f.evidence.empty())
    m.source = f.evidence.front().source, m.line = f.evidence.front().line;
  return m;
}

Order order_of(const Moment& a, const Moment& b) {
  if (a.time != kNoTime && b.time != kNoTime && a.time != b.time)
    return a.time < b.time ? Order::Before : Order::After;
  if (a.source != b.source || a.source.empty()) return Order::Unknown;
  if (a.line == b.line) return Order::Same;
  return a.line < b.line ? Order::Before : Order::After;
}

bool is_related(const Finding& a, const Finding& b) {
  if (concerns_all(a) || concerns_all(b)) return true;
  for (const Where& x : a.where) {
    for (const Where& y : b.where) {
      if (same_place(x, y)) return true;
      if (!y.peer.empty() && (y.peer == x.host || y.host == x.host)) return true;
    }
  }
  return false;
}

bool explains_by_layer(const Context& context, const Finding& cause, const Finding& effect) {
  if (cause.confidence == Confidence::Possible || !can_cause(cause.layer, effect.layer))
    return false;
  const Order order = order_of(first_seen(context, cause), first_seen(context, effect));
  return (order == Order::Before || order == Order::Same) && is_related(cause, effect);
}

}  // namespace rankdx
