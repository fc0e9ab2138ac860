#include "diagnose/causes.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "diagnose/causality.h"

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

bool is_error(const Finding& f) { return f.severity == Severity::Error; }

/// Two explanations of one failure of which neither is surer: both stay possible, with the question
/// that would decide.
void leave_open(const RulePack& pack, std::vector<Finding>& findings) {
  if (findings.empty() || findings.front().role != Role::RootCause || !is_error(findings.front()))
    return;
  Finding& lead = findings.front();
  for (const Rule& rule : pack.rules()) {
    if (rule.id != lead.id) continue;
    for (const Rival& rival : rule.rivals) {
      const auto other = std::find_if(findings.begin() + 1, findings.end(), [&](const Finding& f) {
        return f.id == rival.id && is_error(f) && f.role != Role::Consequence &&
               f.role != Role::Note;
      });
      const bool open = lead.confidence == Confidence::Possible;
      const bool both = other != findings.end() && other->confidence >= lead.confidence &&
                        lead.confidence != Confidence::Certain;
      if (!open && !both) continue;
      if (std::find(lead.needs.begin(), lead.needs.end(), rival.ask) == lead.needs.end())
        lead.needs.insert(lead.needs.begin(), rival.ask);
      if (!both) continue;
      lead.confidence = other->confidence = Confidence::Possible;
      other->role = Role::RootCause;
    }
  }
}

}  // namespace

void order_causes(const Context& context, const RulePack& pack, std::vector<Finding>& findings) {
  for (Finding& f : findings) {
    if (!claims_cause(f)) continue;
    auto covers = [&](const Finding& o) {
      if (&o == &f || !claims_cause(o) || o.confidence == Confidence::Possible) return false;
      return (explains(o, f) && !explains(f, o)) ||
             (is_symptom(f) && f.severity == Severity::Error && states_reason(o));
    };
    if (std::any_of(findings.begin(), findings.end(), covers)) f.role = Role::Consequence;
  }
  // What the rules do not say by name: an earlier cause in a layer that can bring this one about.
  for (Finding& f : findings) {
    if (!claims_cause(f) || !is_error(f)) continue;
    auto below = [&](const Finding& o) {
      return &o != &f && states_reason(o) && !explains(f, o) && explains_by_layer(context, o, f);
    };
    if (std::any_of(findings.begin(), findings.end(), below)) f.role = Role::Consequence;
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
    if (order_of(it->seen, ranked.front().seen) == Order::Before)
      std::rotate(ranked.begin(), it, it + 1);
  }
  findings.clear();
  for (Ranked& r : ranked) findings.push_back(std::move(r.finding));
  for (size_t i = 1; i < findings.size(); ++i) {
    if (findings[0].role == Role::RootCause && claims_cause(findings[i]))
      findings[i].role = Role::Contributing;
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.role < b.role; });
  leave_open(pack, findings);
}

Verdict verdict_of(const Context& context, const std::vector<Finding>& findings) {
  const bool known = context.recognises_anything() || context.job.input.lines == 0;
  const Verdict quiet = known ? Verdict::Healthy : Verdict::Undetermined;
  if (findings.empty()) return quiet;
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
  return warning ? Verdict::Warning : quiet;
}

}  // namespace rankdx
