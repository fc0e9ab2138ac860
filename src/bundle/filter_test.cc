#include "bundle/filter.h"

#include <gtest/gtest.h>

#include "base/text.h"
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

std::string kept(const FilterOptions& options) {
  const LiteralSet gate({"no such literal"});
  const Facts facts = test::facts_of(test::fold_text("log", kLog, gate));
  const RankOf ranks(assemble(facts));
  VolumeStats stats;
  LineFilter filter(options, ranks, &stats);
  std::string numbers;
  int n = 0;
  for (std::string_view line : split(std::string_view(kLog).substr(0, kLog.size() - 1), '\n')) {
    ++n;
    if (filter.keep(line)) numbers += std::to_string(n) + " ";
  }
  return numbers;
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
  EXPECT_TRUE(c.first("a:1:1 [0] NCCL INFO Using network Socket"));
  EXPECT_FALSE(c.first("b:2:2 [1] NCCL INFO Using network Socket"));
  EXPECT_TRUE(c.first("a:1:1 [0] NCCL INFO Using network IB"));
  EXPECT_EQ(c.folded(), 1u);
  EXPECT_EQ(c.most_frequent(5).size(), 1u);
}

}  // namespace
}  // namespace rankdx
