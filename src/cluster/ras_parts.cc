#include "cluster/ras_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace rankdx {

Finding ras_finding(std::string id, Role role, Severity severity, Confidence confidence) {
  Finding f;
  f.id = std::move(id), f.role = role, f.severity = severity, f.confidence = confidence;
  f.layer = Layer::NcclRun;
  f.references = {
      "https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting/ras.html"};
  return f;
}

void silent_ports(const std::vector<RasReply>& replies, Role role, std::vector<Finding>& out) {
  std::map<std::string, int> silent, talking;
  for (const RasReply& r : replies) {
    if (r.failure == RasReply::Failure::Silent) ++silent[r.asked];
    if (r.answer) ++talking[r.asked];
  }
  for (const auto& [asked, count] : silent) {
    if (talking.count(asked)) continue;
    Finding f = ras_finding("rank-not-responding", role, Severity::Warning, Confidence::Possible);
    f.title = fmt::format("{} takes connections and never answers", asked);
    f.cause =
        "Every process behind the port is stopped or hangs in the kernel, or something that is "
        "not NCCL listens there.";
    Where w;
    w.host = asked;
    f.where.push_back(w);
    out.push_back(std::move(f));
  }
}

/// Two jobs on one host share the port: their communicators have nothing in common.
void jobs_sharing_a_port(const std::vector<RasReply>& replies, std::vector<Finding>& out) {
  std::map<std::string, std::set<std::set<std::string>>> jobs;
  for (const RasReply& r : replies) {
    if (!r.answer || r.answer->form != RasAnswer::Form::Json) continue;
    std::set<std::string> hashes;
    for (const RasCommunicator& c : r.answer->communicators) hashes.insert(c.hash);
    if (!hashes.empty()) jobs[r.asked].insert(hashes);
  }
  for (const auto& [asked, sets] : jobs) {
    bool apart = false;
    for (const auto& a : sets) {
      for (const auto& b : sets) {
        std::vector<std::string> both;
        std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
        apart = apart || both.empty();
      }
    }
    if (!apart) continue;
    Finding f =
        ras_finding("ras-port-shared-by-jobs", Role::Note, Severity::Info, Confidence::Likely);
    f.title = fmt::format("More than one job answers at {}", asked);
    f.cause =
        "All NCCL processes of a host share the RAS port; the kernel picks one per connection. "
        "The communicators' hashes tell the jobs apart.";
    f.fix = {{"any", "Give each job its own port", "NCCL_RAS_ADDR=localhost:28029"}};
    out.push_back(std::move(f));
  }
}

CheckResult check_of_reply(const RasReply& r) {
  CheckResult c;
  c.id = "ras";
  c.source = r.asked;
  if (!r.answer) {
    c.status = r.failure == RasReply::Failure::Silent ? CheckStatus::Warning : CheckStatus::Unknown;
    c.why = r.problem;
    return c;
  }
  const RasAnswer& a = *r.answer;
  std::vector<std::string> parts = {"NCCL " + a.nccl_version};
  if (a.processes)
    parts.push_back(fmt::format("{} processes on {} nodes", *a.processes, a.nodes.value_or(0)));
  int communicators = static_cast<int>(a.communicators.size());
  if (a.form == RasAnswer::Form::Text) {
    communicators = 0;
    for (const RasGroup& g : a.groups) communicators += g.communicators;
  }
  parts.push_back(fmt::format("{} communicator{}", communicators, communicators == 1 ? "" : "s"));
  if (a.timeouts) parts.push_back(fmt::format("{} timeouts", a.timeouts));
  c.value = join(parts, ", ");
  if (!a.whole) c.why = "the answer is cut";
  if (communicators == 0) c.why = "no communicator: none is complete yet, or all are destroyed";
  c.status = !a.whole || communicators == 0 ? CheckStatus::Unknown : CheckStatus::Ok;
  for (const RasCommunicator& one : a.communicators) {
    if (one.incomplete || one.error) c.status = CheckStatus::Failed;
  }
  if (!a.lost.empty()) c.status = CheckStatus::Failed;
  return c;
}

}  // namespace rankdx
