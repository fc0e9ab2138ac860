// Small jobs from log lines to the leading finding, with the project's own rules.
#include "diagnose/diagnose.h"

#include <gtest/gtest.h>

#include "job/test_logs.h"

namespace rankdx {
namespace {

using test::facts_of;
using test::fold_text;
using test::prefix;
using test::start_line;

const RulePack& rules() {
  static const RulePack pack = [] {
    auto loaded = RulePack::load(RANKDX_SOURCE_DIR "/rules");
    EXPECT_TRUE(loaded.has_value()) << to_string(loaded.error());
    return std::move(*loaded);
  }();
  return pack;
}

Diagnosis diagnose_logs(const std::vector<std::pair<std::string, std::string>>& logs) {
  RuleMatcher matcher(rules());
  Facts facts;
  for (const auto& [name, text] : logs)
    facts = merge(facts, facts_of(fold_text(name, text, matcher.gate())));
  const Job job = assemble(facts);
  return diagnose(facts, job, matcher);
}

/// A rank on gpu-a (0, 1) or gpu-b (2, 3) that got as far as its START line, with some lines before
/// it.
std::string started(int rank, int nranks = 4, const std::string& interface = "eth0:10.0.0.") {
  const std::string p = prefix(rank < 2 ? "gpu-a" : "gpu-b", 100 + rank, rank % 2);
  const std::string address =
      interface.back() == '.' ? interface + std::to_string(1 + rank / 2) : interface;
  return p + "NCCL INFO cudaDriverVersion 13000\n" + p + "NCCL INFO Bootstrap: Using " + address +
         "<0>\n" + p + "NCCL INFO NCCL version 2.28.9+cuda13.0\n" + p +
         "NCCL INFO Using network Socket\n" +
         start_line(p, rank, nranks, "0x7f00", "0xabc", "START");
}

std::string finished(int rank) {
  return started(rank) + start_line(prefix(rank < 2 ? "gpu-a" : "gpu-b", 100 + rank, rank % 2),
                                    rank, 4, "0x7f00", "0xabc", "COMPLETE");
}

std::string line(int rank, const std::string& text) {
  return prefix(rank < 2 ? "gpu-a" : "gpu-b", 100 + rank, rank % 2) + text + "\n";
}

constexpr const char* kEngine =
    "INFO 02-27 20:31:51 [core.py:97] Initializing a V1 LLM engine (v0.14.0) with config: "
    "model='Qwen/Qwen3-32B', speculative_config=None, dtype=torch.bfloat16, max_seq_len=40960, "
    "download_dir=None, load_format=auto, tensor_parallel_size=1, pipeline_parallel_size=1, "
    "data_parallel_size=1, disable_custom_all_reduce=False, quantization=None, "
    "enforce_eager=False, kv_cache_dtype=auto, device_config=cuda\n";

/// Commands among the fixes of the leading finding, in order.
std::string commands_of(const Diagnosis& d) {
  std::string text;
  for (const Fix& fix : d.findings.at(0).fix)
    if (fix.command.starts_with("--")) text += fix.command + "\n";
  return d.findings.at(0).id + "\n" + text;
}

TEST(Diagnose, OutOfMemoryNamesFlagsWhereTheLogNamesTheModel) {
  const std::string oom =
      "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 80.00 MiB. GPU 0 has a total "
      "capacity of 44.39 GiB of which 60.69 MiB is free.\n";
  EXPECT_EQ(commands_of(diagnose_logs({{"log", kEngine + oom}})),
            "gpu-oom-model-load\n--tensor-parallel-size 2 --pipeline-parallel-size 1\n");
  EXPECT_EQ(commands_of(diagnose_logs({{"log", oom}})), "gpu-oom-model-load\n");
  std::string other = kEngine;
  other.replace(other.find("Qwen/Qwen3-32B"), 14, "/models/mine!!");
  EXPECT_EQ(commands_of(diagnose_logs({{"log", other + oom}})), "gpu-oom-model-load\n");
}

TEST(Diagnose, ACacheTooSmallNamesFlags) {
  const std::string small =
      "ValueError: To serve at least one request with the models's max seq len (40960), (10.00 GiB "
      "KV cache is needed, which is larger than the available KV cache memory (5.00 GiB). Based on "
      "the available memory, the estimated maximum model length is 20480.\n";
  EXPECT_EQ(commands_of(diagnose_logs({{"log", small}})),
            "kv-cache-too-small-for-max-len\n--max-model-len 20480\n");
  EXPECT_EQ(commands_of(diagnose_logs({{"log", kEngine + small}})),
            "kv-cache-too-small-for-max-len\n--max-model-len 20480\n--kv-cache-dtype fp8\n");
}

std::vector<int> ranks_of(const Finding& f) {
  std::vector<int> ranks;
  for (const Where& w : f.where) {
    if (w.rank) ranks.push_back(*w.rank);
  }
  return ranks;
}

TEST(Diagnose, AFinishedStartIsHealthy) {
  const Diagnosis d =
      diagnose_logs({{"all", finished(0) + finished(1) + finished(2) + finished(3)}});
  EXPECT_EQ(d.verdict, Verdict::Healthy);
  EXPECT_TRUE(d.findings.empty());
}

TEST(Diagnose, TheRankWithoutAStartLineIsNamed) {
  const Diagnosis d = diagnose_logs({{"a", started(0) + started(1)}, {"b", started(2)}});
  ASSERT_FALSE(d.findings.empty());
  EXPECT_EQ(d.findings[0].id, "rank-never-arrived");
  EXPECT_EQ(ranks_of(d.findings[0]), std::vector<int>{3});
  EXPECT_EQ(d.findings[0].where[0].host, "gpu-b");
}

TEST(Diagnose, ARankWhoseLogWasLeftOutIsMissingOnlyPerhaps) {
  RuleMatcher matcher(rules());
  Facts facts;
  for (int r : {0, 1, 2}) {
    facts = merge(facts, facts_of(fold_text("r" + std::to_string(r), started(r), matcher.gate())));
  }
  ASSERT_EQ(diagnose(facts, assemble(facts), matcher).findings.at(0).confidence,
            Confidence::Likely);
  facts.left_out.insert({"core", "is binary, not a log", "", ErrorCode::Unsupported});
  ASSERT_EQ(diagnose(facts, assemble(facts), matcher).findings.at(0).confidence,
            Confidence::Likely);
  facts.left_out.insert({"r3", "cannot be read", "", ErrorCode::Unreadable});
  const Finding f = diagnose(facts, assemble(facts), matcher).findings.at(0);
  EXPECT_EQ(f.id, "rank-never-arrived");
  EXPECT_EQ(f.confidence, Confidence::Possible);
  EXPECT_EQ(f.needs.back(), "r3, which could not be read");
}

/// Sixteen ranks on four hosts, complete, with the timings of each: total, and of it waited.
Diagnosis timed_start(const std::vector<std::pair<double, double>>& seconds) {
  std::vector<std::pair<std::string, std::string>> logs;
  const int n = static_cast<int>(seconds.size());
  for (int r = 0; r < n; ++r) {
    const std::string p = prefix("gpu-" + std::to_string(r / 4), 100 + r, r % 4);
    const auto [total, waited] = seconds[static_cast<size_t>(r)];
    logs.emplace_back(
        "r" + std::to_string(r),
        p + "NCCL INFO Using network Socket\n" + start_line(p, r, n, "0x7f00", "0xabc", "START") +
            start_line(p, r, n, "0x7f00", "0xabc", "COMPLETE") + p +
            "NCCL INFO Init timings - ncclCommInitRank: rank " + std::to_string(r) + " nranks " +
            std::to_string(n) + " total " + std::to_string(total) +
            " (kernels 0.00, alloc 0.00, bootstrap " + std::to_string(waited) +
            ", allgathers 0.00, topo 1.00, graphs 0.00, connections 0.00, rest 0.00)\n");
  }
  return diagnose_logs(logs);
}

TEST(Stragglers, WhoCameLateIsNamed) {
  std::vector<std::pair<double, double>> seconds(16, {62, 61});
  seconds[13] = {2, 1};
  const Diagnosis d = timed_start(seconds);
  ASSERT_EQ(d.findings.size(), 1u);
  EXPECT_EQ(d.verdict, Verdict::Warning);
  EXPECT_EQ(d.findings[0].id, "straggler-ranks");
  EXPECT_EQ(ranks_of(d.findings[0]), std::vector<int>{13});
  EXPECT_NE(d.findings[0].cause.find("began 60 s after the others"), std::string::npos)
      << d.findings[0].cause;
}

TEST(Stragglers, WhoWasSlowIsNamed) {
  std::vector<std::pair<double, double>> seconds(16, {47, 45});
  seconds[6] = seconds[7] = {47, 1};
  const Diagnosis d = timed_start(seconds);
  ASSERT_EQ(d.findings.size(), 1u);
  EXPECT_EQ(ranks_of(d.findings[0]), (std::vector<int>{6, 7}));
  EXPECT_NE(d.findings[0].cause.find("needed 46 s for its own part"), std::string::npos)
      << d.findings[0].cause;
}

TEST(Stragglers, OrdinaryStartsAreHealthy) {
  std::vector<std::pair<double, double>> even(16, {200, 198}), spread, few(4, {62, 61}),
      half(16, {62, 61});
  for (int r = 0; r < 16; ++r)
    spread.emplace_back(60 - 3 * r, 58 - 3 * r);  // started one after the other
  few[3] = {2, 1};
  for (size_t r = 0; r < 8; ++r) half[r] = {2, 1};  // the second node was started a minute later
  for (const auto& seconds : {even, spread, few, half})
    EXPECT_EQ(timed_start(seconds).verdict, Verdict::Healthy);
}

TEST(Diagnose, ALogThatBreaksOffProvesNoMissingRank) {
  const std::string cut =
      started(0) + started(1) + started(2) + prefix("gpu-b", 103, 1) + "NCCL INFO Boo";
  EXPECT_EQ(diagnose_logs({{"all", cut}}).verdict, Verdict::Undetermined);
}

TEST(Diagnose, OneLogAloneIsUndetermined) {
  const Diagnosis d = diagnose_logs({{"a", started(0)}});
  EXPECT_EQ(d.verdict, Verdict::Undetermined);
  ASSERT_FALSE(d.findings.empty());
  EXPECT_FALSE(d.findings[0].needs.empty());
}

TEST(Diagnose, TimeoutsPointAtTheOwnerOfTheAddress) {
  const std::string retry =
      "NCCL INFO socketPollConnect: connect to 10.0.0.2<4321> returned Connection timed out, "
      "retrying (3/34) after sleep for 300 msec";
  const Diagnosis d =
      diagnose_logs({{"all", started(0) + started(1) + started(2) + started(3) + line(1, retry)}});
  ASSERT_FALSE(d.findings.empty());
  EXPECT_EQ(d.findings[0].id, "node-to-node-traffic-blocked");
  ASSERT_EQ(d.findings[0].where.size(), 1u);
  EXPECT_EQ(d.findings[0].where[0].host, "gpu-b");
}

TEST(Diagnose, LoopbackOfferedToOtherHosts) {
  std::string b = started(2, 4, "lo:127.0.0.1") + started(3, 4, "lo:127.0.0.1");
  const std::string retry =
      "NCCL INFO socketStartConnect: connect to 127.0.0.1<4321> returned Connection refused, "
      "retrying (3/34) after sleep for 300 msec";
  const Diagnosis d = diagnose_logs({{"all", started(0) + started(1) + b + line(0, retry)}});
  ASSERT_FALSE(d.findings.empty());
  EXPECT_EQ(d.findings[0].id, "loopback-selected");
  EXPECT_EQ(ranks_of(d.findings[0]), (std::vector<int>{2, 3}));
}

TEST(Diagnose, DifferentVersionsLeadOverTheStallTheyCause) {
  std::string b = started(2) + started(3);
  for (size_t at = b.find("2.28.9"); at != b.npos; at = b.find("2.28.9"))
    b.replace(at, 6, "2.27.7");
  const Diagnosis d = diagnose_logs({{"all", started(0) + started(1) + b}});
  ASSERT_FALSE(d.findings.empty());
  EXPECT_EQ(d.findings[0].id, "nccl-version-differs-between-ranks");
}

TEST(Diagnose, DuplicateRankLeadsOverTheRankItLeavesOut) {
  std::string third = started(3);
  third.replace(third.find(" rank 3 "), 8, " rank 2 ");
  const Diagnosis d = diagnose_logs({{"all", started(0) + started(1) + started(2) + third}});
  ASSERT_FALSE(d.findings.empty());
  EXPECT_EQ(d.findings[0].id, "duplicate-rank");
}

TEST(Diagnose, WhoDoesNotComplainOnTheRefusingHostDied) {
  const std::string retry =
      "NCCL INFO socketPollConnect: connect to 10.0.0.2<4321> returned Connection refused, "
      "retrying (9/34) after sleep for 900 msec";
  const std::string all = finished(0) + finished(1) + finished(2) + finished(3);
  const Diagnosis d = diagnose_logs({{"all", all + line(0, retry) + line(2, retry)}});
  ASSERT_FALSE(d.findings.empty());
  EXPECT_EQ(d.findings[0].id, "rank-process-died");
  EXPECT_EQ(ranks_of(d.findings[0]), std::vector<int>{3});
}

TEST(Diagnose, DifferentAlgorithmsAreNamed) {
  const std::string all = finished(0) + finished(1) + finished(2) + finished(3);
  auto algo = [](int r, const char* v) {
    return line(r, std::string("NCCL INFO NCCL_ALGO set by environment to ") + v);
  };
  const Diagnosis d = diagnose_logs(
      {{"all", algo(0, "Ring") + algo(1, "Ring") + algo(2, "Tree") + algo(3, "Tree") + all}});
  ASSERT_FALSE(d.findings.empty());
  EXPECT_EQ(d.findings[0].id, "nccl-env-differs-between-ranks");
}

TEST(Diagnose, NetworkInsideOneHostByHostid) {
  auto rank = [](int r) {
    const std::string p = prefix("gpu-a", 100 + r, r);
    return p + "NCCL INFO NCCL_HOSTID set by environment to n" + std::to_string(r) + "\n" +
           start_line(p, r, 2, "0x7f00", "0xabc", "START") + p +
           "NCCL INFO Channel 00/0 : " + std::to_string(r) + "[0] -> " + std::to_string(1 - r) +
           "[1] [send] via NET/Socket/0\n" + start_line(p, r, 2, "0x7f00", "0xabc", "COMPLETE");
  };
  const Diagnosis d = diagnose_logs({{"all", rank(0) + rank(1)}});
  ASSERT_FALSE(d.findings.empty());
  EXPECT_EQ(d.findings[0].id, "same-host-seen-as-two");
  EXPECT_EQ(d.verdict, Verdict::Warning);
}

TEST(Diagnose, ATryThatWasOvercomeIsNoFinding) {
  const std::string refused = "ssh: connect to host node-b port 22: Connection refused\n";
  std::string steps;
  for (int i = 0; i < 100; ++i) steps += "step " + std::to_string(i) + " loss 1.5\n";
  EXPECT_EQ(diagnose_logs({{"launcher", refused + steps}}).verdict, Verdict::Healthy);
  const Diagnosis last = diagnose_logs({{"launcher", steps + refused}});
  ASSERT_FALSE(last.findings.empty());
  EXPECT_EQ(last.findings[0].id, "remote-start-failed");
}

TEST(Diagnose, ADifferentSizeInTheSameCallIsAMismatch) {
  std::string all;
  for (int r = 0; r < 4; ++r) {
    all += finished(r);
    all += line(r, "NCCL INFO AllReduce: opCount 0 sendbuff 0x1 recvbuff 0x2 count " +
                       std::string(r == 2 ? "4096" : "1024") +
                       " datatype 7 op 0 root 0 comm 0x7f00 [nranks=4] stream 0x3");
  }
  const Diagnosis d = diagnose_logs({{"all", all}});
  ASSERT_FALSE(d.findings.empty());
  EXPECT_EQ(d.findings[0].id, "collective-mismatch");
  EXPECT_EQ(ranks_of(d.findings[0]), std::vector<int>{2});
}

}  // namespace
}  // namespace rankdx
