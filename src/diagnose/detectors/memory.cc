// GPU memory that does not suffice: flag values computed from the numbers that the message prints.
#include <algorithm>

#include "base/text.h"
#include "diagnose/context.h"
#include "memory/advice.h"

namespace rankdx {
namespace {

std::optional<double> decimal(const RuleHit& hit, const char* name) {
  auto found = hit.captures.find(name);
  return found == hit.captures.end() ? std::nullopt : parse_double(found->second);
}

std::optional<int64_t> integer(const RuleHit& hit, const char* name) {
  auto found = hit.captures.find(name);
  return found == hit.captures.end() ? std::nullopt : parse_int<int64_t>(found->second);
}

MemoryFacts facts_of(const RuleHit& hit) {
  MemoryFacts f;
  f.max_model_len = integer(hit, "length");
  f.needed_gib = decimal(hit, "need");
  f.available_gib = decimal(hit, "have");
  f.estimated_len = integer(hit, "most");
  f.total_gib = decimal(hit, "total");
  f.utilization = decimal(hit, "share");
  return f;
}

}  // namespace

void detect_memory(const Context& context, FindingSet& findings) {
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id != "kv-cache-too-small-for-max-len" || !hit.captures.count("need")) continue;
    auto finding = std::find_if(findings.all().begin(), findings.all().end(),
                                [&](const Finding& f) { return f.id == hit.rule->id; });
    if (finding == findings.all().end()) return;
    std::vector<Fix> computed = as_fixes(advise_from_numbers(facts_of(hit)));
    finding->fix.insert(finding->fix.begin(), computed.begin(), computed.end());
    return;
  }
}

}  // namespace rankdx
