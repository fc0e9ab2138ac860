#include "diagnose/diagnose.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/causes.h"
#include "diagnose/context.h"
#include "diagnose/tracebacks.h"

namespace rankdx {
namespace {

constexpr Detector kDetectors[] = {detect_identity,    detect_interfaces,  detect_environment,
                                   detect_connections, detect_progress,    detect_networks,
                                   detect_transports,  detect_collectives, detect_watchdogs,
                                   detect_memory,      detect_plugins,     detect_model_files,
                                   detect_settings,    detect_data_path,   detect_rendezvous,
                                   detect_resources,   detect_pace,        detect_stragglers,
                                   detect_output,      detect_last_words,  detect_silent_ends};

std::optional<int> number(const RuleHit& hit, const char* name) {
  auto found = hit.captures.find(name);
  if (found == hit.captures.end() || found->second.empty() || found->second.size() > 9)
    return std::nullopt;
  if (found->second.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::stoi(found->second);
}

/// The process that holds a rank, preferably in the communicator that the line was about.
int process_of_rank(const Context& context, int rank) {
  for (const Communicator& comm : context.job.communicators) {
    if (const Member* m = comm.member(rank)) return m->process;
  }
  return -1;
}

std::vector<Where> accused(const Context& context, const RuleHit& hit) {
  const Rule& rule = *hit.rule;
  if (rule.guilty == Guilty::None) {
    Where w;
    w.pod = context.pod_of(hit);
    if (w.pod.empty()) return {};
    return {w};
  }
  if (rule.guilty == Guilty::Rank) {
    std::vector<Where> list;
    for (const char* name : {"rank", "rank2"}) {
      const std::optional<int> rank = number(hit, name);
      if (!rank) continue;
      Where w = context.where(process_of_rank(context, *rank));
      w.rank = *rank;
      list.push_back(w);
    }
    if (!list.empty()) return list;
  }
  if (rule.guilty == Guilty::Peer) {
    Where w;
    auto peer = hit.captures.find("peer");
    if (peer != hit.captures.end()) {
      w.peer = peer->second;
      const int host = context.host_of_address(peer->second.substr(0, peer->second.find('<')));
      if (host >= 0) w.host = context.job.hosts[host].name;
    }
    return {w};
  }
  Where w = context.where(context.process_of(hit));
  if (!w.rank && hit.notable->label_rank >= 0) w.rank = hit.notable->label_rank;
  return {w};
}

/// A later line of the same source shows that this passed: a pod that waited was scheduled. Where
/// both lines name their pod, it must be the same.
bool is_settled(const Context& context, const RuleHit& hit) {
  const auto& by = hit.rule->settled_by;
  if (by.empty()) return false;
  return std::any_of(context.hits.begin(), context.hits.end(), [&](const RuleHit& o) {
    if (o.rule->id != hit.rule->id || o.source != hit.source) return false;
    if (std::find(by.begin(), by.end(), o.rule->variant) == by.end()) return false;
    const std::string a = context.pod_of(hit), b = context.pod_of(o);
    if (!a.empty() && !b.empty() && a != b) return false;
    return o.notable->last_line > hit.notable->last_line;
  });
}

void add_hits(const Context& context, FindingSet& findings) {
  std::map<const Rule*, uint64_t> seen;
  std::map<const Notable*, int> rules_of_line;
  for (const RuleHit& hit : context.hits) {
    seen[hit.rule] += hit.notable->count;
    ++rules_of_line[hit.notable];
  }
  for (const RuleHit& hit : context.hits) {
    if (!hit.rule->harmless.empty() || seen[hit.rule] < static_cast<uint64_t>(hit.rule->at_least))
      continue;
    // A note about a line that another rule explains says nothing new.
    if (hit.rule->role == Role::Note && rules_of_line[hit.notable] > 1) continue;
    if (is_settled(context, hit)) continue;
    const auto& unless = hit.rule->unless;
    const bool silenced = std::any_of(unless.begin(), unless.end(), [&](const std::string& id) {
      return id != hit.rule->id && context.hit(id);
    });
    if (silenced) continue;
    Draft draft{.id = hit.rule->id};
    draft.captures = hit.captures;
    const Where self = context.where(context.process_of(hit));
    draft.captures.emplace("host", self.host.empty() ? "this host" : self.host);
    draft.captures.emplace("rank", self.rank ? std::to_string(*self.rank) : "?");
    draft.where = accused(context, hit);
    draft.evidence = {{hit.source->name, hit.notable->line, hit.notable->text}};
    draft.rule = hit.rule;
    findings.add(std::move(draft));
  }
}

std::string place_of(const Finding& f) {
  std::vector<int> ranks;
  std::set<std::string> hosts;
  for (const Where& w : f.where) {
    if (w.rank) ranks.push_back(*w.rank);
    if (!w.host.empty()) hosts.insert(w.host);
  }
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  std::string text;
  if (!ranks.empty()) text += " (rank " + rank_list(ranks);
  if (!hosts.empty() && hosts.size() <= 3) {
    text += text.empty() ? " (" : " on ";
    for (auto it = hosts.begin(); it != hosts.end(); ++it)
      text += (it == hosts.begin() ? "" : ", ") + *it;
  }
  return text.empty() ? text : text + ")";
}

std::string summary_of(const Diagnosis& d, const Job& job) {
  switch (d.verdict) {
    case Verdict::Healthy:
      if (job.input.nccl_lines == 0)
        return fmt::format("No problem found in {} lines, none of them NCCL's.", job.input.lines);
      return fmt::format("No problem found in {} NCCL lines of {} processes on {} hosts.",
                         job.input.nccl_lines, job.processes.size(), job.hosts.size());
    case Verdict::Undetermined:
      if (d.findings.front().role == Role::Note) return d.findings.front().title;
      return "The cause cannot be decided from these lines; best guess: " +
             d.findings.front().title + place_of(d.findings.front());
    default:
      return d.findings.front().title + place_of(d.findings.front());
  }
}

/// A try after which the source goes on for long was overcome: no hit.
bool overcome(const RuleHit& hit) {
  const auto near_end = static_cast<uint64_t>(hit.rule->last_lines);
  return near_end && hit.notable->last_line + near_end < hit.source->lines;
}

}  // namespace

Diagnosis diagnose(const Facts& facts, const Job& job, RuleMatcher& rules,
                   const DiagnoseOptions& options) {
  std::vector<RuleHit> hits = rules.match_all(facts);
  std::erase_if(hits, overcome);
  Context context(facts, job, hits);
  context.model_directory = options.model_directory;
  FindingSet findings(rules.pack());
  add_hits(context, findings);
  for (Detector detector : kDetectors) detector(context, findings);
  Diagnosis d;
  d.findings = std::move(findings.all());
  order_causes(context, rules.pack(), d.findings);
  add_frames(context, d.findings);
  d.verdict = verdict_of(context, d.findings);
  d.summary = summary_of(d, job);
  return d;
}

}  // namespace rankdx
