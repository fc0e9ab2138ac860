#include "diagnose/compare.h"

#include <gtest/gtest.h>

#include "job/test_logs.h"

namespace rankdx {
namespace {

std::string rank_log(int rank, const std::string& version, const std::string& env,
                     const std::string& via) {
  const std::string p = test::prefix("node-" + std::to_string(rank), 100 + rank, 0);
  return p + "NCCL INFO NCCL version " + version + "\n" +
         (env.empty() ? "" : p + "NCCL INFO " + env + "\n") +
         test::start_line(p, rank, 2, "0x1" + std::to_string(rank), "0xabc", "START") + p +
         "NCCL INFO Channel 00/0 : " + std::to_string(rank) + "[0] -> " + std::to_string(1 - rank) +
         "[0] [send] via " + via + "\n" +
         test::start_line(p, rank, 2, "0x1" + std::to_string(rank), "0xabc", "COMPLETE");
}

Job job_of(const Facts& facts) { return assemble(facts); }

TEST(Compare, SettingsBeforeOutcome) {
  const LiteralSet gate({"no such literal"});
  const Facts good = test::facts_of(test::fold_text(
      "good", rank_log(0, "2.28.9", "", "NET/IB/0") + rank_log(1, "2.28.9", "", "NET/IB/0"), gate));
  const Facts bad = test::facts_of(test::fold_text(
      "bad",
      rank_log(0, "2.28.9", "NCCL_IB_DISABLE set by environment to 1.", "NET/Socket/0") +
          rank_log(1, "2.28.9", "", "NET/Socket/0"),
      gate));
  const Job g = job_of(good), b = job_of(bad);
  const std::vector<Difference> want = {
      {Telling::Steering, "NCCL_IB_DISABLE", "", "1"},
      {Telling::Outcome, "link 0 -> 1", "NET/IB/0", "NET/Socket/0"},
      {Telling::Outcome, "link 1 -> 0", "NET/IB/0", "NET/Socket/0"},
  };
  EXPECT_EQ(compare(g, b, Diagnosis{}), want);
  Diagnosis spoken;
  spoken.findings.push_back(
      Finding{.role = Role::RootCause, .title = "NCCL_IB_DISABLE=1 turns RDMA off"});
  EXPECT_EQ(compare(g, b, spoken).front().telling, Telling::Named);
  EXPECT_TRUE(compare(g, g, Diagnosis{}).empty());
}

}  // namespace
}  // namespace rankdx
