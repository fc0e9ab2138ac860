// A model that some nodes have and others lack: every worker opens it by the same path.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/context.h"

namespace rankdx {
namespace {

/// Findings that say that a process did not find its model. Sorted.
constexpr std::array<std::string_view, 5> kAbsence = {
    "model-hub-unreachable", "model-path-missing", "model-shard-missing",
    "offline-model-not-cached", "tokenizer-files-missing"};

/// The node or pod that a line of text comes from, as far as the line or its file tells: Ray's
/// address of the worker, the pod of the log collector, or the host of the same process's NCCL
/// lines. "" when nothing tells.
std::string node_of(const Context& context, const RuleHit& hit) {
  const std::string& text = hit.notable->text;
  const size_t actor = text.find(" pid=");
  const size_t ip = text.find(", ip=");
  if (actor != text.npos && ip != text.npos && ip > actor) {
    const size_t begin = ip + 5;
    return text.substr(begin, text.find_first_of(", )", begin) - begin);
  }
  const Where where = context.where(context.process_of(hit));
  if (!where.pod.empty()) return where.pod.substr(0, where.pod.find('/'));
  if (!where.host.empty()) return where.host;
  return {};
}

/// Ray prints no address for the workers of the driver's own node.
bool is_ray_line(const RuleHit& hit) {
  return hit.notable->text.find("RayWorker") != std::string::npos;
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

void detect_model_files(const Context& context, FindingSet& findings) {
  std::set<std::string> absent, loading;
  std::vector<const RuleHit*> complaints;
  const bool many_sources = context.facts.sources.size() > 1;
  auto place = [&](const RuleHit& hit) {
    std::string node = node_of(context, hit);
    if (node.empty() && is_ray_line(hit)) return std::string("the driver's node");
    return node.empty() && many_sources ? hit.source->name : node;
  };
  for (const RuleHit& hit : context.hits) {
    const bool loads = hit.rule->id == "model-missing-on-worker-node";
    const bool complains = std::binary_search(kAbsence.begin(), kAbsence.end(), hit.rule->id) &&
                           hit.rule->role == Role::RootCause;
    if (!loads && !complains) continue;
    const std::string node = place(hit);
    if (node.empty()) continue;
    (loads ? loading : absent).insert(node);
    if (complains) complaints.push_back(&hit);
  }
  std::set<std::string> others;
  std::set_difference(loading.begin(), loading.end(), absent.begin(), absent.end(),
                      std::inserter(others, others.end()));
  // A node that loads and complains as well complains about another file.
  std::erase_if(absent, [&](const std::string& node) { return loading.count(node) != 0; });
  if (absent.empty() || others.empty()) return;
  Draft draft{.id = "model-missing-on-worker-node"};
  for (const RuleHit* hit : complaints) {
    if (!absent.count(place(*hit))) continue;
    draft.where.push_back(context.where(context.process_of(*hit)));
    draft.evidence.push_back({hit->source->name, hit->notable->line, hit->notable->text});
  }
  draft.captures = {{"hosts", joined(absent)}, {"others", joined(others)}};
  findings.add(std::move(draft));
}

}  // namespace rankdx
