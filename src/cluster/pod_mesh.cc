#include "cluster/pod_mesh.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr int kWaitSeconds = 20;  ///< of a member for the others

/// Shared by the members of one run only; it travels over standard input, not over command lines.
std::string fresh_token() {
  std::array<unsigned char, 24> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return "";
  std::string out;
  for (const unsigned char b : bytes) out += fmt::format("{:02x}", b);
  return out;
}

ExecRequest request_for(const PodData& d, const std::vector<std::string>& addresses,
                        const std::string& token) {
  ExecRequest r;
  r.ns = d.pod.ns, r.pod = d.pod.name, r.container = d.container()->name;
  r.argv = {"rankdx",
            "check",
            "mesh",
            "--peers",
            join(addresses, ","),
            "--self",
            d.pod.ip,
            "--name",
            d.pod.name,
            "--token-file",
            "-",
            "--wait",
            std::to_string(kWaitSeconds),
            "-o",
            "json",
            "--fail-on",
            "never"};
  r.input = token + "\n";
  r.timeout = std::chrono::seconds(3 * kWaitSeconds);
  return r;
}

/// A member that saw a result lists its ways; one that did not says only that.
bool has_result(const CheckReport& report) {
  return std::any_of(report.checks.begin(), report.checks.end(), [](const CheckResult& c) {
    return c.id == "mesh-ways" && c.status != CheckStatus::Unknown;
  });
}

}  // namespace

std::vector<size_t> mesh_members(const Gathered& g) {
  std::vector<size_t> out;
  for (size_t i = 0; i < g.pods.size(); ++i) {
    const PodData& d = g.pods[i];
    const auto same = std::count_if(g.pods.begin(), g.pods.end(),
                                    [&](const PodData& o) { return o.pod.ip == d.pod.ip; });
    if (d.inside.report && !d.injected && d.container() && !d.pod.ip.empty() && same == 1)
      out.push_back(i);
  }
  return out;
}

void gather_mesh(ClusterApi& api, Gathered& g) {
  const std::vector<size_t> members = mesh_members(g);
  if (members.size() < 2) return;
  if (members.size() > kMostMeshPods) {
    g.failed["mesh"] = fmt::format("{} pods: pairs are tested in groups of up to {}",
                                   members.size(), kMostMeshPods);
    return;
  }
  const std::string token = fresh_token();
  if (token.empty()) {
    g.failed["mesh"] = "no random bytes for its token";
    return;
  }
  std::vector<std::string> addresses;
  for (const size_t i : members) addresses.push_back(g.pods[i].pod.ip);
  std::vector<ExecReply> replies(members.size());
  std::vector<std::thread> threads;
  for (size_t m = 0; m < members.size(); ++m) {
    threads.emplace_back(
        [&, m] { replies[m] = api.exec(request_for(g.pods[members[m]], addresses, token)); });
  }
  for (std::thread& t : threads) t.join();
  std::string why;
  for (const ExecReply& r : replies) {
    auto report = parse_check_report(r.out);
    if (report && has_result(*report)) {
      g.mesh = std::move(*report);
      for (const size_t i : members) g.mesh_pods.insert(g.pods[i].pod.name);
      return;
    }
    if (why.empty()) why = report ? report->summary : r.message.empty() ? "no answer" : r.message;
  }
  g.failed["mesh"] = why;
}

}  // namespace rankdx
