// Who talks to whom over what.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "present/safe_text.h"
#include "present/table.h"
#include "report/picture.h"

namespace rankdx {
namespace {

constexpr size_t kMatrixRanks = 16, kMatrixHosts = 12, kRowsOfKinds = 12, kRowsOfOddHosts = 8;

/// A square of cells, each with the transports between two of the labels.
struct Square {
  std::vector<std::string> labels;
  std::map<std::pair<size_t, size_t>, std::set<std::string>> cells;
};

/// "P" for P2P/CUMEM, "N" for NET/Socket/0; with a number where a letter stands for several.
std::map<std::string, std::string> codes_for(const Square& square) {
  std::map<char, std::vector<std::string>> by_letter;
  std::set<std::string> all;
  for (const auto& [at, transports] : square.cells)
    all.insert(transports.begin(), transports.end());
  for (const std::string& t : all) by_letter[t.empty() ? '?' : t[0]].push_back(t);
  std::map<std::string, std::string> codes;
  for (const auto& [letter, transports] : by_letter) {
    for (size_t i = 0; i < transports.size(); ++i) {
      codes[transports[i]] =
          std::string(1, letter) + (transports.size() > 1 ? std::to_string(i + 1) : "");
    }
  }
  return codes;
}

Table square_table(const Square& square, const std::map<std::string, std::string>* codes) {
  std::vector<std::string> header = {"from \\ to"};
  header.insert(header.end(), square.labels.begin(), square.labels.end());
  Table table(header);
  for (size_t from = 0; from < square.labels.size(); ++from) {
    std::vector<std::string> row = {square.labels[from]};
    for (size_t to = 0; to < square.labels.size(); ++to) {
      const auto found = square.cells.find({from, to});
      std::string text;
      if (found != square.cells.end()) {
        for (const std::string& t : found->second)
          text += (text.empty() ? "" : " ") + (codes ? codes->at(t) : t);
      }
      row.push_back(!text.empty() ? text : from == to ? "-" : ".");
    }
    table.add(std::move(row));
  }
  return table;
}

/// The square with the transports spelled out where they fit, else as letters with a legend; ""
/// where not even those do.
std::string square_text(const Square& square, int width) {
  const auto columns = static_cast<size_t>(width);
  if (const Table plain = square_table(square, nullptr); plain.natural_width() + 2 <= columns) {
    return plain.text(columns, "  ");
  }
  const auto codes = codes_for(square);
  const Table coded = square_table(square, &codes);
  if (coded.natural_width() + 2 > columns) return "";
  std::string legend;
  for (const auto& [transport, code] : codes) {
    legend += fmt::format("{}{} = {}", legend.empty() ? "" : ", ", code, transport);
  }
  return coded.text(columns, "  ") + "  " + wrapped(legend, columns - 2, "  ") + "\n";
}

Square of_ranks(const Communicator& c) {
  Square square;
  std::map<int, size_t> index;
  for (const Member& m : c.ranks) {
    if (index.emplace(m.rank, square.labels.size()).second)
      square.labels.push_back(std::to_string(m.rank));
  }
  for (const Link& l : c.links) {
    const auto from = index.find(l.from), to = index.find(l.to);
    if (from == index.end() || to == index.end()) continue;
    square.cells[{from->second, to->second}].insert(safe_text(l.transport));
  }
  return square;
}

std::map<int, std::string> hosts_by_rank(const Job& job, const Communicator& c) {
  std::map<int, std::string> hosts;
  for (const Member& m : c.ranks) hosts.emplace(m.rank, host_of(job, m.process));
  return hosts;
}

Square of_hosts(const Job& job, const Communicator& c) {
  Square square;
  std::map<std::string, size_t> index;
  const auto hosts = hosts_by_rank(job, c);
  for (const auto& [rank, host] : hosts) {
    if (index.emplace(host, square.labels.size()).second) square.labels.push_back(host);
  }
  for (const Link& l : c.links) {
    const auto from = hosts.find(l.from), to = hosts.find(l.to);
    if (from == hosts.end() || to == hosts.end()) continue;
    square.cells[{index[from->second], index[to->second]}].insert(safe_text(l.transport));
  }
  return square;
}

/// Hosts that use other transports, inside or to others, than most hosts do.
std::string odd_hosts(const Job& job, const Communicator& c, int width) {
  std::map<std::string, std::set<std::string>> used;
  const auto hosts = hosts_by_rank(job, c);
  for (const Link& l : c.links) {
    const auto from = hosts.find(l.from);
    if (from == hosts.end()) continue;
    const std::string_view kind = !l.same_host ? "" : *l.same_host ? "inside: " : "to others: ";
    used[from->second].insert(std::string(kind) + safe_text(l.transport));
  }
  std::map<std::set<std::string>, std::vector<std::string>> alike;
  for (const auto& [host, transports] : used) alike[transports].push_back(host);
  const auto most = std::max_element(alike.begin(), alike.end(), [](const auto& a, const auto& b) {
    return a.second.size() < b.second.size();
  });
  if (alike.size() < 2 || most->second.size() * 2 <= used.size()) return "";
  std::string out = "  not as most hosts:\n";
  size_t n = 0;
  for (auto group = alike.begin(); group != alike.end(); ++group) {
    if (group == most || ++n > kRowsOfOddHosts) continue;
    const std::string words = names_in_short(group->second) + ": " +
                              join({group->first.begin(), group->first.end()}, ", ");
    out += "    " + shortened(words, static_cast<size_t>(width) - 4) + "\n";
  }
  if (n > kRowsOfOddHosts) out += fmt::format("    and {} more kinds\n", n - kRowsOfOddHosts);
  return out;
}

}  // namespace

std::string transport_counts(const Communicator& c, int width) {
  struct Seen {
    size_t pairs = 0;
    std::string first;
  };
  std::map<std::pair<std::string, std::string>, Seen> kinds;
  for (const Link& l : c.links) {
    const char* where = !l.same_host   ? "host unknown"
                        : *l.same_host ? "on one host"
                                       : "between hosts";
    Seen& seen = kinds[{where, safe_text(l.transport)}];
    if (seen.pairs++ == 0) seen.first = fmt::format("{} -> {}", l.from, l.to);
  }
  Table table({"pairs", "transport", "number", "first"});
  size_t more = 0;
  for (const auto& [kind, seen] : kinds) {
    if (table.size() == kRowsOfKinds) {
      ++more;
      continue;
    }
    table.add({kind.first, kind.second, std::to_string(seen.pairs), seen.first});
  }
  return table.text(static_cast<size_t>(width), "  ") +
         (more ? fmt::format("  and {} more kinds\n", more) : "");
}

std::string transport_picture(const Job& job, int width) {
  if (job.communicators.empty() || job.communicators.front().links.empty()) return "";
  const Communicator& world = job.communicators.front();
  if (world.ranks.size() <= kMatrixRanks) {
    if (std::string text = square_text(of_ranks(world), width); !text.empty()) return text;
  } else if (job.hosts.size() > 1 && job.hosts.size() <= kMatrixHosts) {
    if (std::string text = square_text(of_hosts(job, world), width); !text.empty()) {
      return text + transport_counts(world, width);
    }
  }
  return transport_counts(world, width) + odd_hosts(job, world, width);
}

}  // namespace rankdx
