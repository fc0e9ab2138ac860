// Values of variables that are harmless words by themselves and prove to be the cause by what
// happened: an address family nobody has, buffers that nobody can allocate.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "diagnose/context.h"

namespace rankdx {
namespace {

constexpr int64_t kDefaultBuffer = int64_t{4} << 20;  // NCCL init.cc DEFAULT_BUFFSIZE
constexpr int64_t kSuspectBuffer = kDefaultBuffer * 4;

/// Findings that a buffer could not be allocated or registered. Sorted.
constexpr std::array<std::string_view, 7> kNoBuffer = {"efa-memory-registration-failed",
                                                       "gdr-not-enabled",
                                                       "gpu-oom-in-nccl",
                                                       "ib-resources-exhausted-at-scale",
                                                       "memlock-limit",
                                                       "pinned-host-alloc-failed",
                                                       "shm-too-small"};

const RuleHit* first_hit(const Context& context, auto wanted) {
  const auto hit = std::find_if(context.hits.begin(), context.hits.end(), [&](const RuleHit& h) {
    return h.rule->harmless.empty() && h.rule->severity == Severity::Error && wanted(h);
  });
  return hit == context.hits.end() ? nullptr : &*hit;
}

void huge_buffers(const Context& context, FindingSet& findings) {
  const EnvSeen* size = context.env("NCCL_BUFFSIZE");
  if (!size) return;
  const auto value = parse_int<int64_t>(size->value);
  if (!value || *value < kSuspectBuffer) return;
  const RuleHit* refused = first_hit(context, [](const RuleHit& h) {
    return std::binary_search(kNoBuffer.begin(), kNoBuffer.end(), h.rule->id);
  });
  if (!refused) return;
  Draft draft{.id = "nccl-buffsize-too-large"};
  draft.where = {context.where(context.process_of(*refused))};
  draft.evidence = {{size->source, size->at.line, size->at.text},
                    {refused->source->name, refused->notable->line, refused->notable->text}};
  draft.captures = {{"value", size->value},
                    {"times", std::to_string(*value / kDefaultBuffer)},
                    {"error", refused->rule->id}};
  findings.add(std::move(draft));
}

void family_without_address(const Context& context, FindingSet& findings) {
  const EnvSeen* family = context.env("NCCL_SOCKET_FAMILY");
  if (!family || family->value.empty()) return;
  const RuleHit* nothing = first_hit(context, [](const RuleHit& h) {
    return h.rule->id == "socket-ifname-matches-nothing" && h.notable->level != Level::None;
  });
  if (!nothing) return;
  const int process = context.process_of(*nothing);
  // The interface filter can be at fault as well: then both stay open.
  const EnvSeen* filter = context.env("NCCL_SOCKET_IFNAME");
  Draft draft{.id = "socket-family-has-no-address"};
  draft.where = {context.where(process)};
  draft.evidence = {{nothing->source->name, nothing->notable->line, nothing->notable->text},
                    {family->source, family->at.line, family->at.text}};
  draft.captures = {
      {"family", family->value},
      {"host", draft.where.front().host.empty() ? "this host" : draft.where.front().host}};
  if (filter) {
    draft.evidence.push_back({filter->source, filter->at.line, filter->at.text});
    draft.confidence = Confidence::Possible;
    draft.needs = {fmt::format("ip -br addr inside the container: has {} an address of {}?",
                               filter->value, family->value)};
  }
  findings.add(std::move(draft));
}

}  // namespace

void detect_settings(const Context& context, FindingSet& findings) {
  huge_buffers(context, findings);
  family_without_address(context, findings);
}

}  // namespace rankdx
