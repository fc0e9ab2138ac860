#include "bundle/filter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "job/template_hash.h"

namespace rankdx {
namespace {

constexpr int64_t kSecond = 1'000'000, kDay = 86'400 * kSecond;

/// Days from 1970 to a date (proleptic Gregorian).
int64_t days_from_civil(int y, int m, int d) {
  y -= m <= 2;
  const int era = y / 400, yoe = y - era * 400,
            doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097LL + (yoe * 365 + yoe / 4 - yoe / 100 + doy) - 719468;
}

}  // namespace

Result<std::set<int>> parse_ranks(std::string_view text) {
  std::set<int> ranks;
  constexpr int kMost = 1 << 20;
  for (std::string_view part : split(text, ',')) {
    std::string_view to;
    const auto first = parse_int<int>(take_until(part, '-', to));
    const auto last = part.find('-') == part.npos ? first : parse_int<int>(to);
    if (!first || !last || *first < 0 || *last < *first || *last > kMost) {
      return fail(ErrorCode::Usage, fmt::format("'{}' is no rank or range of ranks", part),
                  "--rank", "as in 0,4-7");
    }
    for (int r = *first; r <= *last; ++r) ranks.insert(r);
  }
  return ranks;
}

Result<int64_t> parse_moment(std::string_view text) {
  auto wrong = [&] {
    return fail(ErrorCode::Usage, fmt::format("'{}' is no time", text), "",
                "2026-11-22T10:43:38 or 10:43:38");
  };
  int64_t day = 0;
  if (text.size() > 10 && text[4] == '-') {
    const auto y = parse_int<int>(text.substr(0, 4)), m = parse_int<int>(text.substr(5, 2)),
               d = parse_int<int>(text.substr(8, 2));
    if (!y || !m || !d || *m < 1 || *m > 12 || *d < 1 || *d > 31) return wrong();
    day = days_from_civil(*y, *m, *d);
    text.remove_prefix(11);
  }
  if (text.ends_with('Z')) text.remove_suffix(1);
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return wrong();
  const auto h = parse_int<int>(parts[0]), min = parse_int<int>(parts[1]);
  const auto s = parts.size() == 3 ? parse_double(parts[2]) : std::optional(0.0);
  if (!h || !min || !s || *h < 0 || *h > 23 || *min < 0 || *min > 59 || *s < 0 || *s >= 61)
    return wrong();
  return day * kDay + (*h * 3600 + *min * 60) * kSecond + static_cast<int64_t>(*s * kSecond);
}

std::string writer_key(const Envelope& m, int pid) {
  if (m.label_rank >= 0) return std::to_string(m.label_rank);
  return fmt::format("{}\n{}\n{}", m.origin, m.host, pid);
}

RankOf::RankOf(const Job& job) {
  for (const Process& p : job.processes) {
    if (p.world_rank < 0) continue;
    for (const ProcessFacts* f : p.facts) {
      Envelope e;
      e.origin = f->origin;
      e.host = f->host;
      ranks_[writer_key(e, f->pid)] = p.world_rank;
    }
  }
}

int RankOf::find(std::string_view key) const {
  if (key.find('\n') == key.npos) return parse_int<int>(key).value_or(-1);
  const auto found = ranks_.find(key);
  return found == ranks_.end() ? -1 : found->second;
}

VolumeCounts::Count& VolumeCounts::of_writer(const std::string& key) {
  const auto known = by_writer.find(key);
  if (known != by_writer.end()) return known->second;
  return by_writer[by_writer.size() < kMostWriters ? key : ""];
}

void VolumeCounts::add(const VolumeCounts& other) {
  for (size_t i = 0; i < by_subsystem.size(); ++i) by_subsystem[i].add(other.by_subsystem[i]);
  for (const auto& [writer, count] : other.by_writer) {
    if (count.lines > 0) of_writer(writer).add(count);
  }
  lines += other.lines;
  kept += other.kept;
}

VolumeStats::VolumeStats(const VolumeCounts& counts, const RankOf& ranks)
    : lines(counts.lines), kept(counts.kept) {
  for (size_t i = 0; i < kSubsystems; ++i) {
    if (counts.by_subsystem[i].lines > 0)
      by_subsystem.emplace(name_of(static_cast<Subsystem>(i)), counts.by_subsystem[i]);
  }
  for (const auto& [writer, count] : counts.by_writer) by_rank[ranks.find(writer)].add(count);
}

bool is_near(const FilterOptions& options, uint64_t line) {
  const auto& around = options.around;
  return !around || (line + options.context >= *around && line <= *around + options.context);
}

/// The message behind the prefix decides, so that equal lines of two ranks fold; host names in
/// front differ.
uint64_t Collapser::kind_of(std::string_view line) {
  const size_t nccl = line.find("NCCL ");
  return template_hash(nccl == line.npos ? line : line.substr(nccl));
}

bool Collapser::first(uint64_t hash, std::string_view line) {
  auto found = kinds_.find(hash);
  if (found == kinds_.end()) {
    if (kinds_.size() < kMostKinds) kinds_.emplace(hash, Kind{1, std::string(line.substr(0, 400))});
    return true;
  }
  ++found->second.count;
  ++folded_;
  return false;
}

std::vector<std::pair<uint64_t, std::string>> Collapser::most_frequent(size_t n) const {
  std::vector<std::pair<uint64_t, std::string>> list;
  for (const auto& [hash, kind] : kinds_) {
    if (kind.count > 1) list.emplace_back(kind.count, kind.example);
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  if (list.size() > n) list.resize(n);
  return list;
}

std::string enough_subsystems(const VolumeStats& stats) {
  std::string list = "INIT,ENV,NET";
  if (stats.by_subsystem.count("GRAPH")) list += ",GRAPH";
  if (stats.by_subsystem.count("COLL")) list += ",COLL";
  return list;
}

}  // namespace rankdx
