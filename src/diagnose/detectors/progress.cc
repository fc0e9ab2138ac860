// Who is missing, who died, who is behind: read from how far each rank got and what the others say
// of it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "diagnose/complaints.h"

namespace rankdx {
namespace {

bool complete(const Member& m) { return m.facts->stage >= Stage::InitComplete; }

/// Lines that stand for several, or a log that shows only a few lines of a rank: absence proves
/// nothing there.
bool shows_everything(const Context& context, const Communicator& comm) {
  return std::all_of(comm.ranks.begin(), comm.ranks.end(), [&](const Member& m) {
    const Process& p = context.job.processes[m.process];
    constexpr uint64_t kFewLines = 4;
    return m.facts->start.line && m.source->repeated_messages == 0 &&
           p.facts.front()->nccl_lines >= kFewLines;
  });
}

/// Nobody passes the bootstrap of a communicator before all its ranks are there (bootstrap.cc).
bool stuck_in_bootstrap(const Communicator& comm) {
  return std::all_of(comm.ranks.begin(), comm.ranks.end(), [](const Member& m) {
    return m.facts->start.line && m.facts->stage <= Stage::InitStart;
  });
}

/// Processes of the job that could be the missing ranks: members of a greater communicator, but of
/// none of this size.
std::vector<int> absentees(const Context& context, const Communicator& comm) {
  std::set<int> busy, known;
  for (const Communicator& c : context.job.communicators) {
    for (const Member& m : c.ranks) {
      known.insert(m.process);
      if (c.nranks == comm.nranks) busy.insert(m.process);
    }
  }
  std::vector<int> idle;
  for (size_t i = 0; i < context.job.processes.size(); ++i) {
    const bool ours = !context.job.processes[i].host.empty() && !busy.count(static_cast<int>(i));
    if (ours && (known.count(static_cast<int>(i)) || known.empty()))
      idle.push_back(static_cast<int>(i));
  }
  return idle;
}

/// Hosts on which a missing rank would run, where the ranks are laid out in equal blocks.
std::string host_of_missing(const Context& context, const Communicator& comm, int rank) {
  std::map<int, std::vector<int>> by_host;
  for (const Member& m : comm.ranks)
    by_host[context.job.processes[m.process].host_index].push_back(m.rank);
  size_t block = 0;
  for (const auto& [host, ranks] : by_host) block = std::max(block, ranks.size());
  if (block == 0 || comm.nranks % static_cast<int>(block) != 0) return {};
  for (const auto& [host, ranks] : by_host) {
    if (ranks.front() / static_cast<int>(block) == rank / static_cast<int>(block) &&
        ranks.size() < block) {
      return context.job.hosts[host].name;
    }
  }
  return {};
}

/// Inputs that could not be read: what seems to be missing may stand there.
std::vector<std::string> unread_inputs(const Context& context) {
  std::vector<std::string> places;
  for (const LeftOutFacts& l : context.facts.left_out) {
    const bool unread = l.code == ErrorCode::Unreadable || l.code == ErrorCode::Corrupt;
    if (unread && (places.empty() || places.back() != l.place)) places.push_back(l.place);
  }
  return places;
}

void missing_ranks(const Context& context, const Communicator& comm, Confidence confidence,
                   std::vector<Evidence> evidence, FindingSet& findings) {
  Draft draft{.id = "rank-never-arrived"};
  const std::vector<int> idle = absentees(context, comm);
  if (idle.size() == comm.missing_ranks.size()) {
    for (int p : idle) draft.where.push_back(context.where(p));
  } else {
    constexpr size_t kMaxNamed = 64;
    for (size_t i = 0; i < std::min(comm.missing_ranks.size(), kMaxNamed); ++i) {
      Where w;
      w.rank = comm.missing_ranks[i];
      w.host = host_of_missing(context, comm, comm.missing_ranks[i]);
      draft.where.push_back(w);
    }
  }
  draft.evidence = std::move(evidence);
  std::vector<int> present;
  for (const Member& m : comm.ranks) {
    present.push_back(m.rank);
    if (draft.evidence.size() < 4)
      draft.evidence.push_back(context.evidence(*m.source, m.facts->start));
  }
  draft.captures = {{"ranks", rank_list(comm.missing_ranks)},
                    {"present", rank_list(present)},
                    {"nranks", std::to_string(comm.nranks)}};
  draft.confidence = confidence;
  draft.needs = {"the logs and exit codes of rank " + rank_list(comm.missing_ranks) +
                 ", if they were started"};
  if (const auto unread = unread_inputs(context); !unread.empty()) {
    draft.confidence = Confidence::Possible;
    draft.needs.push_back(unread.size() == 1
                              ? unread.front() + ", which could not be read"
                              : fmt::format("the {} inputs that could not be read, {} first",
                                            unread.size(), unread.front()));
  }
  findings.add(std::move(draft));
}

void dead_ranks(const Context& context, const std::set<int>& processes, Confidence confidence,
                std::vector<Evidence> evidence, FindingSet& findings) {
  Draft draft{.id = "rank-process-died"};
  std::vector<int> ranks;
  std::set<int> hosts;
  for (int p : processes) {
    draft.where.push_back(context.where(p));
    if (draft.where.back().rank) ranks.push_back(*draft.where.back().rank);
    hosts.insert(context.job.processes[p].host_index);
    const Process& process = context.job.processes[p];
    evidence.push_back(
        context.evidence(*process.sources.front(), process.facts.front()->last_nccl));
  }
  std::sort(ranks.begin(), ranks.end());
  draft.captures = {{"ranks", rank_list(ranks)}, {"hosts", context.host_list(hosts)}};
  draft.evidence = std::move(evidence);
  draft.confidence = confidence;
  draft.needs = {"exit code, kernel log and pod status of rank " + rank_list(ranks)};
  findings.add(std::move(draft));
}

/// Ranks on the accused host (any: -1) that do not complain themselves and are furthest behind.
std::set<int> silent_on(const Context& context, const Communicator& comm, int host,
                        const std::set<int>& complaining) {
  std::set<int> silent;
  MemberProgress least{Stage::Failed, SIZE_MAX, UINT64_MAX};
  for (const Member& m : comm.ranks) {
    const Process& p = context.job.processes[m.process];
    if ((host >= 0 && p.host_index != host) || complaining.count(m.process) || m.facts->failed)
      continue;
    const MemberProgress progress = progress_of(m);
    if (progress < least) silent.clear(), least = progress;
    if (progress == least) silent.insert(m.process);
  }
  return silent;
}

/// Past the bootstrap the main thread connects to proxy services of its own host only; the network
/// is the proxy thread's (proxy.cc, transport/net.cc, up to 2.26). -1 when the complaints tell no
/// single host.
int host_of_local_calls(const Context& context, const std::vector<Complaint>& complaints) {
  std::set<int> hosts;
  for (const Complaint& c : complaints) {
    if (c.kind != Refusal::Refused) continue;
    hosts.insert(c.retry->from_main_thread ? context.job.processes[c.process].host_index : -1);
  }
  return hosts.size() == 1 ? *hosts.begin() : -1;
}

bool past_bootstrap(const Communicator& comm) {
  return std::any_of(comm.ranks.begin(), comm.ranks.end(),
                     [](const Member& m) { return m.facts->stage > Stage::InitStart; });
}

/// Hosts that gave their peers an address of no use: that they refuse is explained, and says
/// nothing of their processes.
std::set<std::string> hosts_with_wrong_interface(const FindingSet& findings) {
  std::set<std::string> hosts;
  for (std::string_view id : {"loopback-selected", "no-usable-network-interface",
                              "unreachable-interface-selected", "ipv6-link-local-selected"}) {
    const Finding* f = findings.find(id);
    if (!f || f->confidence == Confidence::Possible) continue;
    for (const Where& w : f->where) hosts.insert(w.host);
  }
  return hosts;
}

/// Connections refused by a host: the process that listened there is gone, or it never came.
bool refused(const Context& context, const Communicator& comm, FindingSet& findings) {
  const std::vector<Complaint> complaints = open_complaints(context);
  std::set<int> complaining;
  std::vector<Evidence> evidence;
  bool gave_up = false;
  for (const Complaint& c : complaints) {
    if (c.kind != Refusal::Refused) continue;
    complaining.insert(c.process);
    gave_up |= c.retry->exhausted;
    if (evidence.size() < 4) evidence.push_back(context.evidence(*c.source, c.retry->last));
  }
  if (complaining.empty()) return false;
  if (!names_a_target(complaints, Refusal::Refused)) {
    // Versions that print no address: the silent rank that is furthest behind, on the own host or
    // on any.
    const std::set<int> silent =
        silent_on(context, comm, host_of_local_calls(context, complaints), complaining);
    if (!silent.empty() && silent.size() * 2 <= comm.ranks.size() && past_bootstrap(comm)) {
      dead_ranks(context, silent, silent.size() == 1 ? Confidence::Likely : Confidence::Possible,
                 evidence, findings);
      return true;
    }
  }
  const std::set<int> accused = accused_hosts(context, complaints, Refusal::Refused);
  const std::set<std::string> explained = hosts_with_wrong_interface(findings);
  bool any_explained = false;
  for (int host : accused) {
    if (explained.count(context.job.hosts[host].name)) {
      any_explained = true;
      continue;
    }
    const std::set<int> silent = silent_on(context, comm, host, complaining);
    size_t on_host = 0;
    for (const Member& m : comm.ranks)
      on_host += context.job.processes[m.process].host_index == host;
    if (silent.empty()) continue;
    if (!past_bootstrap(comm) && silent.size() == on_host && comm.missing_ranks.empty() &&
        gave_up) {
      // All ranks of the host came as far as the others and wait: a firewall that answers with a
      // reset looks like this.
      Draft draft{.id = "node-to-node-traffic-blocked"};
      draft.where.push_back({.host = context.job.hosts[host].name,
                             .pod = "",
                             .rank = {},
                             .gpu = {},
                             .peer = "",
                             .interface = ""});
      draft.captures = {
          {"host", context.job.hosts[host].name}, {"error", "Connection refused"}, {"peer", ""}};
      draft.evidence = evidence;
      draft.confidence = Confidence::Possible;
      findings.add(std::move(draft));
      return true;
    }
    if (silent.size() < comm.ranks.size()) {
      dead_ranks(context, silent, silent.size() == 1 ? Confidence::Likely : Confidence::Possible,
                 evidence, findings);
      return true;
    }
  }
  if (!comm.missing_ranks.empty() && comm.missing_ranks.size() < static_cast<size_t>(comm.nranks)) {
    missing_ranks(context, comm, Confidence::Likely, evidence, findings);
    return true;
  }
  return any_explained;
}

/// RAS threads that cannot reach the RAS address of a process (2.24.3 and later).
bool lost_by_ras(const Context& context, FindingSet& findings) {
  std::map<std::string, int> owner;
  for (size_t i = 0; i < context.job.processes.size(); ++i) {
    for (const ProcessFacts* f : context.job.processes[i].facts) {
      if (!f->ras_address.empty()) owner[f->ras_address] = static_cast<int>(i);
    }
  }
  std::set<int> dead;
  std::vector<Evidence> evidence;
  for (const Process& p : context.job.processes) {
    for (size_t k = 0; k < p.facts.size(); ++k) {
      for (const RasTimeoutFacts& t : p.facts[k]->ras_timeouts) {
        auto found = owner.find(t.address);
        if (found == owner.end()) continue;
        dead.insert(found->second);
        if (evidence.size() < 4) evidence.push_back(context.evidence(*p.sources[k], t.at));
      }
    }
  }
  if (dead.empty() || dead.size() * 2 > context.job.processes.size()) return false;
  dead_ranks(context, dead, Confidence::Likely, std::move(evidence), findings);
  return true;
}

/// Some ranks failed without a cause of their own (a peer went away); the ones that say nothing are
/// the suspects.
bool left_alone(const Context& context, const Communicator& comm, FindingSet& findings) {
  std::set<int> quiet;
  std::vector<Evidence> evidence;
  size_t failed = 0;
  for (const Communicator& any : context.job.communicators) {
    for (const Member& m : any.ranks) {
      if (!m.facts->failed) continue;
      ++failed;
      const ProcessFacts& p = *context.job.processes[m.process].facts.front();
      if (evidence.size() < 3) evidence.push_back(context.evidence(*m.source, p.first_backtrace));
    }
  }
  if (!failed) return false;
  for (const Member& m : comm.ranks) {
    const Process& p = context.job.processes[m.process];
    if (!p.facts.front()->backtraces && !context.has_own_cause(m.process)) quiet.insert(m.process);
  }
  for (const Communicator& any : context.job.communicators) {
    for (const Member& m : any.ranks) {
      if (m.facts->failed) quiet.erase(m.process);
    }
  }
  if (quiet.empty() || quiet.size() > comm.ranks.size() / 2) return false;
  dead_ranks(context, quiet, quiet.size() == 1 ? Confidence::Likely : Confidence::Possible,
             std::move(evidence), findings);
  return true;
}

/// Nobody complains: is one rank strictly behind the others?
bool behind(const Context& context, const Communicator& comm, FindingSet& findings) {
  std::set<int> last;
  MemberProgress least{Stage::Failed, SIZE_MAX, UINT64_MAX};
  for (const Member& m : comm.ranks) {
    const MemberProgress progress = progress_of(m);
    if (progress < least) last.clear(), least = progress;
    if (progress == least) last.insert(m.process);
  }
  if (last.size() * 2 >= comm.ranks.size() || comm.ranks.size() < 3) return false;
  dead_ranks(context, last, Confidence::Possible, {}, findings);
  return true;
}

/// Output that ends in the middle of a line, or that holds lines cut and glued together: a pipe
/// whose last block was lost.
bool output_is_cut(const Context& context) {
  return std::any_of(context.facts.sources.begin(), context.facts.sources.end(),
                     [](const auto& entry) {
                       const SourceFacts& s = entry.second;
                       return s.ends_mid_line || s.damaged_lines > 0 ||
                              std::any_of(s.processes.begin(), s.processes.end(),
                                          [](const ProcessFacts& p) { return p.last_cut; });
                     });
}

/// No rank completes before all have exchanged their view of the machine, nor before the ranks of
/// its own host stand at the last barrier (init.cc initTransportsRank): where one did and such
/// another did not, lines of the other are missing.
bool completed_without_some(const Context& context, const Communicator& comm) {
  auto host = [&](const Member& m) { return context.job.processes[m.process].host_index; };
  std::set<int> done;
  for (const Member& m : comm.ranks) {
    if (complete(m)) done.insert(host(m));
  }
  return !done.empty() && std::any_of(comm.ranks.begin(), comm.ranks.end(), [&](const Member& m) {
    return m.facts->stage <= Stage::InitStart || (!complete(m) && done.count(host(m)));
  });
}

/// Nothing failed in these lines and they do not reach to the end: how it went on is not known.
void cut_output(const Context& context, const Communicator& comm, FindingSet& findings) {
  Draft draft{.id = "nccl-output-missing"};
  for (const Member& m : comm.ranks) {
    if (draft.evidence.size() >= 2) break;
    const Process& p = context.job.processes[m.process];
    draft.evidence.push_back(context.evidence(*p.sources.front(), p.facts.front()->last_nccl));
  }
  draft.confidence = Confidence::Possible;
  findings.add(std::move(draft));
}

void stalled(const Context& context, const Communicator& comm, FindingSet& findings) {
  Draft draft{.id = "init-stalled-cause-unknown"};
  for (const Member& m : comm.ranks) {
    if (draft.evidence.size() >= 4) break;
    const Process& p = context.job.processes[m.process];
    draft.evidence.push_back(context.evidence(*p.sources.front(), p.facts.front()->last_nccl));
  }
  draft.captures = {{"nranks", std::to_string(comm.nranks)},
                    {"stage", std::string(to_string(comm.ranks.front().facts->stage))}};
  draft.needs = {
      "the exit code of every rank, and NCCL_DEBUG=INFO with "
      "NCCL_DEBUG_SUBSYS=INIT,BOOTSTRAP,ENV,NET on all of them"};
  draft.confidence = Confidence::Possible;
  findings.add(std::move(draft));
}

void look_at(const Context& context, const Communicator& comm, FindingSet& findings) {
  const bool unfinished = std::any_of(comm.ranks.begin(), comm.ranks.end(),
                                      [](const Member& m) { return !complete(m); });
  if (!unfinished || comm.nranks < 2) return;
  if (context.engine_is_past_init() && !context.any_failure_sign()) return;
  if (!comm.missing_ranks.empty()) {
    if (!stuck_in_bootstrap(comm) || !shows_everything(context, comm)) return;
    // A log that breaks off in the middle of a start shows some ranks before the others.
    const bool unsure = context.job.processes.size() < 2 || output_is_cut(context);
    missing_ranks(context, comm, unsure ? Confidence::Possible : Confidence::Likely, {}, findings);
    return;
  }
  if (!shows_everything(context, comm)) return;
  if ((output_is_cut(context) || completed_without_some(context, comm)) &&
      !context.any_failure_sign())
    return cut_output(context, comm, findings);
  if (!behind(context, comm, findings)) stalled(context, comm, findings);
}

}  // namespace

void detect_progress(const Context& context, FindingSet& findings) {
  const auto& comms = context.job.communicators;
  if (comms.empty()) return;
  const Communicator& world = comms.front();
  if (refused(context, world, findings) || lost_by_ras(context, findings) ||
      left_alone(context, world, findings))
    return;
  for (const Communicator& comm : comms) look_at(context, comm, findings);
}

}  // namespace rankdx
