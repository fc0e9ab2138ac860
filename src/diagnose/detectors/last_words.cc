// Where nothing else explains a failure: the last warning or exception of a process, so that the
// answer is never "healthy".
#include <algorithm>
#include <map>
#include <set>

#include "diagnose/context.h"

namespace rankdx {
namespace {

/// Lines from the end of a source within which an exception counts as its last word.
constexpr uint64_t kLastLines = 80;
constexpr size_t kTitleText = 120;

bool explained(const FindingSet& findings) {
  return std::any_of(findings.all().begin(), findings.all().end(), [](const Finding& f) {
    return f.severity == Severity::Error && f.role == Role::RootCause;
  });
}

bool failed(const SourceFacts& source, const Notable& n) {
  if (n.process < 0) return false;
  const ProcessFacts& p = source.processes[n.process];
  return p.backtraces > 0 ||
         std::any_of(p.comms.begin(), p.comms.end(), [](const CommFacts& c) { return c.failed; });
}

void unknown_warning(const Context& context, FindingSet& findings) {
  std::set<const Notable*> known;
  for (const RuleHit& h : context.hits) known.insert(h.notable);
  for (const auto& [key, source] : context.facts.sources) {
    const Notable* last = nullptr;
    for (const Notable& n : source.notables) {
      if (n.level == Level::Warn && !known.count(&n) && failed(source, n)) last = &n;
    }
    if (!last) continue;
    Draft draft{.id = "nccl-warning-not-known"};
    draft.captures = {{"text", last->body.substr(0, kTitleText)}};
    RuleHit self{nullptr, &source, last, {}};
    draft.where = {context.where(context.process_of(self))};
    draft.evidence = {{source.name, last->line, last->text}};
    findings.add(std::move(draft));
  }
}

void last_exception(const Context& context, FindingSet& findings) {
  std::map<const Notable*, int> rules_of_line;
  for (const RuleHit& h : context.hits) ++rules_of_line[h.notable];
  for (const RuleHit& h : context.hits) {
    if (h.rule->id != "python-exception" || h.notable->last_line + kLastLines < h.source->lines)
      continue;
    if (rules_of_line[h.notable] > 1) continue;  // another rule knows better
    Draft draft{.id = "python-exception"};
    draft.captures = h.captures;
    draft.severity = Severity::Error;
    draft.role = Role::RootCause;
    draft.evidence = {{h.source->name, h.notable->line, h.notable->text}};
    findings.add(std::move(draft));
  }
}

}  // namespace

void detect_last_words(const Context& context, FindingSet& findings) {
  if (explained(findings)) return;
  unknown_warning(context, findings);
  if (!explained(findings)) last_exception(context, findings);
}

}  // namespace rankdx
