#include "diagnose/causality.h"

#include <gtest/gtest.h>

#include "diagnose/diagnose.h"
#include "job/test_logs.h"

namespace rankdx {
namespace {

TEST(Causality, LowerLayersCauseHigherOnes) {
  EXPECT_TRUE(can_cause(Layer::Hardware, Layer::Engine));
  EXPECT_TRUE(can_cause(Layer::Network, Layer::NcclInit));
  EXPECT_TRUE(can_cause(Layer::Files, Layer::Engine));
  EXPECT_TRUE(can_cause(Layer::Container, Layer::Orchestrator));
  EXPECT_FALSE(can_cause(Layer::Engine, Layer::Hardware));
  EXPECT_FALSE(can_cause(Layer::NcclRun, Layer::Network));
  EXPECT_FALSE(can_cause(Layer::Files, Layer::Driver));
}

TEST(Causality, NothingCausesItsOwnLayer) {
  for (int l = 0; l <= static_cast<int>(Layer::Orchestrator); ++l)
    EXPECT_FALSE(can_cause(static_cast<Layer>(l), static_cast<Layer>(l))) << l;
}

TEST(Causality, OrchestratorActsFromOutside) {
  EXPECT_TRUE(can_cause(Layer::Orchestrator, Layer::Rendezvous));
  EXPECT_TRUE(can_cause(Layer::Orchestrator, Layer::NcclRun));
  EXPECT_FALSE(can_cause(Layer::Orchestrator, Layer::Driver));
}

TEST(Causality, TimeDecidesThenTheLine) {
  const Moment early{100, "b", 9}, late{200, "a", 1}, line1{kNoTime, "a", 1},
      line2{kNoTime, "a", 2};
  EXPECT_EQ(order_of(early, late), Order::Before);
  EXPECT_EQ(order_of(late, early), Order::After);
  EXPECT_EQ(order_of(line1, line2), Order::Before);
  EXPECT_EQ(order_of(line1, line1), Order::Same);
  EXPECT_EQ(order_of(line1, early), Order::Unknown);
}

Finding at(std::string host, std::string pod = "", std::string peer = "") {
  Finding f;
  Where w;
  w.host = std::move(host);
  w.pod = std::move(pod);
  w.peer = std::move(peer);
  f.where = {w};
  return f;
}

TEST(Causality, RelatedByPlaceOrPeer) {
  EXPECT_TRUE(is_related(at("a"), at("a")));
  EXPECT_FALSE(is_related(at("a"), at("b")));
  EXPECT_TRUE(is_related(at("a"), at("b", "", "a")));
  EXPECT_TRUE(is_related(at("", "llm-0/vllm"), at("", "llm-0/pod")));
  EXPECT_FALSE(is_related(at("", "llm-0/vllm"), at("", "llm-1/vllm")));
  EXPECT_TRUE(is_related(Finding{}, at("b")));
}

/// Two causes that know nothing of each other, in two layers.
constexpr const char* kPack = R"([[rule]]
id = "low-cause"
title = "low"
layer = "hardware"
confidence = "likely"
event = "text"
literal = ["the hardware says no"]
bad = ["the hardware says no"]
[[rule]]
id = "high-cause"
title = "high"
layer = "engine"
confidence = "certain"
event = "text"
literal = ["the engine says no"]
bad = ["the engine says no"]
[[rule]]
id = "open-cause"
title = "open"
layer = "hardware"
confidence = "likely"
rivals = [{ id = "low-cause", ask = "which of the two is it?" }]
event = "text"
literal = ["the board says no"]
bad = ["the board says no"]
)";

/// "id/role/confidence" of each finding, and what the first asks for.
std::string order(const std::string& log) {
  const auto pack = RulePack::parse_toml(kPack, "test.toml");
  EXPECT_TRUE(pack.has_value()) << to_string(pack.error());
  RuleMatcher matcher(*pack);
  const Facts facts = test::facts_of(test::fold_text("log", log, matcher.gate()));
  const Job job = assemble(facts);
  std::string text;
  const Diagnosis d = diagnose(facts, job, matcher);
  for (const Finding& f : d.findings) {
    text += f.id + "/" + std::string(to_string(f.role)) + "/" +
            std::string(to_string(f.confidence)) + "\n";
  }
  for (const std::string& need : d.findings.at(0).needs) text += need + "\n";
  return text;
}

TEST(Causality, AnEarlierLowerCauseLeads) {
  EXPECT_EQ(order("the hardware says no\nthe engine says no\n"),
            "low-cause/root-cause/likely\nhigh-cause/consequence/certain\n");
}

TEST(Causality, ALaterLowerCauseDoesNot) {
  EXPECT_EQ(order("the engine says no\nthe hardware says no\n"),
            "high-cause/root-cause/certain\nlow-cause/contributing/likely\n");
}

TEST(Causality, AnotherPodsCauseExplainsNothing) {
  EXPECT_EQ(order("[pod/a-0/c] the hardware says no\n[pod/b-0/c] the engine says no\n"),
            "high-cause/root-cause/certain\nlow-cause/contributing/likely\n");
}

TEST(Causality, RivalsStayPossibleWithTheQuestion) {
  EXPECT_EQ(order("the board says no\nthe hardware says no\n"),
            "open-cause/root-cause/possible\nlow-cause/root-cause/possible\n"
            "which of the two is it?\n");
}

}  // namespace
}  // namespace rankdx
