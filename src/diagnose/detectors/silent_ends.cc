// Processes that ended without a word of their own, where nothing else explains a failure: what is
// left is a shell's word, a cut traceback, a peer that is gone. Also lines in which nothing is
// known.
#include <algorithm>

#include "diagnose/context.h"
#include "events/last_words.h"
#include "events/python.h"

namespace rankdx {
namespace {

/// Lines from the end of a source within which such a word counts.
constexpr uint64_t kTailLines = 20;

/// Something else went wrong by these lines, whatever it may be the consequence of.
bool tells_of_trouble(const FindingSet& findings) {
  return std::any_of(findings.all().begin(), findings.all().end(), [](const Finding& f) {
    return f.severity == Severity::Error && f.role != Role::Note;
  });
}

/// How the finding's texts name the end of a program.
std::string words_of(const Death& death) {
  std::string words(death.word);
  const std::string_view name = signal_name(death.signal);
  return name.empty() ? words : words + ", " + std::string(name);
}

/// What a shell or launcher said last: it tells how a program ended, not why.
void death_word(const Context& context, FindingSet& findings) {
  for (const auto& [key, source] : context.facts.sources) {
    for (const Notable& n : source.notables) {
      if (n.level != Level::None || n.last_line + kTailLines < source.lines) continue;
      const auto death = death_of(n.body);
      if (!death) continue;
      const Rule* rule = findings.pack().find("rank-process-died", "last-word");
      Draft draft{.id = "rank-process-died"};
      draft.rule = rule;
      draft.captures = {{"word", words_of(*death)}};
      draft.confidence = Confidence::Possible;
      draft.evidence = {{source.name, n.line, n.text}};
      findings.add(std::move(draft));
    }
  }
}

/// A traceback that the lines stop in the middle of: there was an exception, whichever it was.
void cut_traceback(const Context& context, FindingSet& findings) {
  for (const auto& [key, source] : context.facts.sources) {
    if (is_serving(source)) continue;
    const Notable* inside = nullptr;
    for (const Notable& n : source.notables) {
      if (n.level == Level::None && n.last_line + kTailLines >= source.lines &&
          is_inside_traceback(python_line(n.body).part))
        inside = &n;
    }
    const bool ended = std::any_of(
        source.python_errors.begin(), source.python_errors.end(),
        [&](const PythonErrorFacts& e) { return inside && e.raised.line > inside->last_line; });
    if (!inside || ended) continue;
    Draft draft{.id = "python-exception"};
    draft.rule = findings.pack().find("python-exception", "cut");
    draft.confidence = Confidence::Possible;
    draft.evidence = {{source.name, inside->line, inside->text}};
    findings.add(std::move(draft));
  }
}

bool came_up(const SourceFacts& source) {
  return std::any_of(source.processes.begin(), source.processes.end(), [](const ProcessFacts& p) {
    return std::any_of(p.comms.begin(), p.comms.end(), [](const CommFacts& c) {
      return c.stage >= Stage::InitComplete && !c.failed;
    });
  });
}

/// A call of the process failed. A job that ends well prints such lines too, after its
/// communicators came up.
bool failed_call(const RuleHit& h) {
  return h.notable->process >= 0 && !came_up(*h.source) &&
         h.source->processes[h.notable->process].backtraces > 0;
}

/// What else only adds to a failure is the best guess where a call failed and nothing leads.
void raise_contributing(const Context& context, FindingSet& findings) {
  for (Finding& f : findings.all()) {
    if (f.role != Role::Contributing || f.severity != Severity::Warning) continue;
    const bool failed =
        std::any_of(context.hits.begin(), context.hits.end(),
                    [&](const RuleHit& h) { return h.rule->id == f.id && failed_call(h); });
    if (!failed) continue;
    f.role = Role::RootCause;
    f.severity = Severity::Error;
    f.confidence = Confidence::Possible;
  }
}

/// Ids of findings that only tell that a rank at the other end is gone. Sorted.
constexpr std::string_view kPeerGone[] = {"connection-broken", "connection-closed-by-peer"};

/// Where calls failed because a peer closed its connections and no line says why it did.
void peer_gone(const Context& context, FindingSet& findings) {
  for (const RuleHit& h : context.hits) {
    if (!std::binary_search(std::begin(kPeerGone), std::end(kPeerGone), h.rule->id)) continue;
    if (h.notable->process < 0 || came_up(*h.source)) continue;
    if (!failed_call(h) && h.rule->severity != Severity::Error) continue;
    const auto peer = h.captures.find("peer");
    Draft draft{.id = "rank-process-died"};
    draft.rule = findings.pack().find("rank-process-died", "closed-connections");
    draft.confidence = Confidence::Possible;
    Where where;
    if (peer != h.captures.end()) where.peer = peer->second;
    draft.where = {where};
    draft.evidence = {{h.source->name, h.notable->line, h.notable->text}};
    findings.add(std::move(draft));
  }
}

/// Lines in which nothing is known say nothing about a launch, not even that it is well.
void nothing_recognised(const Context& context, FindingSet& findings) {
  if (context.job.input.lines == 0 || !findings.all().empty() || context.recognises_anything())
    return;
  Draft draft{.id = "nothing-recognised"};
  draft.captures = {{"lines", std::to_string(context.job.input.lines)}};
  findings.add(std::move(draft));
}

}  // namespace

void detect_silent_ends(const Context& context, FindingSet& findings) {
  if (findings.has_error_cause()) return;
  if (!tells_of_trouble(findings)) death_word(context, findings);
  if (!tells_of_trouble(findings)) cut_traceback(context, findings);
  if (!findings.has_error_cause()) raise_contributing(context, findings);
  if (!findings.has_error_cause()) peer_gone(context, findings);
  nothing_recognised(context, findings);
}

}  // namespace rankdx
