#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.h"
#include "present/safe_text.h"
#include "present/table.h"
#include "report/picture.h"

namespace rankdx {
namespace {

constexpr size_t kRowsOfRanks = 32, kRowsOfGroups = 16, kRowsOfProcesses = 16;

std::string last_of(const std::vector<std::string>& texts) {
  return texts.empty() ? "" : safe_text(texts.back());
}

std::string version_of(const Process& p) {
  std::string version = p.facts.empty() ? "" : last_of(p.facts.front()->versions);
  return version.substr(0, version.find('+'));  // "+cuda13.0" stands in the JSON
}

std::string network_of(const Process& p) {
  return p.facts.empty() ? "" : last_of(p.facts.front()->networks);
}

std::string number(int n) { return n >= 0 ? std::to_string(n) : ""; }

std::string by_rank(const Job& job, const Communicator& c, int width) {
  Table table({"rank", "host", "pod", "pid", "GPU", "stage", "NCCL", "network", "log"});
  for (const Member& m : c.ranks) {
    const Process& p = job.processes[m.process];
    table.add({std::to_string(m.rank), safe_text(p.host), safe_text(p.origin), number(p.pid),
               number(m.facts->cuda_dev), std::string(to_string(m.stage)), version_of(p),
               network_of(p), m.source ? safe_text(m.source->name) : ""});
  }
  if (!c.missing_ranks.empty()) {
    const size_t room = static_cast<size_t>(std::max(20, width / 3));
    table.add({shortened(number_ranges(c.missing_ranks), room), "", "", "", "", "never seen"});
  }
  return table.text(static_cast<size_t>(width), "  ");
}

using Stages = std::map<Stage, int>;

std::string stages_text(const Stages& count) {
  std::string text;
  for (const auto& [stage, n] : count) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, to_string(stage));
  }
  return text;
}

/// Hosts whose ranks reached the same stages with the same version and network.
struct Group {
  std::vector<std::string> hosts;
  std::vector<int> ranks;
};
using Alike = std::tuple<Stages, std::string, std::string>;  // stages, version, network

std::map<Alike, Group> groups_of(const Job& job, const Communicator& c) {
  struct Row {
    Stages stages;
    std::string version, network;
    std::vector<int> ranks;
  };
  std::map<std::string, Row> hosts;
  for (const Member& m : c.ranks) {
    Row& row = hosts[host_of(job, m.process)];
    row.ranks.push_back(m.rank);
    ++row.stages[m.stage];
    row.version = std::max(row.version, version_of(job.processes[m.process]));
    row.network = std::max(row.network, network_of(job.processes[m.process]));
  }
  std::map<Alike, Group> groups;
  for (auto& [name, row] : hosts) {
    Group& g = groups[{row.stages, row.version, row.network}];
    g.hosts.push_back(name);
    g.ranks.insert(g.ranks.end(), row.ranks.begin(), row.ranks.end());
  }
  return groups;
}

std::string by_group(const Job& job, const Communicator& c, int width) {
  const auto groups = groups_of(job, c);
  std::vector<const std::pair<const Alike, Group>*> order;
  for (const auto& g : groups) order.push_back(&g);
  // The few that differ from the many are what one looks for.
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.hosts.size() < b->second.hosts.size();
  });
  Table table({"hosts", "ranks", "stage per host", "NCCL", "network"});
  const size_t shown = std::min(order.size(), kRowsOfGroups);
  for (size_t i = 0; i < shown; ++i) {
    const auto& [stages, version, network] = order[i]->first;
    table.add({names_in_short(order[i]->second.hosts),
               shortened(number_ranges(order[i]->second.ranks), 40), stages_text(stages), version,
               network});
  }
  std::string out = table.text(static_cast<size_t>(width), "  ");
  if (order.size() > shown)
    out += fmt::format("  and {} more groups of hosts\n", order.size() - shown);
  Stages all;
  for (const Member& m : c.ranks) ++all[m.stage];
  out += fmt::format("  all: {}\n", stages_text(all));
  if (!c.missing_ranks.empty()) {
    out += fmt::format("  never seen: {} ({})\n", c.missing_ranks.size(),
                       shortened(number_ranges(c.missing_ranks), static_cast<size_t>(width) - 26));
  }
  return out;
}

/// Before any communicator starts there are only processes.
std::string by_process(const Job& job, int width) {
  Table table({"host", "pod", "process", "pid", "rank", "stage", "NCCL", "network", "log"});
  size_t more = 0;
  for (const Process& p : job.processes) {
    if (p.facts.empty()) continue;
    if (p.host.empty() && p.actor.empty() && p.pid < 0) continue;  // text of nobody
    const std::string stage(to_string(p.facts.front()->stage));
    auto row = {safe_text(p.host), safe_text(p.origin),  safe_text(p.actor),
                number(p.pid),     number(p.world_rank), stage,
                version_of(p),     network_of(p),        safe_text(p.source)};
    if (table.size() < kRowsOfProcesses) {
      table.add(row);
    } else {
      ++more;
    }
  }
  if (table.empty()) return "";
  return table.text(static_cast<size_t>(width), "  ") +
         (more ? fmt::format("  and {} more\n", more) : "");
}

std::string several(size_t n, std::string_view word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : word.ends_with('s') ? "es" : "s");
}

}  // namespace

std::string host_of(const Job& job, int process) {
  const Process& p = job.processes[process];
  return safe_text(p.host.empty() ? p.origin : p.host);
}

std::string names_in_short(const std::vector<std::string>& names) {
  constexpr size_t kMostNames = 3, kMostColumns = 60;
  std::string text;
  const size_t shown = names.size() > kMostNames + 1 ? 2 : names.size();
  for (size_t i = 0; i < shown; ++i) text += (i ? ", " : "") + safe_clip(names[i], kMostColumns);
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

std::string job_in_a_line(const Job& job) {
  std::vector<std::string> parts;
  if (!job.communicators.empty()) {
    const Communicator& world = job.communicators.front();
    std::set<int> seen;
    for (const Member& m : world.ranks) seen.insert(m.rank);
    const size_t ranks = world.nranks > 0 ? static_cast<size_t>(world.nranks) : seen.size();
    parts.push_back(several(ranks, "rank"));
    if (!world.missing_ranks.empty()) parts.back() += fmt::format(" ({} seen)", seen.size());
  } else {
    parts.push_back(several(job.processes.size(), "process"));
  }
  if (!job.hosts.empty()) parts.back() += " on " + several(job.hosts.size(), "host");
  std::vector<std::string> versions;
  for (const VersionSeen& v : job.nccl_versions) versions.push_back(v.version);
  if (!versions.empty()) parts.push_back("NCCL " + names_in_short(versions));
  if (!job.vllm_version.empty()) parts.push_back("vLLM " + safe_clip(job.vllm_version, 40));
  std::set<std::string> networks;
  for (const Host& h : job.hosts) {
    if (!h.network.empty()) networks.insert(h.network);
  }
  if (!networks.empty())
    parts.push_back("network " + names_in_short({networks.begin(), networks.end()}));
  if (job.communicators.size() > 1)
    parts.push_back(fmt::format("{} communicators", job.communicators.size()));
  return join(parts, ", ");
}

std::string rank_table(const Job& job, int width) {
  if (job.communicators.empty()) return by_process(job, width);
  const Communicator& world = job.communicators.front();
  return world.ranks.size() <= kRowsOfRanks ? by_rank(job, world, width)
                                            : by_group(job, world, width);
}

}  // namespace rankdx
