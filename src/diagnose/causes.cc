#include "diagnose/causes.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace rankdx {
namespace {

/// Findings that describe a state of the job rather than its reason. Sorted.
constexpr std::array<std::string_view, 8> kSymptoms = {"collective-timeout-cause-unknown",
                                                       "connection-lost-midjob",
                                                       "init-stalled-cause-unknown",
                                                       "nccl-output-missing",
                                                       "net-inside-node-cause-unknown",
                                                       "rank-never-arrived",
                                                       "rank-process-died",
                                                       "straggler-ranks"};

bool is_symptom(const Finding& f) {
  return std::binary_search(kSymptoms.begin(), kSymptoms.end(), f.id);
}

bool claims_cause(const Finding& f) { return f.role == Role::RootCause; }

/// An error that states why by itself: not a symptom, and more than a possibility.
bool states_reason(const Finding& f) {
  return claims_cause(f) && f.severity == Severity::Error && !is_symptom(f) &&
         f.confidence != Confidence::Possible;
}

bool explains(const Finding& a, const Finding& b) {
  return std::find(a.explains.begin(), a.explains.end(), b.id) != a.explains.end();
}

struct Moment {
  int64_t time = kNoTime;
  std::string source;
  uint64_t line = UINT64_MAX;
};

/// When a finding was first seen: the earliest of its lines that carries a time, and its first
/// line.
Moment first_seen(const Context& context, const Finding& f) {
  Moment m;
  for (const RuleHit& h : context.hits) {
    if (h.rule->id != f.id) continue;
    if (h.notable->time_us != kNoTime && (m.time == kNoTime || h.notable->time_us < m.time))
      m.time = h.notable->time_us;
    if (m.source.empty()) m.source = h.source->name, m.line = h.notable->line;
  }
  if (m.source.empty() && !f.evidence.empty())
    m.source = f.evidence.front().source, m.line = f.evidence.front().line;
  return m;
}

bool earlier(const Moment& a, const Moment& b) {
  if (a.time != kNoTime && b.time != kNoTime && a.time != b.time) return a.time < b.time;
  return a.source == b.source && a.line < b.line;
}

}  // namespace

void order_causes(const Context& context, std::vector<Finding>& findings) {
  for (Finding& f : findings) {
    if (!claims_cause(f)) continue;
    auto covers = [&](const Finding& o) {
      if (&o == &f || !claims_cause(o) || o.confidence == Confidence::Possible) return false;
      return (explains(o, f) && !explains(f, o)) ||
             (is_symptom(f) && f.severity == Severity::Error && states_reason(o));
    };
    if (std::any_of(findings.begin(), findings.end(), covers)) f.role = Role::Consequence;
  }
  struct Ranked {
    Finding finding;
    Moment seen;
  };
  std::vector<Ranked> ranked;
  for (Finding& f : findings) {
    Moment seen = first_seen(context, f);
    ranked.push_back({std::move(f), std::move(seen)});
  }
  auto weight = [](const Finding& f) {
    return std::make_tuple(f.role, f.severity, is_symptom(f), f.confidence);
  };
  std::stable_sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) {
    if (weight(a.finding) != weight(b.finding)) return weight(a.finding) < weight(b.finding);
    return a.finding.layer < b.finding.layer;
  });
  // Among equals in weight the earlier one leads, whatever its layer.
  auto equal_end = std::find_if(ranked.begin(), ranked.end(), [&](const Ranked& r) {
    return weight(r.finding) != weight(ranked.front().finding);
  });
  for (auto it = ranked.begin(); it != equal_end; ++it) {
    if (earlier(it->seen, ranked.front().seen)) std::rotate(ranked.begin(), it, it + 1);
  }
  findings.clear();
  for (Ranked& r : ranked) findings.push_back(std::move(r.finding));
  for (size_t i = 1; i < findings.size(); ++i) {
    if (findings[0].role == Role::RootCause && claims_cause(findings[i]))
      findings[i].role = Role::Contributing;
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.role < b.role; });
}

Verdict verdict_of(const Context&, const std::vector<Finding>& findings) {
  if (findings.empty()) return Verdict::Healthy;
  const Finding& lead = findings.front();
  if (lead.role == Role::RootCause && lead.severity == Severity::Error) {
    return lead.confidence == Confidence::Possible ? Verdict::Undetermined : Verdict::Failed;
  }
  const bool error = std::any_of(findings.begin(), findings.end(),
                                 [](const Finding& f) { return f.severity == Severity::Error; });
  if (error) return Verdict::Undetermined;
  const bool warning = std::any_of(findings.begin(), findings.end(), [](const Finding& f) {
    return f.severity == Severity::Warning;
  });
  return warning ? Verdict::Warning : Verdict::Healthy;
}

}  // namespace rankdx
