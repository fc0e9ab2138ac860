#include "rules/match.h"

#include <gtest/gtest.h>

#include "job/test_logs.h"

namespace rankdx {
namespace {

const char kRules[] = R"(
[[rule]]
id = "warned"
title = "T"
event = "nccl.warn"
source_file = "transport/p2p"
literal = ["Cuda failure"]
match = 'Cuda failure (?P<code>\d+)'
bad = ["n:1:2 [0] transport/p2p.cc:5 NCCL WARN Cuda failure 1 'x'"]
good = ["n:1:2 [0] enqueue.cc:5 NCCL WARN Cuda failure 1 'x'", "n:1:2 [0] NCCL INFO Cuda failure 1 'x'"]

[[rule]]
id = "text"
title = "T"
event = "text"
literal = ["went wrong", "was wrong here"]
unless_line = ["nothing went"]
bad = ["it went wrong", "it was wrong here"]
good = ["nothing went wrong"]

[[rule]]
id = "new-only"
title = "T"
versions = ">=2.27"
event = "nccl"
literal = ["some words"]
bad = ["n:1:2 [0] NCCL INFO some words"]
)";

std::vector<std::string> hits(const std::string& log) {
  const auto pack = RulePack::parse_toml(kRules, "r.toml");
  EXPECT_TRUE(pack) << to_string(pack.error());
  RuleMatcher matcher(*pack);
  const Facts facts = test::facts_of(test::fold_text("log", log, matcher.gate()));
  std::vector<std::string> list;
  for (const RuleHit& h : matcher.match_all(facts)) {
    auto code = h.captures.find("code");
    list.push_back(h.rule->id + (code == h.captures.end() ? "" : " " + code->second));
  }
  return list;
}

TEST(Match, EventFileVersionAndExceptions) {
  using List = std::vector<std::string>;
  EXPECT_EQ(hits("n:1:2 [0] transport/p2p.cc:5 NCCL WARN Cuda failure 12 'x'\n"),
            List{"warned 12"});
  EXPECT_EQ(hits("n:1:2 [0] transport/net.cc:5 NCCL WARN Cuda failure 12 'x'\n"), List{});
  EXPECT_EQ(hits("it went wrong and was wrong here\nnothing went wrong\n"), List{"text"});
  EXPECT_EQ(
      hits("n:1:1 [0] NCCL INFO NCCL version 2.26.2+cuda12.8\nn:1:1 [0] NCCL INFO some words\n"),
      List{});
  EXPECT_EQ(
      hits("n:1:1 [0] NCCL INFO NCCL version 2.28.9+cuda12.8\nn:1:1 [0] NCCL INFO some words\n"),
      List{"new-only"});
  EXPECT_EQ(hits("n:1:1 [0] NCCL INFO some words\n"), List{"new-only"});
}

TEST(Match, SamplesAreRun) {
  const auto pack = RulePack::parse_toml(kRules, "r.toml");
  EXPECT_TRUE(pack->check_samples().empty());
  const auto wrong = RulePack::parse_toml(
      "[[rule]]\nid = \"a\"\ntitle = \"T\"\nliteral = [\"went wrong\"]\nbad = [\"fine\"]\ngood = "
      "[\"it went wrong\"]\n",
      "w.toml");
  const auto errors = wrong->check_samples();
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].text, "rule 'a': this bad sample does not hit: fine");
  EXPECT_EQ(errors[1].text, "rule 'a': this good sample hits: it went wrong");
}

TEST(Fill, NamesAndBraces) {
  EXPECT_EQ(fill("{a} and {b}, {print $1}", {{"a", "1"}}), "1 and ?, {print $1}");
  EXPECT_EQ(template_names("{a} {print $1} {b_2}"), (std::vector<std::string>{"a", "b_2"}));
}

}  // namespace
}  // namespace rankdx
