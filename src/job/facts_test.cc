#include "job/facts.h"

#include <gtest/gtest.h>

#include <random>

#include "job/process_fold.h"
#include "job/test_logs.h"

namespace rankdx {
namespace {

using test::facts_of;
using test::fold_text;
using test::prefix;
using test::start_line;

const LiteralSet kGate({"Connection refused"});

/// A rank's log with something of everything that Facts keep.
Facts rank_facts(int rank) {
  const std::string p = prefix(rank < 2 ? "gpu-a" : "gpu-b", 100 + rank, rank % 2);
  std::string text =
      p + "NCCL INFO Bootstrap: Using eth0:10.0.0." + std::to_string(1 + rank / 2) + "<0>\n";
  text += p + "NCCL INFO NCCL_IB_DISABLE set by environment to 1.\n";
  text += start_line(p, rank, 4, "0x7f00", "0xabc", "START");
  text += p + "NCCL INFO comm 0x7f00 rank " + std::to_string(rank) +
          " nRanks 4 nNodes 2 localRanks 2 localRank 0 MNNVL 0\n";
  text += p + "NCCL INFO Channel 00/0 : " + std::to_string(rank) + "[0] -> " +
          std::to_string((rank + 1) % 4) + "[1] via P2P/CUMEM\n";
  text += p +
          "misc/socket.cc:71 NCCL WARN socketPollConnect: connect to 10.0.0.9<1> returned "
          "Connection refused, exceeded error retry count after 35 attempts\n";
  text += start_line(p, rank, 4, "0x7f00", "0xabc", "COMPLETE");
  return facts_of(fold_text("rank" + std::to_string(rank) + ".log", text, kGate));
}

TEST(Merge, AnyOrderAndGroupingGivesTheSameBytes) {
  std::mt19937 random(7);
  std::vector<Facts> parts;
  for (int r = 0; r < 4; ++r) parts.push_back(rank_facts(r));
  Facts whole;
  for (const Facts& f : parts) whole = merge(whole, f);
  const std::string bytes = serialize(whole);
  for (int round = 0; round < 50; ++round) {
    std::vector<Facts> heap = parts;
    heap.push_back(parts[random() % parts.size()]);  // idempotent: one part twice
    while (heap.size() > 1) {
      const size_t i = random() % heap.size();
      Facts a = heap[i];
      heap.erase(heap.begin() + static_cast<long>(i));
      Facts& b = heap[random() % heap.size()];
      b = random() % 2 ? merge(a, b) : merge(b, a);
    }
    ASSERT_EQ(serialize(heap.front()), bytes);
  }
}

TEST(Merge, WhatWasLeftOutStaysKnown) {
  Facts a = rank_facts(0), b = rank_facts(1);
  a.left_out.insert({"rank7.log", "cannot be read", "chmod", ErrorCode::Unreadable});
  b.left_out.insert({"rank7.log", "cannot be read", "chmod", ErrorCode::Unreadable});
  b.left_out.insert({"a.gz", "is broken", "", ErrorCode::Corrupt});
  const Facts whole = merge(a, b);
  EXPECT_EQ(whole.left_out.size(), 2u);
  EXPECT_EQ(serialize(whole), serialize(merge(merge(b, a), a)));
  const auto back = deserialize(serialize(whole));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, whole);
}

TEST(Merge, TwoContentsOfOneNameStayTwo) {
  const Facts a = facts_of(fold_text("log", "one\n", kGate)),
              b = facts_of(fold_text("log", "two\n", kGate));
  EXPECT_EQ(merge(a, b).sources.size(), 2u);
}

TEST(Serial, ReadsWhatItWrote) {
  const Facts facts = merge(rank_facts(0), rank_facts(3));
  const auto again = deserialize(serialize(facts));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, facts);
}

TEST(Serial, EveryCutIsAnErrorAndNeverACrash) {
  const std::string bytes = serialize(rank_facts(1));
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(deserialize(std::string_view(bytes).substr(0, n))) << n;
}

TEST(Serial, ForeignBytesAndOtherVersionsAreNamed) {
  EXPECT_EQ(deserialize("hello").error().text, "this is not a rankdx facts file");
  EXPECT_EQ(deserialize("RDXF\x63").error().code, ErrorCode::Unsupported);
}

TEST(Serial, ARankTakesAFewKilobytes) { EXPECT_LT(serialize(rank_facts(0)).size(), 5000u); }

enum class Closes : uint8_t { No, Yes };
/// A process that opens and closes `count` communicators under its world, the last one left open.
std::string opens_many(int count, Closes closes = Closes::Yes) {
  const std::string p = prefix("gpu-a", 100, 0);
  std::string text = start_line(p, 0, 2, "0x1000", "0x1", "START") +
                     start_line(p, 0, 2, "0x1000", "0x1", "COMPLETE");
  for (int i = 0; i < count; ++i) {
    const std::string comm = "0x2" + std::to_string(1000000 + i),
                      id = "0x" + std::to_string(100 + i);
    text += start_line(p, 0, 2, comm, id, "START") + start_line(p, 0, 2, comm, id, "COMPLETE");
    if (closes == Closes::Yes && i + 1 < count)
      text += p + "NCCL INFO comm " + comm +
              " rank 0 nranks 2 cudaDev 0 busId 1b000 - Destroy COMPLETE\n";
  }
  return text;
}

TEST(Limits, ClosedCommunicatorsAreGivenUpButTheFirstAndTheLast) {
  const ProcessFacts p = fold_text("log", opens_many(5000), kGate).processes.at(0);
  EXPECT_EQ(p.comms.size(), 1 + ProcessFold::kFirstClosed + ProcessFold::kLastClosed + 1);
  EXPECT_EQ(p.comms_dropped, 5001 - p.comms.size());
  EXPECT_EQ(p.comms.front().comm_id, 1u);
  EXPECT_EQ(p.comms.at(1).comm_id, 0x100u);
  EXPECT_EQ(p.comms.back().comm_id, 0x5099u);
  EXPECT_EQ(p.comms.back().stage, Stage::InitComplete);
  for (size_t i = 1; i < p.comms.size(); ++i)
    EXPECT_LT(p.comms[i - 1].start.line, p.comms[i].start.line);
}

TEST(Limits, WithoutDestroyLinesTheNewestStayToo) {
  const ProcessFacts p = fold_text("log", opens_many(5000, Closes::No), kGate).processes.at(0);
  EXPECT_EQ(p.comms.size(), ProcessFold::kMaxComms);
  EXPECT_EQ(p.comms_dropped, 5001 - p.comms.size());
  EXPECT_EQ(p.comms.front().comm_id, 1u);
  EXPECT_EQ(p.comms.back().comm_id, 0x5099u);
}

TEST(Facts, ACutBannerIsNoVersion) {
  const std::string p = prefix("gpu-a", 100, 0) + "NCCL INFO NCCL version ";
  for (const char* cut : {"2", "2.", "2.28", "2.28."}) {
    EXPECT_TRUE(fold_text("log", p + cut, kGate).processes.at(0).versions.empty()) << cut;
  }
  EXPECT_EQ(fold_text("log", p + "2.28.9+cuda13.0\n", kGate).processes.at(0).versions,
            std::vector<std::string>{"2.28.9+cuda13.0"});
}

TEST(Limits, AKeptLineKeepsItsCommunicator) {
  std::string text = opens_many(100);
  const std::string p = prefix("gpu-a", 100, 0);
  text += start_line(p, 0, 2, "0x3000", "0xbad", "START") + p +
          "NCCL INFO Connection refused by somebody\n" +
          start_line(p, 0, 2, "0x3000", "0xbad", "COMPLETE") + p +
          "NCCL INFO comm 0x3000 rank 0 nranks 2 cudaDev 0 busId 1b000 - Destroy COMPLETE\n" +
          opens_many(1000);
  const SourceFacts facts = fold_text("log", text, kGate);
  ASSERT_EQ(facts.notables.size(), 1u);
  EXPECT_EQ(
      facts.processes.at(0).comms.at(static_cast<size_t>(facts.notables[0].comm_index)).comm_id,
      0xbadu);
}

}  // namespace
}  // namespace rankdx
