// What is used up, where another line shows by what: a card whose memory locks are unlimited, a
// shared memory full of files of earlier runs.
#include <algorithm>

#include "base/text.h"
#include "diagnose/context.h"

namespace rankdx {
namespace {

Evidence evidence_of(const RuleHit& hit) {
  return {hit.source->name, hit.notable->line, hit.notable->text};
}

const RuleHit* find_hit(const Context& context, std::string_view id, std::string_view variant) {
  const auto hit = std::find_if(context.hits.begin(), context.hits.end(), [&](const RuleHit& h) {
    return h.rule->id == id && (variant == "*" || h.rule->variant == variant);
  });
  return hit == context.hits.end() ? nullptr : &*hit;
}

/// Verbs calls run out of memory although locked memory is unlimited: the card has no more.
void card_is_full(const Context& context, FindingSet& findings) {
  const RuleHit* refused = find_hit(context, "memlock-limit", "*");
  const RuleHit* unlimited = find_hit(context, "ib-resources-exhausted-at-scale", "unlimited");
  if (!refused || !refused->rule->harmless.empty() || !unlimited) return;
  Draft draft{.id = "ib-resources-exhausted-at-scale"};
  draft.where = {context.where(context.process_of(*refused))};
  draft.evidence = {evidence_of(*refused), evidence_of(*unlimited)};
  draft.confidence = Confidence::Likely;
  draft.explains = {"memlock-limit"};
  findings.add(std::move(draft));
}

/// A listing of /dev/shm with segments of NCCL beside the message that it is full.
void shm_full_of_leftovers(const Context& context, FindingSet& findings) {
  const RuleHit* full = nullptr;
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id == "shm-too-small" && !full) full = &hit;
  }
  Draft draft{.id = "shm-leftover-segments"};
  uint64_t listed = 0;
  constexpr uint64_t kMoreThanRunning = 16;  // of a start that fails only a few are alive
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id != "shm-leftover-segments") continue;
    listed += hit.notable->count;
    if (draft.evidence.size() < 3) draft.evidence.push_back(evidence_of(hit));
  }
  if (!full || listed < kMoreThanRunning) return;
  draft.evidence.push_back(evidence_of(*full));
  draft.where = {context.where(context.process_of(*full))};
  draft.confidence = Confidence::Likely;
  findings.add(std::move(draft));
}

}  // namespace

void detect_resources(const Context& context, FindingSet& findings) {
  card_is_full(context, findings);
  shm_full_of_leftovers(context, findings);
}

}  // namespace rankdx
