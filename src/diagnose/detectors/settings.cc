// Values of variables that are harmless words by themselves and prove to be the cause by what
// happened: an address family nobody has, buffers that nobody can allocate, a GID that no router
// knows.
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

/// Findings that RDMA peers do not reach each other. Sorted.
constexpr std::array<std::string_view, 3> kNoPeer = {
    "rdma-nics-not-connected", "rdma-peer-not-acknowledging", "roce-no-route"};

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

bool has_roce(const Context& context) {
  return std::any_of(
      context.job.processes.begin(), context.job.processes.end(), [](const Process& p) {
        return std::any_of(p.facts.begin(), p.facts.end(), [](const auto* f) {
          return std::any_of(f->ib_devices.begin(), f->ib_devices.end(),
                             [](std::string_view d) { return d.ends_with("/RoCE"); });
        });
      });
}

/// The first two entries of an Ethernet port's table are made of its link-local address, in RoCE v1
/// and v2: they reach one network segment at best.
void link_local_gid(const Context& context, FindingSet& findings) {
  const EnvSeen* index = context.env("NCCL_IB_GID_INDEX");
  if (!index || (index->value != "0" && index->value != "1") || !has_roce(context)) return;
  const RuleHit* unreached = first_hit(context, [](const RuleHit& h) {
    return std::binary_search(kNoPeer.begin(), kNoPeer.end(), h.rule->id);
  });
  if (!unreached) return;
  Draft draft{.id = "roce-gid-wrong"};
  draft.rule = findings.pack().find("roce-gid-wrong", "link-local-index");
  draft.where = {context.where(context.process_of(*unreached))};
  draft.evidence = {{unreached->source->name, unreached->notable->line, unreached->notable->text},
                    {index->source, index->at.line, index->at.text}};
  draft.captures = {{"index", index->value}};
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
  link_local_gid(context, findings);
  family_without_address(context, findings);
}

}  // namespace rankdx
