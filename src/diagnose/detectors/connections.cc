// Traffic between nodes that does not pass: attempts that time out or find no route.
#include <algorithm>

#include "diagnose/complaints.h"

namespace rankdx {

void detect_connections(const Context& context, FindingSet& findings) {
  for (std::string_view id : {"loopback-selected", "no-usable-network-interface",
                              "unreachable-interface-selected", "ipv6-link-local-selected"}) {
    if (findings.has(id)) return;  // the address itself is wrong; that it does not answer follows
  }
  const std::vector<Complaint> complaints = open_complaints(context);
  Draft draft{.id = "node-to-node-traffic-blocked"};
  bool gave_up = false;
  std::set<std::string> peers;
  for (const Complaint& c : complaints) {
    if (c.kind != Refusal::Blocked) continue;
    gave_up |= c.retry->exhausted && c.retry->error.find("abort") == std::string::npos;
    if (!c.retry->peer.empty()) peers.insert(c.retry->peer);
    draft.evidence.push_back(context.evidence(*c.source, c.retry->last));
  }
  if (draft.evidence.empty()) return;
  const std::set<int> accused = accused_hosts(context, complaints, Refusal::Blocked);
  for (int host : accused) {
    Where w;
    w.host = context.job.hosts[host].name;
    w.peer = peers.size() == 1 ? *peers.begin() : "";
    draft.where.push_back(w);
  }
  if (accused.empty()) {
    for (const std::string& peer : peers)
      draft.where.push_back(
          {.host = "", .pod = "", .rank = {}, .gpu = {}, .peer = peer, .interface = ""});
  }
  std::string whom = accused.empty()
                         ? std::string(peers.empty() ? "the other node" : *peers.begin())
                         : context.host_list(accused);
  draft.captures = {{"host", whom},
                    {"error", complaints.front().retry->error},
                    {"peer", peers.empty() ? "" : *peers.begin()}};
  draft.confidence = gave_up && !accused.empty() ? Confidence::Certain : Confidence::Likely;
  findings.add(std::move(draft));
}

}  // namespace rankdx
