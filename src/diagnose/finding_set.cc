#include "diagnose/finding_set.h"

#include <algorithm>

namespace rankdx {
namespace {

template <class T>
void append_new(std::vector<T>& to, const std::vector<T>& from, size_t limit) {
  for (const T& item : from) {
    if (to.size() >= limit) return;
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
  }
}

Finding written(const Rule& rule, const Draft& draft) {
  Finding f;
  f.role = rule.role;
  f.severity = rule.severity;
  f.confidence = rule.confidence;
  f.layer = rule.layer;
  f.title = fill(rule.title, draft.captures);
  f.cause = fill(rule.cause, draft.captures);
  for (const Fix& fix : rule.fix) {
    f.fix.push_back({fix.for_, fill(fix.text, draft.captures), fill(fix.command, draft.captures)});
  }
  f.references = rule.references;
  for (const std::string& need : rule.needs) f.needs.push_back(fill(need, draft.captures));
  f.explains = rule.explains;
  return f;
}

}  // namespace

const Finding* FindingSet::find(std::string_view id) const {
  auto at = index_.find(std::string(id));
  return at == index_.end() ? nullptr : &findings_[at->second];
}

bool FindingSet::has_error_cause() const {
  return std::any_of(findings_.begin(), findings_.end(), [](const Finding& f) {
    return f.severity == Severity::Error && f.role == Role::RootCause;
  });
}

void FindingSet::add_finding(Finding finding) {
  const auto [place, is_new] = index_.emplace(finding.id, findings_.size());
  if (is_new) {
    findings_.push_back(std::move(finding));
    return;
  }
  Finding& known = findings_[place->second];
  append_new(known.where, finding.where, kMaxWhere);
  append_new(known.evidence, finding.evidence, kMaxEvidence);
  append_new(known.needs, finding.needs, kMaxEvidence);
  known.confidence = std::min(known.confidence, finding.confidence);
}

void FindingSet::add(Draft draft) {
  const Rule* words = draft.rule ? draft.rule : pack_.definition(draft.id);
  Finding fresh = words ? written(*words, draft) : Finding{};
  fresh.id = draft.id;
  if (fresh.title.empty()) fresh.title = draft.id;
  if (draft.confidence) fresh.confidence = *draft.confidence;
  if (draft.role) fresh.role = *draft.role;
  if (draft.severity) fresh.severity = *draft.severity;
  append_new(fresh.needs, draft.needs, kMaxEvidence);
  append_new(fresh.explains, draft.explains, kMaxWhere);
  auto [place, is_new] = index_.emplace(draft.id, findings_.size());
  if (is_new) findings_.push_back(std::move(fresh));
  Finding& finding = findings_[place->second];
  if (!is_new && fresh.confidence < finding.confidence) {
    // The surer draft gives the words; what was seen before stays.
    fresh.where = std::move(finding.where);
    fresh.evidence = std::move(finding.evidence);
    finding = std::move(fresh);
  } else if (!is_new) {
    finding.severity = std::min(finding.severity, fresh.severity);
    finding.role = std::min(finding.role, fresh.role);
    append_new(finding.needs, fresh.needs, kMaxEvidence);
  }
  append_new(finding.where, draft.where, kMaxWhere);
  append_new(finding.evidence, draft.evidence, kMaxEvidence);
}

}  // namespace rankdx
