#include "diagnose/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "diagnose/context.h"

namespace rankdx {
namespace {

using Facet = std::map<std::string, std::set<std::string>>;  ///< what -> its values

std::string text_of(const std::set<std::string>& values) {
  return join(std::vector<std::string>(values.begin(), values.end()), ", ");
}

/// What steers a launch.
Facet settings(const Job& job) {
  Facet f;
  for (const VersionSeen& v : job.nccl_versions) f["NCCL version"].insert(v.version);
  if (!job.vllm_version.empty()) f["vLLM version"].insert(job.vllm_version);
  for (const EnvSeen& e : job.environment) f[e.name].insert(e.value);
  for (const Process& p : job.processes) {
    for (const ProcessFacts* facts : p.facts) {
      if (facts->driver_version > 0)
        f["CUDA driver version"].insert(std::to_string(facts->driver_version));
      for (const InterfaceFacts& i : facts->interfaces)
        f[i.bootstrap ? "bootstrap interface" : "network interfaces"].insert(i.name);
      for (const std::string& d : facts->ib_devices) f["RDMA devices"].insert(d);
    }
  }
  for (const Host& h : job.hosts) {
    if (!h.network.empty()) f["network"].insert(h.network);
  }
  f["hosts"].insert(std::to_string(job.hosts.size()));
  if (!job.communicators.empty()) {
    const Communicator& world = job.communicators.front();
    f["ranks"].insert(std::to_string(world.nranks));
    if (world.nnodes) f["nodes"].insert(std::to_string(*world.nnodes));
  }
  return f;
}

/// The slowest start of the job, in seconds; -1 unknown.
double slowest_start(const Job& job) {
  double most = -1;
  for (const Communicator& c : job.communicators) {
    for (const Member& m : c.ranks) most = std::max(most, m.facts->init_seconds);
  }
  return most;
}

/// What came out of it.
Facet outcome(const Job& job) {
  Facet f;
  if (job.communicators.empty()) return f;
  const Communicator& world = job.communicators.front();
  if (world.channels > 0) f["channels"].insert(std::to_string(world.channels));
  for (const Link& l : world.links)
    f[fmt::format("link {} -> {}", l.from, l.to)].insert(l.transport);
  std::map<Stage, std::vector<int>> stages;
  for (const Member& m : world.ranks) stages[m.stage].push_back(m.rank);
  for (const auto& [stage, ranks] : stages)
    f["stage reached"].insert(fmt::format("{} (rank {})", to_string(stage), rank_list(ranks)));
  f["communicators"].insert(std::to_string(job.communicators.size()));
  return f;
}

/// Does a finding of the bad run speak of this?
bool named(const Diagnosis& diagnosis, const std::string& what,
           const std::set<std::string>& values) {
  auto holds = [](std::string_view text, std::string_view word) {
    return word.size() > 2 && text.find(word) != text.npos;
  };
  for (const Finding& f : diagnosis.findings) {
    if (f.role == Role::Note) continue;
    auto speaks = [&](const std::string& text) {
      return holds(text, what) || std::any_of(values.begin(), values.end(),
                                              [&](const std::string& v) { return holds(text, v); });
    };
    if (speaks(f.title) || speaks(f.cause)) return true;
  }
  return false;
}

void add(const Facet& good, const Facet& bad, Telling telling, const Diagnosis& diagnosis,
         std::vector<Difference>& list) {
  std::set<std::string> all;
  for (const auto& [what, values] : good) all.insert(what);
  for (const auto& [what, values] : bad) all.insert(what);
  static const std::set<std::string> kNone;
  for (const std::string& what : all) {
    auto g = good.find(what), b = bad.find(what);
    const auto& old_values = g == good.end() ? kNone : g->second;
    const auto& new_values = b == bad.end() ? kNone : b->second;
    if (old_values == new_values) continue;
    std::set<std::string> fresh;
    std::set_difference(new_values.begin(), new_values.end(), old_values.begin(), old_values.end(),
                        std::inserter(fresh, fresh.end()));
    list.push_back({named(diagnosis, what, fresh) ? Telling::Named : telling, what,
                    text_of(old_values), text_of(new_values)});
  }
}

}  // namespace

std::vector<Difference> compare(const Job& good, const Job& bad, const Diagnosis& bad_diagnosis) {
  std::vector<Difference> list;
  add(settings(good), settings(bad), Telling::Steering, bad_diagnosis, list);
  add(outcome(good), outcome(bad), Telling::Outcome, bad_diagnosis, list);
  const double before = slowest_start(good), after = slowest_start(bad);
  constexpr double kMuchSlower = 2, kWorthTelling_s = 1;
  if (before > 0 && after > kWorthTelling_s && after > before * kMuchSlower) {
    list.push_back({Telling::Outcome, "slowest NCCL start", fmt::format("{:.2f} s", before),
                    fmt::format("{:.2f} s", after)});
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const Difference& a, const Difference& b) { return a.telling < b.telling; });
  return list;
}

}  // namespace rankdx
