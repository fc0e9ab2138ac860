// Where nothing else explains a failure: the last warning or exception of a process, so that the
// answer is never "healthy".

#include <algorithm>
#include <map>
#include <set>

#include "diagnose/context.h"
#include "events/python.h"

namespace rankdx {
namespace {

/// Lines from the end of a source within which an exception counts as its last word.
constexpr uint64_t kLastLines = 80;
constexpr size_t kTitleText = 120;
/// A part of a known message below this length could be that of anything.
constexpr size_t kLeastStart = 12;

/// NCCL's last line of a process, and an exception or a part of a traceback below it.
bool raised_after(const SourceFacts& source, const Notable& n) {
  if (n.last_line < source.processes[n.process].last_nccl.line) return false;
  return std::any_of(source.python_errors.begin(), source.python_errors.end(),
                     [&](const PythonErrorFacts& e) { return e.raised.line > n.line; }) ||
         std::any_of(source.notables.begin(), source.notables.end(), [&](const Notable& o) {
           return o.level == Level::None && o.line > n.line &&
                  is_inside_traceback(python_line(o.body).part);
         });
}

bool failed(const SourceFacts& source, const Notable& n) {
  if (n.process < 0) return false;
  const ProcessFacts& p = source.processes[n.process];
  return p.backtraces > 0 || raised_after(source, n) ||
         std::any_of(p.comms.begin(), p.comms.end(), [](const CommFacts& c) { return c.failed; });
}

/// Nothing comes after this line, from its process or in its source.
bool ends(const SourceFacts& source, const Notable& n) {
  return n.last_line == source.lines ||
         (n.process >= 0 && n.last_line == source.processes[n.process].last_line);
}

/// Does the text break off inside a message that a rule knows?
bool is_cut_message(const RulePack& pack, std::string_view text) {
  const std::vector<std::string>& literals = pack.literals();
  return std::any_of(literals.begin(), literals.end(), [&](std::string_view literal) {
    for (size_t size = std::min(literal.size() - 1, text.size()); size >= kLeastStart; --size) {
      if (text.ends_with(literal.substr(0, size))) return true;
    }
    return false;
  });
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
    const bool is_cut = ends(source, *last) && is_cut_message(findings.pack(), last->body);
    Draft draft{.id = is_cut ? "nccl-output-missing" : "nccl-warning-not-known"};
    if (is_cut) draft.severity = Severity::Error;
    draft.captures = {{"text", last->body.substr(0, kTitleText)}};
    RuleHit self{nullptr, &source, last, {}};
    draft.where = {context.where(context.process_of(self))};
    draft.evidence = {{source.name, last->line, last->text}};
    findings.add(std::move(draft));
  }
}

/// Lines of exceptions that a rule other than the general one has words for.
std::set<std::pair<const SourceFacts*, uint64_t>> known_lines(const Context& context) {
  std::set<std::pair<const SourceFacts*, uint64_t>> lines;
  for (const RuleHit& h : context.hits) {
    if (h.rule->id != "python-exception") lines.insert({h.source, h.notable->line});
  }
  return lines;
}

/// The exception from which a chain of exceptions began.
const PythonErrorFacts& first_of_chain(const SourceFacts& source, const PythonErrorFacts& e) {
  const PythonErrorFacts* at = &e;
  while (at->earlier >= 0) at = &source.python_errors[at->earlier];
  return *at;
}

Draft draft_of(const Context& context, const SourceFacts& source, const PythonErrorFacts& e) {
  Draft draft{.id = "python-exception"};
  draft.captures = {{"exception", e.exception}, {"message", e.message.substr(0, kTitleText)}};
  draft.severity = Severity::Error;
  draft.role = Role::RootCause;
  draft.evidence = {{source.name, e.raised.line, e.raised.text}};
  if (!e.frames.empty()) {
    const KeptLine& innermost = e.frames.back();
    draft.evidence.push_back({source.name, innermost.line, innermost.text});
  }
  Where where;
  if (e.process >= 0) {
    for (size_t i = 0; i < context.job.processes.size(); ++i) {
      const auto& facts = context.job.processes[i].facts;
      if (std::find(facts.begin(), facts.end(), &source.processes[e.process]) != facts.end())
        where = context.where(static_cast<int>(i));
    }
  }
  if (e.label_rank >= 0) where.rank = e.label_rank;
  draft.where = {where};
  return draft;
}

bool raised_before(const PythonErrorFacts& a, const PythonErrorFacts& b) {
  if (a.time_us != kNoTime && b.time_us != kNoTime && a.time_us != b.time_us)
    return a.time_us < b.time_us;
  return a.raised.line < b.raised.line;
}

/// What ends a program on purpose.
bool is_farewell(std::string_view exception) {
  constexpr std::string_view kFarewells[] = {"SystemExit", "KeyboardInterrupt", "CancelledError"};
  return std::any_of(std::begin(kFarewells), std::end(kFarewells),
                     [&](std::string_view name) { return exception.ends_with(name); });
}

/// A server that came up answers a bad request with an exception in its log and goes on.
bool serves_on(const SourceFacts& source, int process, uint64_t line) {
  constexpr uint64_t kRestOfMessage = 1;
  if (process >= 0 && source.processes[process].last_line <= line + kRestOfMessage) return false;
  return is_serving(source);
}

bool engine_died(const Context& context) {
  return context.hit("engine-start-failed") || context.hit("worker-failed") ||
         context.hit("torch-watchdog-ended-process");
}

/// The first exception of each source that ended it and that no rule knows; of a chain the one that
/// came first.
bool last_traceback(const Context& context, FindingSet& findings) {
  const auto known = known_lines(context);
  bool any = false;
  for (const auto& [key, source] : context.facts.sources) {
    const PythonErrorFacts* first = nullptr;
    for (const PythonErrorFacts& last : source.python_errors) {
      const PythonErrorFacts& e = first_of_chain(source, last);
      if (known.count({&source, e.raised.line}) || is_farewell(e.exception)) continue;
      if (last.raised.line + kLastLines < source.lines) continue;
      if (serves_on(source, e.process, e.raised.line) && !engine_died(context)) continue;
      if (!first || raised_before(e, *first)) first = &e;
    }
    if (!first) continue;
    findings.add(draft_of(context, source, *first));
    any = true;
  }
  return any;
}

/// The same for an exception whose traceback is not in these lines.
void last_exception(const Context& context, FindingSet& findings) {
  const auto known = known_lines(context);
  for (const RuleHit& h : context.hits) {
    if (h.rule->id != "python-exception" || h.notable->last_line + kLastLines < h.source->lines)
      continue;
    if (known.count({h.source, h.notable->line})) continue;  // a rule knows better
    if (serves_on(*h.source, h.notable->process, h.notable->line) && !engine_died(context))
      continue;
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
  if (findings.has_error_cause()) return;
  unknown_warning(context, findings);
  if (findings.has_error_cause()) return;
  if (!last_traceback(context, findings)) last_exception(context, findings);
}

}  // namespace rankdx
