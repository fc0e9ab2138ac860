// What a detector may look at, and the questions that several of them ask.
#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "diagnose/finding_set.h"
#include "job/job.h"
#include "rules/match.h"

namespace rankdx {

class Context {
 public:
  Context(const Facts& facts, const Job& job, const std::vector<RuleHit>& hits);
  const Facts& facts;
  const Job& job;
  const std::vector<RuleHit>& hits;
  std::string model_directory;  ///< DiagnoseOptions

  /// Where a process is: its host, pod, rank in the largest communicator and GPU.
  Where where(int process) const;
  /// The process behind a hit, or -1.
  int process_of(const RuleHit& hit) const;
  /// The pod that a line of Kubernetes is about: the line names it, a log collector did, or it
  /// stands below the name that kubectl describe prints. "" when nothing tells.
  std::string pod_of(const RuleHit& hit) const;
  /// Host that owns an address (bootstrap or socket interface), or -1; -1 also when several hosts
  /// have it.
  int host_of_address(std::string_view address) const;
  /// True if some process was given this variable (name and value; an empty value means any).
  bool env_is(std::string_view name, std::string_view value = {}) const;
  const EnvSeen* env(std::string_view name) const;
  /// A rule with this finding id hit somewhere (harmless rules aside).
  bool hit(std::string_view id) const;
  /// Finding ids that a process's own lines point at as a cause (role root-cause, severity error).
  bool has_own_cause(int process) const;
  /// The engine has loaded or done more: its process groups came up, whatever NCCL's lines show.
  bool engine_is_past_init() const;
  /// A sign that something failed: a warning that is not harmless, an exception, an exhausted
  /// retry, a back-trace.
  bool any_failure_sign() const;
  /// Any line of NCCL, a phase of vLLM, a traceback, or a text that a rule looks for.
  bool recognises_anything() const;
  Evidence evidence(const SourceFacts& source, const KeptLine& line) const;
  /// Host names joined for a sentence: "gpu-01 and gpu-02".
  std::string host_list(const std::set<int>& hosts) const;

 private:
  std::unordered_map<const ProcessFacts*, int> process_index_;
  std::unordered_map<std::string, std::set<int>> address_hosts_;
  std::set<int> with_own_cause_;
  std::set<std::string, std::less<>> hit_ids_;
};

/// Ranks for a sentence: "3", "2 and 3", "4-7, 12".
std::string rank_list(const std::vector<int>& ranks);

/// How far a member is: stage first, then links and lines, to tell who is behind.
struct MemberProgress {
  Stage stage;
  size_t links;
  uint64_t calls;
  auto operator<=>(const MemberProgress&) const = default;
};
MemberProgress progress_of(const Member& member);

/// A server of this source came up and serves.
bool is_serving(const SourceFacts& source);

/// One detector: reads the context and the findings so far, adds its own.
using Detector = void (*)(const Context&, FindingSet&);

void detect_identity(const Context&,
                     FindingSet&);  ///< ranks, sizes and versions that do not fit together
void detect_environment(const Context&, FindingSet&);  ///< variables that differ or contradict
void detect_interfaces(const Context&,
                       FindingSet&);  ///< loopback, virtual and link-local interfaces
void detect_connections(const Context&, FindingSet&);  ///< who cannot reach whom
void detect_progress(const Context&, FindingSet&);     ///< who is missing, who died, who is behind
void detect_stragglers(const Context&, FindingSet&);   ///< who held up a start that ended well
void detect_networks(const Context&, FindingSet&);  ///< the network asked for against the one taken
void detect_transports(const Context&, FindingSet&);   ///< the wrong wire between two ranks
void detect_collectives(const Context&, FindingSet&);  ///< calls out of step
void detect_watchdogs(const Context&, FindingSet&);    ///< what PyTorch's watchdogs say together
void detect_memory(const Context&, FindingSet&);   ///< flag values for memory that does not suffice
void detect_plugins(const Context&, FindingSet&);  ///< network plugins that differ
void detect_model_files(const Context&, FindingSet&);  ///< a model that only some nodes have
void detect_settings(const Context&, FindingSet&);     ///< values proven wrong by what happened
void detect_data_path(const Context&, FindingSet&);    ///< set up, but carries no data
void detect_rendezvous(const Context&, FindingSet&);   ///< old addresses, proxies in between
void detect_resources(const Context&, FindingSet&);    ///< what is used up, by what else is shown
void detect_pace(const Context&, FindingSet&);         ///< a start that is slow, not stuck
void detect_output(const Context&, FindingSet&);       ///< too little or too much output
void detect_last_words(const Context&,
                       FindingSet&);  ///< a failure that nothing else explains
void detect_silent_ends(const Context&,
                        FindingSet&);  ///< ends without a word of their own; comes last

}  // namespace rankdx
