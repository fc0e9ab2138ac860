#include "cluster/ras_views.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace rankdx {
namespace {

/// Ranks that are looked at in all answers together; beyond, only those that are named.
constexpr int64_t kMaxRanks = 1 << 21;

}  // namespace

RasProcess key_of(const std::string& host, int pid) {
  RasProcess p;
  p.host = host, p.pid = pid;
  return p;
}

/// Text answers name only ranks that stand out; a communicator that is INCOMPLETE there and lists
/// all its missing ranks tells at the same time that the others answered.
void add_answer(const RasAnswer& answer, size_t reply, Views& views) {
  for (const RasProcess& p : answer.lost) {
    const RasProcess key = key_of(p.host, p.pid);
    views.lost[key].insert(reply);
    RasProcess& details = views.lost_details[key];
    const bool dead = details.dead || p.dead;
    details = p;
    details.dead = dead;
  }
  for (const RasCommunicator& c : answer.communicators) {
    CommunicatorView& view = views.communicators[c.hash];
    view.hash = c.hash;
    view.size = std::max(view.size, c.size);
    view.told_in.push_back(reply);
    int named_missing = 0;
    for (const RasRank& r : c.ranks) {
      RankView& rank = view.ranks[r.rank];
      (r.missing ? rank.missing_in : rank.seen_in).insert(reply);
      named_missing += r.missing ? 1 : 0;
      rank.dead = rank.dead || (r.missing && r.dead);
      const RasRank before = rank.last;
      rank.last = r;
      if (rank.last.host.empty()) rank.last.host = before.host;
      if (rank.last.pid < 0) rank.last.pid = before.pid;
      if (!rank.last.gpu) rank.last.gpu = before.gpu;
    }
    if (named_missing == c.missing_count && c.size <= kMaxRanks - views.ranks) {
      views.ranks += c.size;
      for (int r = 0; r < c.size; ++r) {
        RankView& rank = view.ranks[r];
        if (!rank.missing_in.count(reply)) rank.seen_in.insert(reply), rank.last.rank = r;
      }
    }
  }
}

std::string place_of(const RasRank& r) {
  std::string out = fmt::format("rank {}", r.rank);
  if (!r.host.empty()) out += " on " + r.host;
  if (r.pid >= 0)
    out += fmt::format(" (process {}{})", r.pid, r.gpu ? fmt::format(", GPU {}", *r.gpu) : "");
  return out;
}

Where where_of(const RasRank& r) {
  Where w;
  w.host = r.host;
  w.rank = r.rank;
  w.gpu = r.gpu;
  return w;
}

std::string listed(const std::vector<RasRank>& ranks) {
  std::vector<std::string> parts;
  for (const RasRank& r : ranks) {
    if (parts.size() == 4 && ranks.size() > 5) {
      parts.push_back(fmt::format("{} more", ranks.size() - 4));
      break;
    }
    parts.push_back(place_of(r));
  }
  return join(parts, ", ");
}

std::vector<Behind> behind_in(const RasCommunicator& c) {
  std::set<std::string> collectives;
  for (const RasRank& r : c.ranks) {
    for (const auto& [name, count] : r.counts) collectives.insert(name);
  }
  for (const RasCrowd& crowd : c.crowds) collectives.insert(crowd.collective);
  std::vector<Behind> out;
  for (const std::string& name : collectives) {
    Behind b{name, UINT64_MAX, 0, {}};
    auto count = [&](uint64_t n) { b.least = std::min(b.least, n), b.most = std::max(b.most, n); };
    for (const RasRank& r : c.ranks) {
      if (r.counts.count(name)) count(r.counts.at(name));
    }
    for (const RasCrowd& crowd : c.crowds) {
      if (crowd.collective == name) count(crowd.count);
    }
    if (b.least >= b.most) continue;
    for (const RasRank& r : c.ranks) {
      if (r.counts.count(name) && r.counts.at(name) < b.most) b.ranks.push_back(r);
    }
    out.push_back(std::move(b));
  }
  return out;
}

}  // namespace rankdx
