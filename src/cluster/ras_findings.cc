#include "cluster/ras_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "cluster/ras_parts.h"
#include "cluster/ras_views.h"

namespace rankdx {
namespace {

/// Two answers this far apart with the same counts: the job stands still.
constexpr double kStandstillSeconds = 1.5;

class Judge {
 public:
  explicit Judge(const std::vector<RasReply>& replies) : replies_(replies) {
    for (size_t i = 0; i < replies.size(); ++i) {
      if (replies[i].answer) add_answer(*replies[i].answer, i, views_);
    }
  }

  CheckReport report() {
    for (auto& [hash, view] : views_.communicators) missing_ranks(view);
    lost_processes();
    for (auto& [hash, view] : views_.communicators) {
      reported_errors(view);
      different_counts(view);
    }
    being_set_up();
    silent_ports(replies_, guilty_missing_ ? Role::Contributing : Role::RootCause,
                 report_.findings);
    jobs_sharing_a_port(replies_, report_.findings);
    for (size_t i = 0; i < replies_.size(); ++i)
      report_.checks.push_back(check_of_reply(replies_[i]));
    finish();
    return std::move(report_);
  }

 private:
  using Sides = std::map<std::set<int>, std::set<size_t>>;  ///< ranks that answered -> replies

  /// Which ranks answered together. A rank that one reply misses and a later one of the same side
  /// has was only slow.
  Sides sides_of(const CommunicatorView& view) const {
    Sides sides;
    for (size_t reply : view.told_in) {
      std::set<int> answered;
      for (const auto& [rank, v] : view.ranks) {
        if (v.seen_in.count(reply)) answered.insert(rank);
      }
      if (!answered.empty()) sides[answered].insert(reply);
    }
    return sides;
  }

  void missing_ranks(const CommunicatorView& view) {
    std::vector<RasRank> missing, contested;
    for (const auto& [number, v] : view.ranks) {
      if (v.missing_in.empty()) continue;
      (v.seen_in.empty() ? missing : contested).push_back(v.last);
    }
    if (!contested.empty()) contested_ranks(view, contested);
    if (!missing.empty()) lost_ranks(view, missing);
  }

  /// Some answers have these ranks, others miss them.
  void contested_ranks(const CommunicatorView& view, const std::vector<RasRank>& contested) {
    const Sides sides = sides_of(view);
    // Two answers that share nobody are two sides that do not see each other.
    std::set<int> big, small;
    for (const auto& [a, ra] : sides) {
      for (const auto& [b, rb] : sides) {
        std::vector<int> both;
        std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
        if (both.empty() && a.size() + b.size() > big.size() + small.size()) big = a, small = b;
      }
    }
    if (big.empty()) return only_slow(view, contested);
    if (small.size() > big.size()) std::swap(big, small);
    std::set<std::string> big_hosts, small_hosts;
    std::vector<RasRank> few, many;
    for (int r : small) few.push_back(view.ranks.at(r).last), small_hosts.insert(few.back().host);
    for (int r : big) many.push_back(view.ranks.at(r).last), big_hosts.insert(many.back().host);
    std::vector<std::string> shared;
    std::set_intersection(small_hosts.begin(), small_hosts.end(), big_hosts.begin(),
                          big_hosts.end(), std::back_inserter(shared));
    if (shared.empty()) return cut_between(view, few, many, small_hosts, big_hosts);
    Finding f =
        ras_finding("rank-not-responding", Role::RootCause, Severity::Error, Confidence::Likely);
    f.title = fmt::format("{} and the other ranks count each other as dead", listed(few));
    f.cause =
        "It lives, but was stopped or cut off for more than 60 s (debugger, SIGSTOP, a frozen or "
        "overloaded host). NCCL declares a peer dead for good, so the group cannot recover.";
    for (const RasRank& r : few) f.where.push_back(where_of(r));
    f.fix = {{"any",
              "Restart the launch; find out what stopped that process (scheduler, debugger, "
              "checkpoint tool, memory pressure)",
              ""}};
    add_evidence(f, view, few);
    report_.findings.push_back(std::move(f));
  }

  /// Answers overlap: the rank was late once and is there otherwise.
  void only_slow(const CommunicatorView& view, const std::vector<RasRank>& ranks) {
    Finding f = ras_finding("straggler-ranks", Role::Note, Severity::Info, Confidence::Possible);
    f.title = fmt::format("{} answered only some of the questions", listed(ranks));
    f.cause =
        "A process that is busy or on a loaded host answers late. It lives; by itself this is no "
        "fault.";
    for (const RasRank& r : ranks) f.where.push_back(where_of(r));
    add_evidence(f, view, ranks);
    report_.findings.push_back(std::move(f));
  }

  void cut_between(const CommunicatorView& view, const std::vector<RasRank>& few,
                   const std::vector<RasRank>& many, const std::set<std::string>& small_hosts,
                   const std::set<std::string>& big_hosts) {
    Finding f = ras_finding("node-to-node-traffic-blocked", Role::RootCause, Severity::Error,
                            Confidence::Likely);
    f.layer = Layer::Network;
    const std::string few_hosts = join({small_hosts.begin(), small_hosts.end()}, ", ");
    const std::string many_hosts = join({big_hosts.begin(), big_hosts.end()}, ", ");
    f.title =
        fmt::format("The network between {} and {} is cut: each side reports the other as gone",
                    few_hosts, many_hosts);
    f.cause =
        few.size() < many.size()
            ? fmt::format("All processes live. The smaller side, {}, is cut off from the rest.",
                          few_hosts)
            : "All processes live, so neither side is the guilty one; the way between them is.";
    for (const RasRank& r : few) f.where.push_back(where_of(r)), f.where.back().peer = many_hosts;
    if (few.size() == many.size()) {
      for (const RasRank& r : many) f.where.push_back(where_of(r)), f.where.back().peer = few_hosts;
    }
    f.fix = {{"kubernetes",
              "Look for a NetworkPolicy, a security group or a node whose network failed between "
              "these addresses",
              ""},
             {"any", "Check the way on ephemeral ports", "rankdx check mesh"}};
    add_evidence(f, view, few);
    report_.findings.push_back(std::move(f));
  }

  void lost_ranks(const CommunicatorView& view, const std::vector<RasRank>& missing) {
    bool dead = true, swallowed = false, timed_out = false;
    std::set<std::string> hosts, answering;
    for (const RasRank& r : missing) {
      const RankView& v = view.ranks.at(r.rank);
      dead = dead && v.dead;
      hosts.insert(r.host);
      for (size_t i : v.missing_in) timed_out = timed_out || replies_[i].answer->timeouts > 0;
      views_.lost.erase(key_of(r.host, r.pid));
    }
    for (const auto& [number, v] : view.ranks) {
      if (v.missing_in.empty() && !v.last.host.empty()) answering.insert(v.last.host);
    }
    for (const RasReply& r : replies_) swallowed = swallowed || r.swallowed > 0;
    const bool whole_hosts = whole_hosts_missing(view, missing, hosts, answering);
    const bool stopped = swallowed || timed_out;
    Finding f = ras_finding(stopped && !whole_hosts ? "rank-not-responding" : "rank-process-died",
                            Role::RootCause, Severity::Error,
                            dead && !whole_hosts ? Confidence::Certain : Confidence::Likely);
    f.title = fmt::format("{} {} {}", listed(missing), missing.size() == 1 ? "does" : "do",
                          dead ? "not answer for more than a minute: dead for NCCL" : "not answer");
    if (whole_hosts) {
      f.confidence = Confidence::Possible;
      f.cause =
          "Every rank of the host is gone for those who answered: the host or its pod is down, or "
          "the network to it is cut. Seen from one side only, which always blames the other.";
      for (const std::string& host : hosts)
        f.needs.push_back(fmt::format("the RAS answer of {} itself (ask it in its pod)",
                                      host.empty() ? "the missing ranks' host" : host));
      f.explains = {"node-to-node-traffic-blocked"};
    } else if (stopped) {
      f.cause = swallowed ? "The process exists, takes connections and never answers: it is "
                            "stopped (debugger, SIGSTOP) or hangs in the kernel (D state)."
                          : "Its last questions ran into a timeout: the process is stopped, hangs "
                            "in the kernel, or has just lost its host.";
    } else {
      f.cause =
          "The process has ended (crash, kill, out of memory) or has been stopped for more than 5 "
          "s; the ranks that still answer are not the cause.";
    }
    for (const RasRank& r : missing) f.where.push_back(where_of(r));
    f.fix = {{"any", "Read the end of this process's log and its exit code", ""},
             {"kubernetes", "Exit code and reason of the pod that owns the address",
              "kubectl get pods -o wide; kubectl describe pod POD; kubectl logs --previous POD"}};
    add_evidence(f, view, missing);
    report_.findings.push_back(std::move(f));
    guilty_missing_ = true;
  }

  /// No rank of any of the missing ranks' hosts is known to answer, and there is more than one
  /// host.
  static bool whole_hosts_missing(const CommunicatorView& view, const std::vector<RasRank>& missing,
                                  const std::set<std::string>& hosts,
                                  const std::set<std::string>& answering) {
    for (const std::string& host : hosts) {
      if (answering.count(host)) return false;
    }
    if (static_cast<int>(missing.size()) >= view.size || missing.size() < 2) return false;
    // In the text form nothing is known of where the others are. Ranks are handed out host by host:
    // a missing block whose neighbours share its size of host is taken for a whole host only if it
    // is evenly cut.
    if (!answering.empty()) return true;
    return view.size % static_cast<int>(missing.size() / std::max<size_t>(hosts.size(), 1)) == 0;
  }

  void lost_processes() {
    std::vector<RasProcess> processes;
    for (const auto& [key, in] : views_.lost) {
      if (!explained(key)) processes.push_back(views_.lost_details[key]);
    }
    if (processes.empty()) return;
    Finding f =
        ras_finding("rank-process-died", Role::RootCause, Severity::Error, Confidence::Likely);
    f.layer = Layer::NcclInit;
    std::vector<std::string> names;
    for (const RasProcess& p : processes) {
      Where w;
      w.host = p.host;
      if (p.gpus.size() == 1) w.gpu = p.gpus[0];
      f.where.push_back(w);
      if (names.size() < 5)
        names.push_back(fmt::format("process {} on {}{}", p.pid, p.host,
                                    p.gpus.size() == 1 ? fmt::format(" (GPU {})", p.gpus[0]) : ""));
      f.evidence.push_back({evidence_source(), 0,
                            fmt::format("Process {} on node {}: {}", p.pid, p.host,
                                        p.dead ? "considered dead" : "did not answer"),
                            0});
      if (f.evidence.size() >= 6) break;
    }
    f.title = fmt::format("{} {} not answer, and no communicator tells its rank", join(names, ", "),
                          processes.size() == 1 ? "does" : "do");
    f.cause =
        "The process is known to the job but has ended or is stopped, probably before its "
        "communicator was complete.";
    f.fix = {{"any", "Read the end of this process's log and its exit code", ""}};
    report_.findings.push_back(std::move(f));
    guilty_missing_ = true;
  }

  /// A lost process whose rank was named, or that a later answer no longer misses.
  bool explained(const RasProcess& key) const {
    const std::set<size_t>& in = views_.lost.at(key);
    for (size_t later = *in.rbegin() + 1; later < replies_.size(); ++later) {
      const auto& a = replies_[later].answer;
      if (a && a->form == RasAnswer::Form::Text && a->whole && a->processes.value_or(0) > 0)
        return true;
    }
    for (const auto& [hash, view] : views_.communicators) {
      for (const auto& [number, v] : view.ranks) {
        if (v.last.host == key.host && v.last.pid == key.pid) return true;
      }
    }
    return false;
  }

  void reported_errors(const CommunicatorView& view) {
    std::vector<RasRank> ranks;
    for (const auto& [number, v] : view.ranks) {
      if (!v.last.error.empty()) ranks.push_back(v.last);
    }
    if (ranks.empty()) return;
    Finding f =
        ras_finding("connection-lost-midjob", guilty_missing_ ? Role::Consequence : Role::RootCause,
                    Severity::Error, guilty_missing_ ? Confidence::Likely : Confidence::Possible);
    f.title = fmt::format("{} reported \"{}\"", listed(ranks), ranks[0].error);
    f.cause = guilty_missing_ ? "It noticed that a peer is gone: a victim, not the cause."
                              : "NCCL failed on this rank; its log says why.";
    for (const RasRank& r : ranks) f.where.push_back(where_of(r));
    if (!guilty_missing_) f.needs = {"the logs of these ranks"};
    add_evidence(f, view, ranks);
    report_.findings.push_back(std::move(f));
  }

  const RasCommunicator* communicator_in(size_t reply, const std::string& hash) const {
    for (const RasCommunicator& c : replies_[reply].answer->communicators) {
      if (c.hash == hash) return &c;
    }
    return nullptr;
  }

  void different_counts(const CommunicatorView& view) {
    const RasCommunicator* first = nullptr;
    const RasCommunicator* last = nullptr;
    double from = 0, to = 0;
    for (size_t reply : view.told_in) {
      const RasCommunicator* c = communicator_in(reply, view.hash);
      if (behind_in(*c).empty()) continue;
      if (!first) first = c, from = replies_[reply].at_s;
      last = c, to = replies_[reply].at_s;
    }
    if (!first) return;
    for (const Behind& now : behind_in(*last)) {
      uint64_t most_before = 0;
      for (const Behind& b : behind_in(*first))
        most_before = b.collective == now.collective ? b.most : most_before;
      const bool stands = to - from >= kStandstillSeconds && most_before == now.most;
      counts_finding(view, now, stands ? Confidence::Likely : Confidence::Possible,
                     most_before != now.most && first != last);
    }
  }

  void counts_finding(const CommunicatorView& view, const Behind& b, Confidence confidence,
                      bool moves) {
    const std::string what = b.collective.empty() ? "collective" : b.collective;
    Finding f = ras_finding("collective-mismatch", Role::RootCause,
                            confidence == Confidence::Likely ? Severity::Error : Severity::Warning,
                            confidence);
    f.title = fmt::format("Ranks launched between {} and {} {} operations", b.least, b.most, what);
    if (moves) {
      f.role = Role::Note, f.severity = Severity::Info;
      f.cause =
          "The counts grow from one answer to the next: the job works, and the difference is that "
          "of the moment.";
    } else if (b.least == 0) {
      // Counted after the lazy connection setup (NCCL 2.26 to 2.30): 0 also means "inside its first
      // operation".
      f.role = Role::Note, f.severity = Severity::Info, f.confidence = Confidence::Possible;
      f.cause =
          "\"No operation\" also covers ranks that are still connecting inside their first one, so "
          "this does not tell who is behind.";
      f.needs = {"logs with NCCL_DEBUG_SUBSYS=COLL, or stack traces of all ranks"};
      if (guilty_missing_) return;
    } else {
      f.title = b.ranks.empty()
                    ? f.title
                    : fmt::format("{} {} behind: {} of {} {} operations", listed(b.ranks),
                                  b.ranks.size() == 1 ? "is" : "are", b.least, b.most, what);
      f.cause =
          confidence == Confidence::Likely
              ? "Nothing moved between the answers: the others wait in an operation that these "
                "ranks did not start (another path through the program, or stuck before it)."
              : "Seen at one moment only: of a working job this may be chance. Ask again; if the "
                "same ranks stay behind, the launch is stuck there.";
      for (const RasRank& r : b.ranks) f.where.push_back(where_of(r));
      f.fix = {{"any",
                "Take a stack trace of a rank that is behind and of one that is not, and compare",
                "py-spy dump --pid PID"}};
    }
    if (guilty_missing_) f.role = Role::Consequence;
    add_evidence(f, view, b.ranks);
    report_.findings.push_back(std::move(f));
  }

  /// Communicators that stay in INIT, and jobs whose first one is not there yet.
  void being_set_up() {
    bool forming = false, nobody = false;
    std::string text;
    for (const RasReply& r : replies_) {
      if (!r.answer) continue;
      for (const RasCommunicator& c : r.answer->communicators) {
        if (c.size != 0 || r.answer->form == RasAnswer::Form::Text) continue;
        forming = true;
        text = "communicator " + c.hash + " of size 0";
      }
      nobody = nobody || (r.answer->processes && *r.answer->processes == 0);
      for (const RasGroup& g : r.answer->groups) {
        if (g.status != "INIT") continue;
        forming = true;
        text = fmt::format("group {}: {} of {} ranks, status {} {}", g.group, g.ranks,
                           g.ranks_per_communicator * g.communicators, g.status, g.errors);
      }
    }
    if ((!forming && !nobody) || guilty_missing_) return;
    Finding f =
        ras_finding("rank-never-arrived", Role::RootCause, Severity::Warning, Confidence::Possible);
    f.layer = Layer::NcclInit;
    f.title = nobody ? "The first communicator is not there yet: some ranks have not joined"
                     : "A communicator is still being set up";
    f.cause =
        "Normal for some seconds. If it stays so, a rank has not called its init; RAS does not see "
        "who, because that rank has not joined.";
    f.needs = {"the logs of all ranks, for rankdx diagnose"};
    if (!text.empty()) f.evidence.push_back({evidence_source(), 0, text, 0});
    report_.findings.push_back(std::move(f));
  }

  std::string evidence_source() const {
    for (const RasReply& r : replies_) {
      if (r.answer) return "RAS answer of " + r.asked;
    }
    return "RAS";
  }

  void add_evidence(Finding& f, const CommunicatorView& view,
                    const std::vector<RasRank>& ranks) const {
    constexpr size_t kMost = 6;
    for (const RasRank& r : ranks) {
      const RankView& v = view.ranks.at(r.rank);
      const std::set<size_t>& in = v.missing_in.empty() ? v.seen_in : v.missing_in;
      if (in.empty() || f.evidence.size() >= kMost) break;
      std::string counts;
      for (const auto& [name, count] : r.counts)
        counts += count ? fmt::format(" {} {}", name.empty() ? "operations" : name, count) : "";
      f.evidence.push_back({"RAS answer of " + replies_[*in.begin()].asked, 0,
                            fmt::format("communicator {}: {}{}{}{}", view.hash, place_of(r),
                                        v.missing_in.empty() ? ""
                                        : v.dead             ? ", dead"
                                                             : ", no answer",
                                        r.error.empty() ? "" : ", " + r.error,
                                        counts.empty() ? "" : ", launched" + counts),
                            0});
    }
  }

  void finish() {
    // A failed check of one answer is no verdict by itself: what it shows may be contradicted by
    // the others.
    const bool found = std::any_of(report_.findings.begin(), report_.findings.end(),
                                   [](const Finding& f) { return f.severity != Severity::Info; });
    if (!found) {
      for (CheckResult& c : report_.checks)
        c.status = c.status == CheckStatus::Failed ? CheckStatus::Ok : c.status;
    }
    auto rank = [](const Finding& f) {
      return std::make_pair(static_cast<int>(f.role), static_cast<int>(f.severity));
    };
    std::stable_sort(report_.findings.begin(), report_.findings.end(),
                     [&](const Finding& a, const Finding& b) { return rank(a) < rank(b); });
    report_.verdict = verdict_of(report_);
    const bool answered = std::any_of(replies_.begin(), replies_.end(),
                                      [](const RasReply& r) { return r.answer.has_value(); });
    if (found || (!report_.findings.empty() && report_.verdict != CheckStatus::Ok)) {
      report_.summary = report_.findings[0].title;
    } else if (!answered) {
      report_.summary =
          replies_.empty() ? "Nobody was asked" : "No RAS answer: " + replies_.back().problem;
    } else {
      report_.summary = report_.verdict == CheckStatus::Ok
                            ? "All ranks answer and no communicator has an error"
                            : "RAS answers, but has no communicator to tell about";
    }
  }

  const std::vector<RasReply>& replies_;
  Views views_;
  CheckReport report_;
  bool guilty_missing_ = false;
};

}  // namespace

CheckReport judge_ras(const std::vector<RasReply>& replies) { return Judge(replies).report(); }

bool worth_asking_again(const RasAnswer& answer) {
  if (!answer.lost.empty() || answer.timeouts > 0) return true;
  return std::any_of(answer.communicators.begin(), answer.communicators.end(),
                     [](const RasCommunicator& c) { return c.incomplete || c.mismatch; });
}

}  // namespace rankdx
