#include "report/picture.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "present/safe_text.h"
#include "present/table.h"

namespace rankdx {
namespace {

constexpr size_t kRowsOfRanks = 32, kRowsOfHosts = 24, kMatrixRanks = 16, kRowsOfEnv = 40, kRings = 8;

const ProcessFacts& facts_of(const Job& job, int process) { return *job.processes[process].facts.front(); }

std::string host_of(const Job& job, int process) {
  const Process& p = job.processes[process];
  return safe_text(p.host.empty() ? p.origin : p.host);
}

std::string version_of(const Job& job, int process) {
  const auto& v = facts_of(job, process).versions;
  return v.empty() ? "" : safe_text(v.back());
}

std::string network_of(const Job& job, int process) {
  const auto& n = facts_of(job, process).networks;
  return n.empty() ? "" : safe_text(n.back());
}

std::string device(const CommFacts& f) { return f.cuda_dev >= 0 ? std::to_string(f.cuda_dev) : ""; }

std::string by_rank(const Job& job, const Communicator& c, int width) {
  Table table({"rank", "host", "pod", "pid", "GPU", "stage", "network", "NCCL", "log"});
  for (const Member& m : c.ranks) {
    const Process& p = job.processes[m.process];
    table.add({std::to_string(m.rank), safe_text(p.host), safe_text(p.origin), p.pid >= 0 ? std::to_string(p.pid) : "",
               device(*m.facts), std::string(to_string(m.stage)), network_of(job, m.process), version_of(job, m.process),
               safe_text(m.source->name)});
  }
  if (!c.missing_ranks.empty()) table.add({number_ranges(c.missing_ranks), "", "", "", "", "never seen"});
  return table.text(static_cast<size_t>(width), "  ");
}

std::string stages(const std::map<Stage, int>& count) {
  std::string text;
  for (const auto& [stage, n] : count) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, to_string(stage));
  return text;
}

std::string by_host(const Job& job, const Communicator& c, int width) {
  struct Row { std::vector<int> ranks; std::map<Stage, int> stages; std::string network, version; };
  std::map<std::string, Row> rows;
  std::map<Stage, int> all;
  for (const Member& m : c.ranks) {
    Row& row = rows[host_of(job, m.process)];
    row.ranks.push_back(m.rank);
    ++row.stages[m.stage];
    ++all[m.stage];
    row.network = network_of(job, m.process);
    row.version = version_of(job, m.process);
  }
  // Hosts that are behind come first: those are what one looks for.
  std::vector<std::pair<std::string, const Row*>> order;
  for (const auto& [name, row] : rows) order.emplace_back(name, &row);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second->stages < b.second->stages; });
  Table table({"host", "ranks", "stage", "network", "NCCL"});
  for (size_t i = 0; i < std::min(order.size(), kRowsOfHosts); ++i) {
    const Row& row = *order[i].second;
    table.add({order[i].first, number_ranges(row.ranks), stages(row.stages), row.network, row.version});
  }
  if (order.size() > kRowsOfHosts) table.add({fmt::format("and {} more", order.size() - kRowsOfHosts)});
  std::string out = table.text(static_cast<size_t>(width), "  ");
  out += fmt::format("  all: {}\n", stages(all));
  if (!c.missing_ranks.empty()) out += "  never seen: " + shortened(number_ranges(c.missing_ranks), static_cast<size_t>(width) - 14) + "\n";
  return out;
}

std::string matrix(const Communicator& c, int width) {
  std::map<std::pair<int, int>, std::string> cell;
  for (const Link& l : c.links) {
    std::string& text = cell[{l.from, l.to}];
    if (!text.empty()) text += " ";
    text += safe_text(l.transport);
  }
  std::vector<std::string> header = {"from \\ to"};
  for (const Member& m : c.ranks) header.push_back(std::to_string(m.rank));
  Table table(header);
  for (const Member& from : c.ranks) {
    std::vector<std::string> row = {std::to_string(from.rank)};
    for (const Member& to : c.ranks) {
      auto found = cell.find({from.rank, to.rank});
      row.push_back(found != cell.end() ? found->second : from.rank == to.rank ? "-" : ".");
    }
    table.add(std::move(row));
  }
  return table.text(static_cast<size_t>(width), "  ");
}

std::string transport_counts(const Communicator& c, int width) {
  std::map<std::pair<std::string, std::string>, std::pair<size_t, std::string>> count;
  for (const Link& l : c.links) {
    auto& [n, example] = count[{l.same_host ? (*l.same_host ? "same host" : "between hosts") : "host unknown", safe_text(l.transport)}];
    if (n++ == 0) example = fmt::format("{} -> {}", l.from, l.to);
  }
  Table table({"pairs", "transport", "number", "first"});
  for (const auto& [kind, seen] : count) table.add({kind.first, kind.second, std::to_string(seen.first), seen.second});
  return table.text(static_cast<size_t>(width), "  ");
}

std::string host_names(std::vector<std::string> hosts) {
  constexpr size_t kMany = 4;
  if (hosts.size() > kMany) return fmt::format("{} hosts", hosts.size());
  for (std::string& h : hosts) h = safe_text(h);
  return join(hosts, ", ");
}

std::string edges_text(const std::vector<std::pair<int, int>>& edges) {
  std::string text;
  for (const auto& [parent, child] : edges) text += fmt::format("{}{}->{}", text.empty() ? "" : " ", parent, child);
  return text;
}

}  // namespace

std::string job_in_a_line(const Job& job) {
  std::vector<std::string> parts;
  if (!job.communicators.empty()) {
    const Communicator& world = job.communicators.front();
    parts.push_back(fmt::format("{} ranks{}", world.nranks, world.missing_ranks.empty() ? "" : fmt::format(" ({} seen)", world.ranks.size())));
  } else {
    parts.push_back(fmt::format("{} processes", job.processes.size()));
  }
  if (!job.hosts.empty()) parts.back() += fmt::format(" on {} host{}", job.hosts.size(), job.hosts.size() == 1 ? "" : "s");
  std::vector<std::string> versions;
  for (const VersionSeen& v : job.nccl_versions) versions.push_back(safe_text(v.version));
  if (!versions.empty()) parts.push_back("NCCL " + join(versions, " and "));
  if (!job.vllm_version.empty()) parts.push_back("vLLM " + safe_text(job.vllm_version));
  std::set<std::string> networks;
  for (const Host& h : job.hosts) {
    if (!h.network.empty()) networks.insert(safe_text(h.network));
  }
  if (!networks.empty()) parts.push_back("network " + join({networks.begin(), networks.end()}, " and "));
  if (job.communicators.size() > 1) parts.push_back(fmt::format("{} communicators", job.communicators.size()));
  return join(parts, ", ");
}

std::string rank_table(const Job& job, int width) {
  if (job.communicators.empty()) return "";
  const Communicator& world = job.communicators.front();
  return world.ranks.size() <= kRowsOfRanks ? by_rank(job, world, width) : by_host(job, world, width);
}

std::string transport_picture(const Job& job, int width) {
  if (job.communicators.empty() || job.communicators.front().links.empty()) return "";
  const Communicator& world = job.communicators.front();
  const bool fits = world.ranks.size() <= kMatrixRanks && world.ranks.size() * 6 + 14 < static_cast<size_t>(width);
  return fits ? matrix(world, width) : transport_counts(world, width);
}

std::string differences(const Job& job, int width) {
  Table table({"what", "value", "hosts"});
  auto everywhere = [&](const std::vector<std::string>& hosts) { return hosts.size() >= job.hosts.size(); };
  if (job.nccl_versions.size() > 1) {
    for (const VersionSeen& v : job.nccl_versions) table.add({"NCCL version", safe_text(v.version), host_names(v.hosts)});
  }
  for (const EnvSeen& e : job.environment) {
    if (!everywhere(e.hosts)) table.add({safe_text(e.name), safe_text(e.value), host_names(e.hosts)});
  }
  std::map<std::string, std::vector<std::string>> networks;
  for (const Host& h : job.hosts) {
    if (!h.network.empty()) networks[h.network].push_back(h.name);
  }
  if (networks.size() > 1) {
    for (const auto& [network, hosts] : networks) table.add({"network", safe_text(network), host_names(hosts)});
  }
  return table.empty() ? "" : table.text(static_cast<size_t>(width), "  ");
}

std::string everything_else(const Job& job, int width) {
  std::string out = "\nEnvironment\n";
  Table env({"variable", "value", "hosts"});
  for (size_t i = 0; i < std::min(job.environment.size(), kRowsOfEnv); ++i) {
    const EnvSeen& e = job.environment[i];
    env.add({safe_text(e.name), safe_text(e.value), host_names(e.hosts)});
  }
  out += env.text(static_cast<size_t>(width), "  ");
  for (const Host& h : job.hosts) {
    std::vector<std::string> interfaces = h.interfaces;
    for (std::string& i : interfaces) i = safe_text(i);
    if (job.hosts.size() <= kRowsOfHosts) out += fmt::format("  {}: {}\n", safe_text(h.name), join(interfaces, ", "));
  }
  for (const Communicator& c : job.communicators) {
    out += fmt::format("\nCommunicator {}: {} ranks, {} channels{}\n", safe_text(c.id), c.nranks, c.channels,
                       c.nnodes ? fmt::format(", {} nodes", *c.nnodes) : "");
    for (size_t i = 0; i < std::min(c.rings.size(), kRings); ++i) {
      out += "  ring " + shortened(fmt::format("{}: {}", i, fmt::join(c.rings[i], " ")), static_cast<size_t>(width) - 8) + "\n";
    }
    for (size_t i = 0; i < std::min(c.trees.size(), kRings); ++i) {
      out += "  tree " + shortened(fmt::format("{}: {}", c.trees[i].channel, edges_text(c.trees[i].edges)), static_cast<size_t>(width) - 8) + "\n";
    }
    if (!c.links.empty()) out += transport_counts(c, width);
    for (const CollectiveCount& n : c.collectives) {
      if (c.collectives.size() <= kRowsOfRanks) out += fmt::format("  rank {}: {} calls, last {}\n", n.rank, n.count, safe_text(n.last));
    }
  }
  return out;
}

}  // namespace rankdx
