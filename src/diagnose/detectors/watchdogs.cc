// What PyTorch's watchdogs say together: each names the collective in which its rank waits.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "diagnose/context.h"

namespace rankdx {
namespace {

struct Waiting {
  std::string op;
  int64_t number;
  const RuleHit* hit;
};

std::vector<Waiting> waiting_ranks(const Context& context) {
  std::vector<Waiting> list;
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id != "collective-timeout-cause-unknown") continue;
    const auto seq = hit.captures.find("seq"), op = hit.captures.find("op");
    if (seq == hit.captures.end() || op == hit.captures.end()) continue;
    if (const auto number = parse_int<int64_t>(seq->second))
      list.push_back({op->second, *number, &hit});
  }
  return list;
}

Evidence evidence_of(const Waiting& w) {
  return {w.hit->source->name, w.hit->notable->line, w.hit->notable->text};
}

}  // namespace

// Ranks that wait in collectives with different numbers are out of step: no slow rank explains
// that.
void detect_watchdogs(const Context& context, FindingSet& findings) {
  const std::vector<Waiting> all = waiting_ranks(context);
  if (all.size() < 2) return;
  auto [least, most] =
      std::minmax_element(all.begin(), all.end(),
                          [](const Waiting& a, const Waiting& b) { return a.number < b.number; });
  if (least->number == most->number && least->op == most->op) return;
  Draft draft;
  draft.id = least->op == most->op ? "uneven-work-across-ranks" : "collective-mismatch";
  if (draft.id == "collective-mismatch")
    draft.rule = findings.pack().find("collective-mismatch", "torch-fingerprint");
  draft.captures = {{"numbers", fmt::format("{} and {}", least->number, most->number)},
                    {"least", std::to_string(least->number)},
                    {"most", std::to_string(most->number)}};
  draft.evidence = {evidence_of(*least), evidence_of(*most)};
  draft.confidence = Confidence::Likely;
  findings.add(std::move(draft));
}

}  // namespace rankdx
