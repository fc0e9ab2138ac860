// Ranks, sizes and versions that do not fit together.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "diagnose/context.h"

namespace rankdx {
namespace {

Evidence start_of(const Context& context, const Member& member) {
  const CommFacts& f = *member.facts;
  return context.evidence(*member.source, f.start.line ? f.start : f.complete);
}

void duplicate_ranks(const Context& context, const Communicator& comm, FindingSet& findings) {
  for (size_t i = 1; i < comm.ranks.size(); ++i) {
    const Member& a = comm.ranks[i - 1];
    const Member& b = comm.ranks[i];
    if (a.rank != b.rank || a.process == b.process || !a.facts->has_comm_id) continue;
    Draft draft{.id = "duplicate-rank"};
    draft.captures = {{"rank", std::to_string(a.rank)},
                      {"nranks", std::to_string(comm.nranks)},
                      {"missing", rank_list(comm.missing_ranks)}};
    for (const Member& m : {a, b}) {
      Where w = context.where(m.process);
      w.rank = m.rank;
      draft.where.push_back(w);
      draft.evidence.push_back(start_of(context, m));
    }
    draft.confidence = Confidence::Certain;
    findings.add(std::move(draft));
  }
}

void different_sizes(const Context& context, const Communicator& comm, FindingSet& findings) {
  std::map<int, std::vector<const Member*>> sizes;
  for (const Member& m : comm.ranks) {
    if (m.facts->nranks > 0 && m.facts->has_comm_id) sizes[m.facts->nranks].push_back(&m);
  }
  if (sizes.size() < 2) return;
  Draft draft{.id = "world-size-differs-between-ranks"};
  std::string text;
  for (const auto& [size, members] : sizes) {
    std::vector<int> ranks;
    for (const Member* m : members) ranks.push_back(m->rank);
    text += fmt::format("{}{} ({} {})", text.empty() ? "" : ", ", size,
                        ranks.size() > 1 ? "ranks" : "rank", rank_list(ranks));
    draft.evidence.push_back(start_of(context, *members.front()));
    if (size == comm.nranks) continue;
    for (const Member* m : members) draft.where.push_back(context.where(m->process));
  }
  draft.captures = {{"sizes", text}};
  draft.confidence = Confidence::Certain;
  findings.add(std::move(draft));
}

/// "2.28.9+cuda13.0" as 22809; 0 when it is none.
int version_number(std::string_view text) {
  int parts[3] = {0, 0, 0};
  int at = 0;
  for (char c : text) {
    if (c == '.' && at < 2)
      ++at;
    else if (c >= '0' && c <= '9' && parts[at] < 1000)
      parts[at] = parts[at] * 10 + (c - '0');
    else
      break;
  }
  return parts[0] * 10000 + parts[1] * 100 + parts[2];
}

/// What is known of a process's version: the exact text, or bounds by the wording of its lines.
struct VersionRange {
  int at_least = 0, at_most = 999999;
  std::string text;
  const KeptLine* line = nullptr;
};

VersionRange range_of(const ProcessFacts& p) {
  VersionRange r;
  if (!p.versions.empty()) {
    const int v = version_number(p.versions.front());
    return {v, v, p.versions.front().substr(0, p.versions.front().find('+')), &p.version_line};
  }
  if (p.version_at_least) r.at_least = p.version_at_least, r.line = &p.at_least_line;
  if (p.version_at_most) r.at_most = p.version_at_most, r.line = &p.at_most_line;
  auto dotted = [](int v) { return fmt::format("{}.{}.{}", v / 10000, v / 100 % 100, v % 100); };
  if (r.at_most < 999999)
    r.text = dotted(r.at_most) + " or older";
  else if (r.at_least)
    r.text = dotted(r.at_least) + " or newer";
  return r;
}

void different_versions(const Context& context, const Communicator& comm, FindingSet& findings) {
  const Member* first = nullptr;
  VersionRange low;
  for (const Member& m : comm.ranks) {
    const ProcessFacts& p = *context.job.processes[m.process].facts.front();
    const VersionRange r = range_of(p);
    if (!r.line) continue;
    if (!first) {
      first = &m, low = r;
      continue;
    }
    if (r.at_least <= low.at_most && low.at_least <= r.at_most) continue;
    const bool done = std::all_of(comm.ranks.begin(), comm.ranks.end(), [](const Member& x) {
      return x.facts->stage >= Stage::InitComplete && !x.facts->failed;
    });
    Draft draft{.id = "nccl-version-differs-between-ranks"};
    const Where a = context.where(first->process), b = context.where(m.process);
    draft.captures = {{"a", low.text}, {"host_a", a.host}, {"b", r.text}, {"host_b", b.host}};
    draft.where = {a, b};
    draft.evidence = {context.evidence(*first->source, *low.line),
                      context.evidence(*m.source, *r.line)};
    const bool printed = low.at_least == low.at_most && r.at_least == r.at_most;
    draft.confidence = printed && !done ? Confidence::Certain : Confidence::Likely;
    if (done) draft.severity = Severity::Warning;
    findings.add(std::move(draft));
    return;
  }
}

/// Without a communicator in common: the versions that hosts printed, if something failed as well.
void different_versions_of_hosts(const Context& context, FindingSet& findings) {
  if (context.job.nccl_versions.size() < 2 || findings.has("nccl-version-differs-between-ranks") ||
      !context.any_failure_sign())
    return;
  const VersionSeen *a = &context.job.nccl_versions[0], *b = &context.job.nccl_versions[1];
  if (a->hosts.empty() || b->hosts.empty() || a->hosts == b->hosts) return;
  Draft draft{.id = "nccl-version-differs-between-ranks"};
  draft.captures = {{"a", a->version},
                    {"host_a", a->hosts.front()},
                    {"b", b->version},
                    {"host_b", b->hosts.front()}};
  for (const VersionSeen* v : {a, b}) {
    const int process = v->processes.front();
    const Process& p = context.job.processes[process];
    draft.where.push_back(context.where(process));
    draft.evidence.push_back(context.evidence(*p.sources.front(), p.facts.front()->version_line));
  }
  draft.confidence = Confidence::Likely;
  findings.add(std::move(draft));
}

/// One host name with two addresses on one interface: two machines that call themselves the same.
/// NCCL then tries to share memory between them.
void same_name_two_machines(const Context& context, FindingSet& findings) {
  struct Seen {
    std::string address;
    int process;
    Evidence evidence;
  };
  std::map<std::pair<std::string, std::string>, Seen> first;  // by host and interface
  for (size_t i = 0; i < context.job.processes.size(); ++i) {
    const Process& p = context.job.processes[i];
    for (size_t k = 0; k < p.facts.size(); ++k) {
      for (const InterfaceFacts& f : p.facts[k]->interfaces) {
        if (!f.bootstrap || p.host.empty() || f.address.find(':') != std::string::npos) continue;
        const int process = static_cast<int>(i);
        const Evidence evidence = context.evidence(*p.sources[k], f.at);
        const auto [at, fresh] =
            first.try_emplace({p.host, f.name}, Seen{f.address, process, evidence});
        if (fresh || at->second.address == f.address) continue;
        Draft draft{.id = "duplicate-hostname"};
        draft.captures = {{"host", p.host}, {"a", at->second.address}, {"b", f.address}};
        draft.where = {context.where(at->second.process), context.where(process)};
        draft.evidence = {at->second.evidence, evidence};
        draft.rule = findings.pack().find("duplicate-hostname", "two-addresses");
        const bool failed = context.any_failure_sign();
        draft.severity = failed ? Severity::Error : Severity::Info;
        if (!failed) draft.role = Role::Note;
        findings.add(std::move(draft));
        return;
      }
    }
  }
}

}  // namespace

void detect_identity(const Context& context, FindingSet& findings) {
  for (const Communicator& comm : context.job.communicators) {
    duplicate_ranks(context, comm, findings);
    different_sizes(context, comm, findings);
    different_versions(context, comm, findings);
  }
  different_versions_of_hosts(context, findings);
  same_name_two_machines(context, findings);
}

}  // namespace rankdx
