#include "bundle/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"
#include "bundle/subsystem.h"
#include "events/nccl.h"
#include "events/nccl/skim.h"
#include "job/template_hash.h"
#include "scan/scanner.h"

namespace rankdx {
namespace {

constexpr int64_t kSecond = 1'000'000, kDay = 86'400 * kSecond;

std::string key_of(std::string_view origin, std::string_view host, int pid) {
  return fmt::format("{}\n{}\n{}", origin, host, pid);
}

/// Words with which text lines (Python logging, tracebacks) say that something is wrong.
constexpr std::array<std::string_view, 10> kWarningWords = {
    "ERROR",   "WARNING",   "CRITICAL",  "FATAL", "Traceback",
    "Error: ", "Exception", "OOMKilled", "[E ",   "[W "};

bool sounds_bad(std::string_view text) {
  return std::any_of(kWarningWords.begin(), kWarningWords.end(),
                     [&](std::string_view w) { return text.find(w) != text.npos; });
}

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

RankOf::RankOf(const Job& job) {
  for (const Process& p : job.processes) {
    if (p.world_rank < 0) continue;
    for (const ProcessFacts* f : p.facts) ranks_[key_of(f->origin, f->host, f->pid)] = p.world_rank;
  }
}

int RankOf::find(std::string_view origin, std::string_view host, int pid) const {
  auto found = ranks_.find(key_of(origin, host, pid));
  return found == ranks_.end() ? -1 : found->second;
}

struct LineFilter::Impl : MessageSink {
  const FilterOptions& options;
  const RankOf& ranks;
  VolumeStats* stats;
  Scanner scanner;
  uint64_t line_number = 0;
  int64_t last_time = kNoTime;
  bool wanted = false;
  std::vector<int> rank_of_writer;
  Event event;  ///< of the line at hand

  Impl(const FilterOptions& o, const RankOf& r, VolumeStats* s) : options(o), ranks(r), stats(s) {}

  int rank(const Envelope& m) {
    if (m.label_rank >= 0) return m.label_rank;
    if (m.writer == kNoWriter)
      return ranks.find(m.origin, m.host,
                        m.level == Level::None || m.pid < 0 ? m.actor_pid : m.pid);
    if (m.writer >= rank_of_writer.size()) rank_of_writer.resize(m.writer + 1, -2);
    int& known = rank_of_writer[m.writer];
    if (known == -2) known = ranks.find(m.origin, m.host, m.pid);
    return known;
  }

  bool in_time(const Envelope& m) {
    if (m.time_us != kNoTime) last_time = m.time_us;
    auto moment = [&](int64_t bound) { return bound < kDay ? last_time % kDay : last_time; };
    if (options.since_us && (last_time == kNoTime || moment(*options.since_us) < *options.since_us))
      return false;
    return !options.until_us || last_time == kNoTime ||
           moment(*options.until_us) <= *options.until_us;
  }

  void on_message(const Envelope& m, std::string_view line) override {
    const int who = !options.ranks.empty() || stats ? rank(m) : -1;
    if (stats) count(subsystem(m), who, line);
    if (!in_time(m)) return;
    if (options.level == LeastLevel::Warn && m.level != Level::Warn && m.level != Level::Abort &&
        !(m.level == Level::None && sounds_bad(m.body)))
      return;
    if (!options.ranks.empty() && !options.ranks.count(who)) return;
    if (!options.comm.empty() && m.body.find(options.comm) == m.body.npos) return;
    // Last, as it takes longest.
    if (!options.subsystems.empty() && !options.subsystems.contains(subsystem(m))) return;
    wanted = true;
  }

  /// Most lines of a large log are known without a full reading.
  std::string_view subsystem(const Envelope& m) {
    if (m.level == Level::None) return subsystem_of(m.level, EventKind::Unknown);
    CollectiveCall call;
    if (m.level == Level::Info) {
      const EventKind kind = skim_nccl(m.body, call);
      if (kind != EventKind::Unknown) return subsystem_of(m.level, kind);
    }
    parse_nccl({m.level, m.body, m.file, m.func, m.host.size()}, event);
    return subsystem_of(m.level, event.kind);
  }

  /// Whether every line that says anything is kept.
  bool takes_all() const {
    return options.subsystems.empty() && options.level == LeastLevel::All &&
           options.ranks.empty() && options.comm.empty() && !options.since_us &&
           !options.until_us && !stats;
  }

  /// Whether the line cannot matter, for itself or for lines that follow, whoever wrote it.
  bool is_out(std::string_view line) const {
    return !options.comm.empty() && !stats && !options.since_us && !options.until_us &&
           options.ranks.empty() &&
           ::memmem(line.data(), line.size(), options.comm.data(), options.comm.size()) == nullptr;
  }

  void count(std::string_view subsystem, int who, std::string_view line) {
    auto add = [&](VolumeStats::Count& c) { ++c.lines, c.bytes += line.size() + 1; };
    const auto found = stats->by_subsystem.find(subsystem);
    add(found != stats->by_subsystem.end() ? found->second
                                           : stats->by_subsystem[std::string(subsystem)]);
    add(stats->by_rank[std::max(who, -1)]);
  }
};

LineFilter::LineFilter(const FilterOptions& options, const RankOf& ranks, VolumeStats* stats)
    : impl_(std::make_unique<Impl>(options, ranks, stats)) {}
LineFilter::~LineFilter() = default;
LineFilter::LineFilter(LineFilter&&) noexcept = default;

bool LineFilter::keep(std::string_view line) {
  Impl& i = *impl_;
  ++i.line_number;
  if (i.stats) ++i.stats->lines;
  if (i.is_out(line)) return false;
  i.wanted = i.takes_all() && !trim(line).empty();
  if (!i.takes_all()) i.scanner.scan_line(line, i);
  const auto& around = i.options.around;
  const bool near = !around || (i.line_number + i.options.context >= *around &&
                                i.line_number <= *around + i.options.context);
  const bool kept = i.wanted && near;
  if (i.stats) i.stats->kept += kept;
  return kept;
}

bool Collapser::first(std::string_view line) {
  // The message behind the prefix decides, so that equal lines of two ranks fold; host names in
  // front differ.
  const size_t nccl = line.find("NCCL ");
  const std::string_view body = nccl == line.npos ? line : line.substr(nccl);
  const uint64_t hash = template_hash(body);
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
