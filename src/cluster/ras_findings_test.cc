#include "cluster/ras_findings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "cluster/test_recordings.h"

namespace rankdx {
namespace {

using test::Recording;

/// Answers of one moment, as one call of ask_ras() would have brought them.
using Group = std::vector<const Recording*>;

std::map<std::string, Group> groups_of(const std::vector<Recording>& all) {
  std::map<std::string, Group> out;
  for (const Recording& r : all) out[r.scenario + " " + r.label].push_back(&r);
  return out;
}

RasReply reply_of(const Recording& r) {
  RasReply reply;
  reply.asked = r.node;
  reply.at_s = r.at_s;
  auto answer = parse_ras(r.body);
  if (answer)
    reply.answer = std::move(*answer);
  else
    reply.failure = RasReply::Failure::Garbage, reply.problem = answer.error().text;
  return reply;
}

CheckReport judge(const Group& group) {
  std::vector<RasReply> replies;
  for (const Recording* r : group) replies.push_back(reply_of(*r));
  return judge_ras(replies);
}

/// "rank-process-died 3@10.244.2.21": the leading finding, with whom it names.
std::string lead(const CheckReport& report) {
  if (report.findings.empty()) return "-";
  std::string out = report.findings[0].id;
  std::set<std::string> who;
  for (const Where& w : report.findings[0].where)
    who.insert(" " + (w.rank ? std::to_string(*w.rank) : "?") + "@" + w.host);
  for (const std::string& w : who) out += w;
  return out;
}

std::string described(const std::string& version, const std::string& name,
                      const CheckReport& report) {
  std::string out =
      version + " " + name + ": " + std::string(to_string(report.verdict)) + " " + report.summary;
  for (const Finding& f : report.findings)
    out += "\n   " + f.id + " " + std::string(to_string(f.severity)) + " " +
           std::string(to_string(f.confidence)) + ": " + f.title;
  return out;
}

TEST(RasFindings, every_recorded_answer_is_read) {
  int read = 0;
  for (const std::string& version : test::recorded_versions()) {
    for (const Recording& r : test::recordings(version)) {
      const auto answer = parse_ras(r.body);
      if (r.body.empty())
        continue;  // 2.26.2 init_one_never_arrives closed the connection without a byte
      ASSERT_TRUE(answer) << version << " " << r.file << ": " << to_string(answer.error());
      EXPECT_EQ(answer->nccl_version, version) << r.file;
      EXPECT_TRUE(answer->whole) << r.file;
      ++read;
    }
  }
  EXPECT_EQ(read, 356);
}

TEST(RasFindings, text_and_json_miss_the_same_ranks) {
  for (const std::string& version : test::recorded_versions()) {
    std::map<std::string, std::set<std::string>> by_form[2];
    for (const Recording& r : test::recordings(version)) {
      if (r.truth != "rank_killed" || r.body.empty()) continue;
      const auto answer = parse_ras(r.body);
      for (const RasCommunicator& c : answer->communicators) {
        for (const RasRank& rank : c.ranks) {
          if (rank.missing)
            by_form[r.kind.starts_with("json")][r.scenario + c.hash].insert(
                std::to_string(rank.rank) + "@" + rank.host + ":" + std::to_string(rank.pid));
        }
      }
    }
    for (const auto& [name, ranks] : by_form[1])
      EXPECT_EQ(ranks, by_form[0][name]) << version << name;
  }
}

struct Expectation {
  const char* scenario;
  const char* leads;  ///< alternatives parted by '|'
};

// What the answers of one moment must lead to. "-": nothing at all; "no alarm": notes only. Two
// nodes of two ranks that blame each other have no guilty side; one answer from one side only must
// say that it saw one side.
constexpr Expectation kExpected[] = {
    {"collective_skipped", "collective-mismatch 3@10.244.2.21"},
    {"collective_skipped_8", "no alarm"},
    {"comms_destroyed", "-"},
    {"errors", "-"},
    {"healthy_2x2", "no alarm"},
    {"healthy_2x2_no_collective", "-"},
    {"healthy_2x2_vllm_groups", "no alarm"},
    {"healthy_2x4_tp_pp", "no alarm"},
    {"healthy_4x8", "no alarm"},
    {"init_one_never_arrives", "rank-never-arrived|-"},
    {"init_rank_stopped_midway",
     "rank-process-died 3@10.244.2.21|rank-process-died ?@10.244.2.21|rank-not-responding "
     "3@10.244.2.21"},
    {"node2_cut",
     "node-to-node-traffic-blocked 0@10.244.1.15 1@10.244.1.15 2@10.244.2.21 3@10.244.2.21"},
    {"rank_killed", "rank-process-died 3@10.244.2.21"},
    {"rank_killed_4x2", "rank-process-died 5@10.244.3.22"},
    {"rank_killed_in_collective",
     "rank-process-died 3@10.244.2.21|rank-not-responding 3@10.244.2.21"},
    {"rank_stopped", "rank-process-died 3@10.244.2.21|rank-not-responding 3@10.244.2.21"},
    {"rank_stopped_early_timeout", "rank-not-responding 3@10.244.2.21"},
    {"rank_stopped_then_resumed",
     "rank-not-responding 3@10.244.2.21|rank-process-died 3@10.244.2.21"},
    // RAS does not see who is missing here; what must not happen is that somebody innocent is
    // blamed. Rank 1 of the run of 2.26.2 had really ended.
    {"second_comm_one_never_arrives",
     "rank-never-arrived|no alarm|rank-not-responding 1@10.244.1.15"},
    {"split_one_never_arrives", "no alarm"},
    {"two_jobs_one_node", "no alarm"},
};

bool is_as_expected(const CheckReport& report, const std::string& leads) {
  const bool alarm = std::any_of(report.findings.begin(), report.findings.end(),
                                 [](const Finding& f) { return f.severity != Severity::Info; });
  for (std::string_view one : split(leads, '|')) {
    if (one == "no alarm" ? !alarm : lead(report) == one) return true;
  }
  return false;
}

TEST(RasFindings, recorded_situations) {
  for (const std::string& version : test::recorded_versions()) {
    const std::vector<Recording> all = test::recordings(version);
    for (const auto& [name, group] : groups_of(all)) {
      const auto expected =
          std::find_if(std::begin(kExpected), std::end(kExpected),
                       [&](const Expectation& e) { return e.scenario == group[0]->scenario; });
      ASSERT_NE(expected, std::end(kExpected)) << name;
      const CheckReport report = judge(group);
      EXPECT_TRUE(is_as_expected(report, expected->leads))
          << described(version, name, report) << "\n   lead: " << lead(report);
    }
  }
}

TEST(RasFindings, one_side_of_a_cut_says_that_it_is_one_side) {
  for (const std::string& version : test::recorded_versions()) {
    Group first;
    const std::vector<Recording> all = test::recordings(version);
    for (const Recording& r : all) {
      if (r.scenario == "node2_cut" && r.label == "after30s" && r.node == "10.244.1.15")
        first.push_back(&r);
    }
    const CheckReport report = judge(first);
    ASSERT_FALSE(report.findings.empty());
    EXPECT_EQ(report.findings[0].confidence, Confidence::Possible)
        << described(version, "node2_cut", report);
    EXPECT_EQ(report.findings[0].needs.size(), 1u);
  }
}

TEST(RasFindings, counts_that_stand_still_are_an_error_and_growing_ones_are_none) {
  auto reply = [](double at_s, int behind, int others) {
    RasReply r;
    r.asked = "a", r.at_s = at_s;
    r.answer.emplace();
    r.answer->form = RasAnswer::Form::Json, r.answer->nccl_version = "2.30.7",
    r.answer->whole = true;
    RasCommunicator c;
    c.hash = "01", c.size = 2, c.mismatch = true;
    for (int i = 0; i < 2; ++i) {
      RasRank rank;
      rank.rank = i, rank.host = "h";
      rank.counts["AllReduce"] = static_cast<uint64_t>(i ? behind : others);
      c.ranks.push_back(rank);
    }
    r.answer->communicators.push_back(c);
    return r;
  };
  EXPECT_EQ(judge_ras({reply(0, 5, 6)}).verdict, CheckStatus::Warning);
  EXPECT_EQ(judge_ras({reply(0, 5, 6), reply(2, 5, 6)}).verdict, CheckStatus::Failed);
  EXPECT_EQ(judge_ras({reply(0, 5, 6), reply(2, 90, 91)}).verdict, CheckStatus::Ok);
  EXPECT_EQ(judge_ras({reply(0, 0, 1), reply(2, 0, 1)}).verdict, CheckStatus::Ok);
}

TEST(RasFindings, no_answer_is_no_verdict) {
  RasReply r;
  r.asked = "h:28028", r.failure = RasReply::Failure::Refused, r.problem = "nobody listens there";
  EXPECT_EQ(judge_ras({r}).verdict, CheckStatus::Unknown);
  r.failure = RasReply::Failure::Silent;
  EXPECT_EQ(lead(judge_ras({r})), "rank-not-responding ?@h:28028");
}

}  // namespace
}  // namespace rankdx
