#include "bundle/filter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/text.h"
#include "bundle/line_filter.h"
#include "job/read.h"
#include "job/test_logs.h"

namespace rankdx {
namespace {

const std::string kLog = test::prefix("a", 7, 0) +
                         "NCCL INFO NCCL_DEBUG set by environment to INFO.\n" +
                         test::start_line(test::prefix("a", 7, 0), 0, 2, "0x11", "0xabc", "START") +
                         test::start_line(test::prefix("b", 7, 0), 1, 2, "0x12", "0xabc", "START") +
                         "[2026-03-01 10:00:05] b:7:9 [0] misc/socket.cc:1 NCCL WARN Call to recv "
                         "failed : Broken pipe\n" +
                         "b:7:7 [0] NCCL INFO AllReduce: opCount 1 sendbuff 0x1 recvbuff 0x2 count "
                         "4 datatype 7 op 0 root 0 comm 0x12 [nranks=2] stream 0x3\n" +
                         "ERROR 03-01 10:00:06 core.py:1] it broke\n";

struct Kept {
  std::string lines;
  VolumeCounts counts;
  uint64_t folded = 0;
};
enum class Print : uint8_t { Lines, Stats };

/// The lines that are kept, and what was counted.
Kept filtered(const std::string& log, const FilterOptions& options, const RankOf& ranks,
              Print print, size_t threads, size_t block_bytes) {
  Kept kept;
  Collapser collapser;
  const Filtering filtering{options, ranks, print == Print::Stats ? &kept.counts : nullptr,
                            options.level == LeastLevel::Warn ? &collapser : nullptr,
                            [&](std::string_view lines) { kept.lines += lines; }};
  const auto source = memory_source(log);
  filter_source(*source, filtering, threads, block_bytes);
  kept.folded = collapser.folded();
  return kept;
}

RankOf ranks_of(const std::string& log) {
  const LiteralSet gate({"no such literal"});
  return RankOf(assemble(test::facts_of(test::fold_text("log", log, gate))));
}

/// The numbers of the lines that are kept.
std::string kept(const FilterOptions& options) {
  const std::string lines =
      filtered(kLog, options, ranks_of(kLog), Print::Lines, 1, LineReader::kBlock).lines;
  std::string numbers;
  int n = 0;
  for (std::string_view line : split(std::string_view(kLog).substr(0, kLog.size() - 1), '\n')) {
    ++n;
    if (("\n" + lines).find("\n" + std::string(line) + "\n") != std::string::npos)
      numbers += std::to_string(n) + " ";
  }
  return numbers;
}

/// The same line by line.
Kept filtered_slowly(const std::string& log, const FilterOptions& options, const RankOf& ranks,
                     Print print) {
  Kept kept;
  Collapser collapser;
  LineFilter filter(options, ranks, print == Print::Stats ? &kept.counts : nullptr);
  for (size_t at = 0; at < log.size();) {
    const size_t end = std::min(log.find('\n', at), log.size());
    const std::string_view line = std::string_view(log).substr(at, end - at);
    at = end + 1;
    ++kept.counts.lines;
    if (!filter.wants(line) || !is_near(options, kept.counts.lines)) continue;
    ++kept.counts.kept;
    if (options.level == LeastLevel::Warn && !collapser.first(Collapser::kind_of(line), line))
      continue;
    if (print == Print::Lines) kept.lines.append(line).append("\n");
  }
  kept.folded = collapser.folded();
  if (print == Print::Lines) kept.counts = {};
  return kept;
}

std::string in_words(const Kept& kept, const RankOf& ranks) {
  std::string words = kept.lines + std::to_string(kept.folded);
  const VolumeStats stats(kept.counts, ranks);
  const auto add = [&](const auto& name, const VolumeStats::Count& count) {
    words += fmt::format("\n{} {} {}", name, count.lines, count.bytes);
  };
  for (const auto& [name, count] : stats.by_subsystem) add(name, count);
  for (const auto& [rank, count] : stats.by_rank) add(rank, count);
  add("all", {stats.lines, stats.kept});
  return words;
}

/// Some lines of logs, with times, glued, cut, wrapped and with broken bytes.
std::string shuffled(const std::vector<std::string>& lines, std::mt19937& random) {
  static const std::string kMarks[] = {"\x1b[36m",
                                       "\r",
                                       "\xff",
                                       "[rank3]: ",
                                       "(Worker pid=7) ",
                                       "2026-03-01 10:00:07 ",
                                       "2026-03-01T09:59:59Z ",
                                       "gpu-worker-0"};
  std::string out;
  const bool timed = random() % 2;
  size_t at = random() % lines.size();
  for (int i = 0; i < 300; ++i) {
    if (random() % 20 == 0) at = random();
    std::string line = lines[at++ % lines.size()];
    const unsigned what = random() % 40;
    if (timed && random() % 3 == 0)
      line = fmt::format("2026-03-01 10:00:{:02} ", 3 + i / 100 + random() % 4) + line;
    if (what == 0) line.erase(0, random() % 30);
    if (what == 1) line.insert(random() % (line.size() + 1), kMarks[random() % std::size(kMarks)]);
    if (what == 2) line.insert(0, kMarks[random() % std::size(kMarks)]);
    out += line;
    if (what != 3) out += '\n';
  }
  return out;
}

TEST(Filter, BlocksOnThreadsGiveWhatLinesGive) {
  std::vector<std::string> lines;
  std::vector<LeftOut> left_out;
  for_each_input(
      {RANKDX_SOURCE_DIR "/tests/data/lab.tar.xz"},
      [&](InputItem item) {
        LineReader reader(*item.bytes);
        (void)reader.for_each_line([&](std::string_view line) { lines.emplace_back(line); });
      },
      left_out);
  ASSERT_GT(lines.size(), 1000u);
  const FilterOptions kOptions[] = {
      {},
      {.subsystems = {"INIT", "WARN", "TEXT"}},
      {.level = LeastLevel::Warn},
      {.ranks = {0, 3}},
      {.comm = "0x5"},
      {.around = 140, .context = 30},
      {.ranks = {0, 1},
       .since_us = *parse_moment("10:00:04"),
       .until_us = *parse_moment("10:00:06")},
      {.since_us = *parse_moment("2026-03-01 10:00:05")},
      {.level = LeastLevel::Warn, .until_us = *parse_moment("10:00:05")},
  };
  std::mt19937 random(17);
  for (int round = 0; round < 150; ++round) {
    const std::string log = shuffled(lines, random);
    const RankOf ranks = ranks_of(log);
    const size_t threads = 1 + round % 3, block_bytes = 1 + random() % 9000;
    for (const FilterOptions& options : kOptions) {
      for (Print print : {Print::Lines, Print::Stats}) {
        ASSERT_EQ(in_words(filtered(log, options, ranks, print, threads, block_bytes), ranks),
                  in_words(filtered_slowly(log, options, ranks, print), ranks))
            << "round " << round << ", options " << &options - kOptions << ", blocks of "
            << block_bytes;
      }
    }
  }
}

/// Counted while the logs are read for their facts, or on their own.
TEST(Filter, VolumeBesideAnotherReading) {
  const std::vector<std::string> paths = {RANKDX_SOURCE_DIR "/tests/data/lab.tar.xz"};
  const LiteralSet gate({"no such literal"});
  const FilterOptions options{.level = LeastLevel::Warn};
  VolumeWatch watch(options);
  ReadOptions how{.threads = 3, .block_bytes = 4096};
  how.beside = std::bind_front(&VolumeWatch::beside, &watch);
  const Facts facts = read_facts(paths, gate, how).facts;
  const RankOf ranks(assemble(facts));
  Kept beside, alone;
  beside.counts = watch.counts();
  std::vector<LeftOut> left_out;
  for_each_input(
      paths,
      [&](InputItem item) {
        EXPECT_TRUE(watch.has(item.name)) << item.name;
        filter_source(*item.bytes, {options, ranks, &alone.counts, nullptr, nullptr}, 1);
      },
      left_out);
  EXPECT_GT(alone.counts.kept, 0u);
  EXPECT_EQ(in_words(beside, ranks), in_words(alone, ranks));
}

TEST(Filter, ByWhatLinesMean) {
  EXPECT_EQ(kept({}), "1 2 3 4 5 6 ");
  EXPECT_EQ(kept({.subsystems = {"ENV"}}), "1 ");
  EXPECT_EQ(kept({.subsystems = {"COLL", "WARN"}}), "4 5 ");
  EXPECT_EQ(kept({.level = LeastLevel::Warn}), "4 6 ");
  EXPECT_EQ(kept({.ranks = {1}}), "3 4 5 ");
  EXPECT_EQ(kept({.comm = "0x12"}), "3 5 ");
  EXPECT_EQ(kept({.around = 2, .context = 1}), "1 2 3 ");
  // Python's own lines print no year; they take the time of the line before.
  EXPECT_EQ(kept({.since_us = *parse_moment("10:00:05"), .until_us = *parse_moment("10:00:05.5")}),
            "4 5 6 ");
}

TEST(Filter, Words) {
  EXPECT_EQ(*parse_ranks("0,4-6"), (std::set<int>{0, 4, 5, 6}));
  for (const char* bad : {"", "x", "3-1", "-1", "1-"}) EXPECT_FALSE(parse_ranks(bad)) << bad;
  EXPECT_EQ(*parse_moment("1970-01-02T00:00:01"), 86'401'000'000);
  EXPECT_EQ(*parse_moment("2026-11-22 10:43:38"), 1'795'344'218'000'000);
  for (const char* bad : {"", "10", "25:00", "2026-13-01T00:00:00", "noon"})
    EXPECT_FALSE(parse_moment(bad)) << bad;
}

TEST(Filter, CollapseFoldsRanks) {
  Collapser c;
  const auto first = [&](std::string_view line) { return c.first(Collapser::kind_of(line), line); };
  EXPECT_TRUE(first("a:1:1 [0] NCCL INFO Using network Socket"));
  EXPECT_FALSE(first("b:2:2 [1] NCCL INFO Using network Socket"));
  EXPECT_TRUE(first("a:1:1 [0] NCCL INFO Using network IB"));
  EXPECT_EQ(c.folded(), 1u);
  EXPECT_EQ(c.most_frequent(5).size(), 1u);
}

}  // namespace
}  // namespace rankdx
