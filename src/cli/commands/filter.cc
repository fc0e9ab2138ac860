// rankdx filter: logs cut down by what their lines mean.
#include "bundle/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "input/input.h"
#include "job/read.h"
#include "present/safe_text.h"
#include "present/table.h"

namespace rankdx {
namespace {

struct Options {
  std::vector<std::string> paths, subsystems;
  std::string level, ranks, comm, since, until;
  std::optional<int64_t> around;
  int64_t context = 20;
  bool collapse = false, stats = false;
};

int refuse(const Error& error) {
  return std::fprintf(stderr, "rankdx: %s\n", to_string(error).c_str()), kUsage;
}

Result<FilterOptions> filter_of(const Options& o) {
  FilterOptions f;
  for (const std::string& s : o.subsystems) {
    std::string upper;
    for (char c : s) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    f.subsystems.insert(upper);
  }
  if (o.level == "warn") f.level = LeastLevel::Warn;
  if (!o.ranks.empty()) f.ranks = RANKDX_TRY(parse_ranks(o.ranks));
  f.comm = o.comm;
  if (o.around) f.around = static_cast<uint64_t>(*o.around);
  f.context = static_cast<uint64_t>(o.context);
  if (!o.since.empty()) f.since_us = RANKDX_TRY(parse_moment(o.since));
  if (!o.until.empty()) f.until_us = RANKDX_TRY(parse_moment(o.until));
  return f;
}

void print_stats(const VolumeStats& stats) {
  Table table({"subsystem", "lines", "MB", "share"});
  uint64_t bytes = 0;
  for (const auto& [name, count] : stats.by_subsystem) bytes += count.bytes;
  for (const auto& [name, count] : stats.by_subsystem) {
    table.add({name, std::to_string(count.lines),
               fmt::format("{:.1f}", static_cast<double>(count.bytes) / 1e6),
               fmt::format("{:.1f} %", bytes ? 100.0 * static_cast<double>(count.bytes) /
                                                   static_cast<double>(bytes)
                                             : 0.0)});
  }
  Table ranks({"rank", "lines", "MB"});
  for (const auto& [rank, count] : stats.by_rank)
    ranks.add({rank < 0 ? "?" : std::to_string(rank), std::to_string(count.lines),
               fmt::format("{:.1f}", static_cast<double>(count.bytes) / 1e6)});
  fmt::print(
      "{}\n{}\n{} of {} lines would be kept. For a diagnosis NCCL_DEBUG_SUBSYS={} is enough.\n",
      table.text(100), ranks.text(100), stats.kept, stats.lines, enough_subsystems(stats));
}

int run(const Options& o) {
  const auto options = filter_of(o);
  if (!options) return refuse(options.error());
  const bool from_stdin = o.paths.empty() || (o.paths.size() == 1 && o.paths.front() == "-");
  const size_t threads = std::max(std::thread::hardware_concurrency(), 1u);
  RankOf ranks;
  VolumeWatch watch(*options);
  if (!options->ranks.empty() || o.stats) {
    if (from_stdin && !options->ranks.empty()) {
      return refuse({ErrorCode::Usage, "--rank reads the logs twice", "-",
                     "give files instead of standard input"});
    }
    const LiteralSet nothing({"no line holds this text"});
    ReadOptions how{.threads = static_cast<int>(threads)};
    if (o.stats && !o.collapse && options->ranks.empty())
      how.beside = std::bind_front(&VolumeWatch::beside, &watch);
    if (!from_stdin) ranks = RankOf(assemble(read_facts(o.paths, nothing, how).facts));
  }
  VolumeCounts counts;
  counts.add(watch.counts());
  Collapser collapser;
  std::vector<LeftOut> left_out;
  bool any = false;
  const Filtering filtering{*options, ranks, o.stats ? &counts : nullptr,
                            o.collapse ? &collapser : nullptr, [](std::string_view lines) {
                              std::fwrite(lines.data(), 1, lines.size(), stdout);
                              std::fflush(stdout);
                            }};
  for_each_input(
      o.paths,
      [&](InputItem item) {
        any = true;
        if (!watch.has(item.name)) filter_source(*item.bytes, filtering, threads);
      },
      left_out);
  for (const LeftOut& l : left_out)
    std::fprintf(stderr, "rankdx: %s\n", to_string(l.error).c_str());
  if (o.stats) print_stats(VolumeStats(counts, ranks));
  if (o.collapse) {
    std::fprintf(stderr, "%llu lines folded into the ones above; most often:\n",
                 static_cast<unsigned long long>(collapser.folded()));
    for (const auto& [count, example] : collapser.most_frequent(10))
      std::fprintf(stderr, "%10llu  %s\n", static_cast<unsigned long long>(count),
                   safe_text(example).c_str());
  }
  return any && std::ferror(stdout) == 0 ? kHealthy : kUsage;
}

}  // namespace

const std::string_view kFilterExamples =
    "  rankdx filter --level warn logs/                 # warnings of all ranks, and what Python "
    "calls an error\n"
    "  rankdx filter --subsys INIT,NET --rank 0,4-7 logs/\n"
    "  rankdx filter --stats logs/                      # where the volume comes from\n";

std::function<int()> make_filter(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operands("LOG", o->paths, "files, directories, globs or - for standard input");
  flags.list("--subsys", o->subsystems,
             "subsystems of NCCL_DEBUG_SUBSYS, WARN, TEXT (not NCCL) or OTHER");
  flags.choice("--level", o->level, {"all", "warn"}, "the least serious lines to keep");
  flags.text("--rank", o->ranks, "ranks of the largest communicator: 0,4-7");
  flags.text("--comm", o->comm, "lines that name this communicator, by id or pointer");
  flags.number("--around", o->around, 1, int64_t{1} << 40,
               "a line number, with lines on both sides");
  flags.number("--context", o->context, 0, 1'000'000, "lines on each side of --around");
  flags.text("--since", o->since, "from this time (UTC), 2026-11-22T10:43:38 or 10:43:38");
  flags.text("--until", o->until, "to this time");
  flags.on("--collapse", o->collapse, "fold lines that differ only in numbers, over all ranks");
  flags.on("--stats", o->stats, "print where the volume comes from instead of lines");
  return [o] { return run(*o); };
}

}  // namespace rankdx
