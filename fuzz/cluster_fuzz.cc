// What comes out of a cluster: objects of the API server, NetworkPolicies, lines of logs, output of
// the scripts that look into a pod, words of kubectl. Any bytes are read or refused, and what was
// read can be judged.
#include <cstdint>
#include <string_view>

#include "cluster/api_text.h"
#include "cluster/judge.h"
#include "cluster/pod_logs.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  rankdx::Gathered gathered;
  gathered.ns = "n";
  if (auto pods = rankdx::parse_pods(text)) {
    if (auto cuts = rankdx::policy_cuts({std::string(text)}, *pods))
      gathered.policy_cuts = std::move(*cuts);
    for (rankdx::PodInfo& p : *pods) {
      rankdx::PodData d;
      d.pod = std::move(p);
      gathered.pods.push_back(std::move(d));
    }
  }
  if (gathered.pods.empty()) gathered.pods.emplace_back();
  rankdx::PodData& first = gathered.pods.front();
  if (auto events = rankdx::parse_events(text)) first.events = std::move(*events);
  rankdx::parse_inside(text, first.inside);
  rankdx::parse_network(text, first.inside);
  if (auto report = rankdx::parse_check_report(text)) first.inside.report = std::move(*report);
  rankdx::judge_cluster(gathered);
  std::string scratch;
  rankdx::stamp_ns(rankdx::split_stamp(text, scratch).stamp);
  rankdx::ExecReply reply;
  rankdx::end_exec(reply, text);
  rankdx::kubectl_failure(text);
  return 0;
}
