#include "catalogue/nccl_messages.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "catalogue/data.h"

namespace rankdx {
namespace {

TEST(NcclMessages, TablesAreWhole) {
  const size_t rows =
      tsv_rows(data_file("info-events")).size() + tsv_rows(data_file("warn-catalogue")).size();
  EXPECT_EQ(nccl_messages().size(), rows);
  EXPECT_EQ(rows, 1553u + 1228u);
  std::set<std::string_view> ids;
  for (const NcclMessage& m : nccl_messages()) {
    EXPECT_TRUE(ids.insert(m.id).second) << m.id;
    EXPECT_FALSE(m.versions.empty()) << m.id;
    EXPECT_FALSE(m.format.empty()) << m.id;
  }
}

struct Case {
  const char* body;
  MessageSort sort;
  const char* id;  ///< of the best row; "" = none
};

TEST(NcclMessages, Find) {
  const Case cases[] = {
      {"[Rank 1] ncclCommInitRank comm 0x5581 rank 1 nranks 4 cudaDev 0 nvmlDev 0 busId 1b000 "
       "commId 0x3c29b1244fa04682"
       " - Init START",
       MessageSort::Info, "init.start.07"},
      {"comm 0x5581 rank 1 nranks 4 cudaDev 0 busId 1b000 - Init COMPLETE", MessageSort::Info,
       "init.complete.04"},
      {"Connected all rings", MessageSort::Info, "conn.rings.01"},
      {"NCCL_ALGO set by environment to Ring", MessageSort::Info, "env.algo"},
      {"Bootstrap : no socket interface found", MessageSort::Warning, "W.boot.no_iface.01"},
      {"Bootstrap Root : rank 3 of 4 ranks has already checked in", MessageSort::Warning,
       "W.boot.dup_rank.01"},
      {"GPU/1B000 (0)", MessageSort::Info, "topo.node.01"},
      {"Connected all rings", MessageSort::Warning, ""},
      {"nothing that NCCL prints", MessageSort::Any, ""},
      {"", MessageSort::Any, ""},
  };
  for (const Case& c : cases) {
    const auto found = find_nccl_messages(c.body, c.sort);
    EXPECT_EQ(found.empty() ? std::string_view() : found[0].message->id, c.id) << c.body;
  }
}

TEST(NcclMessages, Values) {
  const auto found = find_nccl_messages("Bootstrap Root : rank 3 of 4 ranks has already checked in",
                                        MessageSort::Warning);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].values[0].second, "3");
  const auto rank = find_nccl_messages(
      "comm 0x5581 rank 1 nranks 4 cudaDev 0 busId 1b000 - Init COMPLETE", MessageSort::Info);
  ASSERT_FALSE(rank.empty());
  EXPECT_EQ(rank[0].values[1].first, "rank");
  EXPECT_EQ(rank[0].values[1].second, "1");
}

}  // namespace
}  // namespace rankdx
