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

/// "PG ID 2 PG GUID 3(tp)": which group a line of the watchdog is about; "" in older versions.
std::string group_of(std::string_view text) {
  const size_t open = text.find("[PG ");
  const size_t rank = open == text.npos ? text.npos : text.find("Rank ", open);
  return rank == text.npos ? "" : std::string(text.substr(open, rank - open));
}

/// The rank inside the group, behind its name: "Rank 3]"; else the launcher's label.
int rank_of(const RuleHit& hit) {
  const std::string_view text = hit.notable->body;
  const size_t at = text.find("Rank ");
  if (at != text.npos) {
    size_t end = at + 5;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (const auto rank = parse_int<int>(text.substr(at + 5, end - at - 5))) return *rank;
  }
  return hit.notable->label_rank;
}

struct Enqueued {
  int64_t number = -1;
  const RuleHit* hit = nullptr;
};

/// Ranks whose last enqueued call lies before the one in which the others wait: they never asked
/// for it.
void behind_the_others(const Context& context, FindingSet& findings) {
  std::map<std::string, std::map<int, Enqueued>> groups;
  for (const RuleHit& hit : context.hits) {
    if (hit.rule->id != "collective-timeout-cause-unknown") continue;
    const auto found = hit.captures.find("enqueued");
    const auto number =
        found == hit.captures.end() ? std::nullopt : parse_int<int64_t>(found->second);
    if (!number || rank_of(hit) < 0) continue;
    Enqueued& e = groups[group_of(hit.notable->body)][rank_of(hit)];
    if (*number > e.number) e = {*number, &hit};
  }
  for (const auto& [group, ranks] : groups) {
    int64_t most = -1;
    for (const auto& [rank, e] : ranks) most = std::max(most, e.number);
    Draft draft{.id = "straggler-ranks"};
    std::vector<int> behind;
    for (const auto& [rank, e] : ranks) {
      if (e.number >= most) continue;
      behind.push_back(rank);
      Where w;
      w.rank = rank;
      draft.where.push_back(w);
      draft.evidence.push_back({e.hit->source->name, e.hit->notable->line, e.hit->notable->text});
    }
    // More than half of them behind is no straggler but two ways through the program.
    if (behind.empty() || behind.size() * 2 > ranks.size()) continue;
    draft.captures = {{"ranks", rank_list(behind)}};
    draft.explains = {"collective-timeout-cause-unknown"};
    draft.confidence = Confidence::Likely;
    findings.add(std::move(draft));
  }
}

Evidence evidence_of(const Waiting& w) {
  return {w.hit->source->name, w.hit->notable->line, w.hit->notable->text};
}

}  // namespace

// Ranks that wait in collectives with different numbers are out of step: no slow rank explains
// that.
void detect_watchdogs(const Context& context, FindingSet& findings) {
  behind_the_others(context, findings);
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
