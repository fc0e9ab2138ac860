// What is not the same everywhere, and the long rest for --verbose.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "present/safe_text.h"
#include "present/table.h"
#include "report/picture.h"

namespace rankdx {
namespace {

constexpr size_t kRowsOfDifferences = 12, kValuesOfOne = 4, kRowsOfEnv = 60, kRowsOfHosts = 24,
                 kRings = 8, kCommunicators = 16, kRowsOfRanks = 32, kMostValue = 200;

std::string value_of(const std::string& value) {
  return value.empty() ? "(empty)" : safe_clip(value, kMostValue);
}

/// One row per value, or one for all where every host has its own.
void add_values(Table& table, size_t& more, const std::string& what,
                const std::vector<std::pair<std::string, std::vector<std::string>>>& values) {
  if (table.size() >= kRowsOfDifferences) {
    ++more;
  } else if (values.size() > kValuesOfOne) {
    table.add({what, fmt::format("{} different values", values.size()), ""});
  } else {
    for (const auto& [value, hosts] : values)
      table.add({what, value_of(value), names_in_short(hosts)});
  }
}

std::string interfaces_of(const Host& host, int width) {
  std::vector<std::string> interfaces;
  for (const std::string& i : host.interfaces) interfaces.push_back(safe_text(i));
  return shortened(fmt::format("  {}: {}", safe_text(host.name), join(interfaces, ", ")),
                   static_cast<size_t>(width)) +
         "\n";
}

std::string edges_text(const std::vector<std::pair<int, int>>& edges) {
  std::string text;
  for (const auto& [parent, child] : edges)
    text += fmt::format("{}{}->{}", text.empty() ? "" : " ", parent, child);
  return text;
}

std::string communicator_text(const Communicator& c, int width) {
  const size_t room = static_cast<size_t>(width) - 8;
  const std::string heading =
      fmt::format("Communicator {}: {} ranks, {} channels{}{}", safe_clip(c.id, 60), c.nranks,
                  c.channels, c.nnodes ? fmt::format(", {} nodes", *c.nnodes) : "",
                  c.parent ? ", child of " + safe_clip(*c.parent, 40) : "");
  std::string out = "\n" + wrapped(heading, static_cast<size_t>(width), "  ") + "\n";
  for (size_t i = 0; i < std::min(c.rings.size(), kRings); ++i) {
    out += "  ring " + shortened(fmt::format("{}: {}", i, fmt::join(c.rings[i], " ")), room) + "\n";
  }
  if (c.rings.size() > kRings) out += fmt::format("  and {} more rings\n", c.rings.size() - kRings);
  for (size_t i = 0; i < std::min(c.trees.size(), kRings); ++i) {
    const TreePicture& t = c.trees[i];
    out +=
        "  tree " + shortened(fmt::format("{}: {}", t.channel, edges_text(t.edges)), room) + "\n";
  }
  if (c.trees.size() > kRings) out += fmt::format("  and {} more trees\n", c.trees.size() - kRings);
  if (!c.links.empty()) out += transport_counts(c, width);
  for (size_t i = 0; i < std::min(c.collectives.size(), kRowsOfRanks); ++i) {
    const CollectiveCount& n = c.collectives[i];
    out += fmt::format("  rank {}: {} calls, last {}\n", n.rank, n.count,
                       safe_clip(n.last, kMostValue));
  }
  if (c.collectives.size() > kRowsOfRanks) {
    out += fmt::format("  and {} more ranks\n", c.collectives.size() - kRowsOfRanks);
  }
  return out;
}

}  // namespace

std::string differences(const Job& job, int width) {
  using Values = std::vector<std::pair<std::string, std::vector<std::string>>>;
  Table table({"what", "value", "hosts"});
  size_t more = 0;
  Values versions;
  for (const VersionSeen& v : job.nccl_versions) versions.emplace_back(v.version, v.hosts);
  if (versions.size() > 1) add_values(table, more, "NCCL version", versions);
  std::map<std::string, std::vector<std::string>> networks;
  for (const Host& h : job.hosts) {
    if (!h.network.empty()) networks[h.network].push_back(h.name);
  }
  if (networks.size() > 1) add_values(table, more, "network", {networks.begin(), networks.end()});
  for (size_t i = 0; i < job.environment.size();) {
    Values values;
    bool differs = false;
    const std::string& name = job.environment[i].name;
    for (; i < job.environment.size() && job.environment[i].name == name; ++i) {
      differs |= job.environment[i].hosts.size() < job.hosts.size();
      values.emplace_back(job.environment[i].value, job.environment[i].hosts);
    }
    if (differs || values.size() > 1) add_values(table, more, safe_clip(name, 60), values);
  }
  if (table.empty()) return "";
  return table.text(static_cast<size_t>(width), "  ") +
         (more ? fmt::format("  and {} more variables (--verbose shows them)\n", more) : "");
}

std::string everything_else(const Job& job, int width) {
  std::string out;
  Table env({"variable", "value", "hosts"});
  for (size_t i = 0; i < std::min(job.environment.size(), kRowsOfEnv); ++i) {
    const EnvSeen& e = job.environment[i];
    env.add({safe_text(e.name), value_of(e.value), names_in_short(e.hosts)});
  }
  if (!env.empty()) out += "\nEnvironment\n" + env.text(static_cast<size_t>(width), "  ");
  if (job.environment.size() > kRowsOfEnv) {
    out += fmt::format("  and {} more values\n", job.environment.size() - kRowsOfEnv);
  }
  if (!job.hosts.empty()) out += "\nInterfaces\n";
  for (size_t i = 0; i < std::min(job.hosts.size(), kRowsOfHosts); ++i)
    out += interfaces_of(job.hosts[i], width);
  if (job.hosts.size() > kRowsOfHosts)
    out += fmt::format("  and {} more hosts\n", job.hosts.size() - kRowsOfHosts);
  for (size_t i = 0; i < std::min(job.communicators.size(), kCommunicators); ++i) {
    out += communicator_text(job.communicators[i], width);
  }
  if (job.communicators.size() > kCommunicators) {
    out += fmt::format("\nand {} more communicators (-o json has all)\n",
                       job.communicators.size() - kCommunicators);
  }
  return out;
}

}  // namespace rankdx
