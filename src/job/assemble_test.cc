#include <gtest/gtest.h>

#include "job/job.h"
#include "job/test_logs.h"

namespace rankdx {
namespace {

using test::facts_of;
using test::fold_text;
using test::prefix;
using test::start_line;

const LiteralSet kGate({"Connection refused"});

Facts job_facts(const std::vector<std::pair<std::string, std::string>>& logs) {
  Facts all;
  for (const auto& [name, text] : logs) all = merge(all, facts_of(fold_text(name, text, kGate)));
  return all;
}

std::string life(const std::string& p, int rank, int nranks, const std::string& comm,
                 const std::string& id) {
  return start_line(p, rank, nranks, comm, id, "START") +
         start_line(p, rank, nranks, comm, id, "COMPLETE");
}

TEST(Assemble, TiesRanksOfOneCommIdOverSources) {
  const Facts facts = job_facts({{"a", life(prefix("gpu-a", 7, 0), 0, 2, "0x1", "0xfeed")},
                                 {"b", life(prefix("gpu-b", 7, 0), 1, 2, "0x1", "0xfeed")}});
  const Job job = assemble(facts);
  ASSERT_EQ(job.communicators.size(), 1u);
  EXPECT_EQ(job.communicators[0].id, "0xfeed");
  EXPECT_EQ(job.communicators[0].ranks.size(), 2u);
  EXPECT_TRUE(job.communicators[0].missing_ranks.empty());
  EXPECT_EQ(job.hosts.size(), 2u);
}

TEST(Assemble, OneLogGivenTwiceIsOneProcess) {
  const std::string text = life(prefix("gpu-a", 7, 0), 0, 2, "0x1", "0xfeed");
  const Facts facts = job_facts({{"rank0.log", text}, {"combined.log", text + "\n"}});
  const Job job = assemble(facts);
  EXPECT_EQ(job.processes.size(), 1u);
  EXPECT_EQ(job.communicators[0].ranks.size(), 1u);
  EXPECT_EQ(job.communicators[0].missing_ranks, std::vector<int>{1});
}

TEST(Assemble, SameHostNameAndPidWithOtherRankStaysApart) {
  const Facts facts = job_facts({{"a", life(prefix("pod", 7, 0), 0, 2, "0x1", "0xfeed")},
                                 {"b", life(prefix("pod", 7, 0), 1, 2, "0x1", "0xfeed")}});
  EXPECT_EQ(assemble(facts).processes.size(), 2u);
}

TEST(Assemble, ChildrenAreKeyedByParentNumberAndColour) {
  const std::string p = prefix("gpu-a", 7, 0);
  const std::string split =
      "NCCL INFO ncclCommSplit comm 0x2 rank 0 nranks 1 cudaDev 0 nvmlDev 0 busId 1b000 parent 0x1 "
      "splitCount 1 color 5 key 0- Init START\n";
  const Facts facts = job_facts({{"a", start_line(p, 0, 2, "0x1", "0xfeed", "START") + p + split}});
  const Job job = assemble(facts);
  ASSERT_EQ(job.communicators.size(), 2u);
  EXPECT_EQ(job.communicators[1].id, "0xfeed/split 1/color 5");
  EXPECT_EQ(job.communicators[1].parent, "0xfeed");
}

TEST(Assemble, RingIsClosedFromEdgesWhenTheDumpIsCut) {
  std::string text;
  for (int r = 0; r < 3; ++r) {
    const std::string p = prefix("gpu-a", 10 + r, r);
    text += start_line(p, r, 3, "0x1", "0xfeed", "START");
    if (r == 0) text += p + "NCCL INFO Channel 00/01 : 0 2 ...\n";
    const int next = (r + 2) % 3, prev = (r + 1) % 3;
    text += p + "NCCL INFO Ring 00 : " + std::to_string(prev) + " -> " + std::to_string(r) +
            " -> " + std::to_string(next) + "\n";
  }
  const Facts facts = job_facts({{"a", text}});
  const Job job = assemble(facts);
  ASSERT_EQ(job.communicators[0].rings.size(), 1u);
  EXPECT_EQ(job.communicators[0].rings[0], (std::vector<int>{0, 2, 1}));
}

}  // namespace
}  // namespace rankdx
