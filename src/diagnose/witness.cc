#include "diagnose/witness.h"

#include <algorithm>

namespace rankdx {
namespace {

bool leads(const Finding& f) {
  return f.role == Role::RootCause && f.severity == Severity::Error &&
         f.confidence != Confidence::Possible;
}

void merge(Finding& into, const Finding& from) {
  for (const Where& w : from.where) {
    if (std::find(into.where.begin(), into.where.end(), w) == into.where.end())
      into.where.push_back(w);
  }
  into.evidence.insert(into.evidence.end(), from.evidence.begin(), from.evidence.end());
  into.confidence = std::min(into.confidence, from.confidence);
}

}  // namespace

void add_witness(Diagnosis& d, const CheckReport& witness) {
  const auto strongest = std::find_if(d.findings.begin(), d.findings.end(), leads);
  const bool logs_lead = strongest != d.findings.end();
  const std::string leading_id = logs_lead ? strongest->id : "";
  for (const Finding& f : witness.findings) {
    const auto same = std::find_if(d.findings.begin(), d.findings.end(),
                                   [&](const Finding& o) { return o.id == f.id; });
    if (same != d.findings.end()) {
      merge(*same, f);
      if (!logs_lead && leads(f)) same->role = f.role, same->severity = f.severity;
      continue;
    }
    d.findings.push_back(f);
    if (logs_lead && f.role == Role::RootCause) d.findings.back().role = Role::Contributing;
  }
  if (!logs_lead && std::any_of(witness.findings.begin(), witness.findings.end(), leads)) {
    // What the logs held possible is no cause of its own any more.
    for (Finding& f : d.findings) {
      if (f.role == Role::RootCause && !leads(f)) f.role = Role::Contributing;
    }
  }
  std::stable_sort(d.findings.begin(), d.findings.end(), [&](const Finding& a, const Finding& b) {
    const auto key = [&](const Finding& f) {
      return std::make_tuple(f.role, f.id != leading_id, f.severity);
    };
    return key(a) < key(b);
  });
  if (d.findings.empty() || !leads(d.findings.front())) return;
  if (d.verdict != Verdict::Failed) d.summary = d.findings.front().title;
  d.verdict = Verdict::Failed;
}

}  // namespace rankdx
