#include <gtest/gtest.h>

#include "rules/rule.h"

namespace rankdx {
namespace {

std::string rule(const std::string& lines) {
  return "[[rule]]\nid = \"a-cause\"\ntitle = \"T\"\n" + lines + "\n";
}

const char kMatch[] = "literal = [\"something broke\"]\nbad = [\"something broke\"]\n";

TEST(Toml, SaysWhereAndWhat) {
  struct Case {
    std::string text, place, what;
  };
  const Case cases[] = {
      {"x = ", "r.toml:1:5", "not valid TOML: "},
      {"x = 1\n", "r.toml", "no [[rule]] in this file"},
      {rule("colour = \"red\""), "r.toml:4", "rule 'a-cause': unknown key 'colour'"},
      {rule("severity = \"bad\""), "r.toml:4", "rule 'a-cause': 'bad' is no severity"},
      {rule("literal = [\"short\"]\nbad = [\"short\"]"), "r.toml:4",
       "rule 'a-cause': the literal 'short' is too short"},
      {rule("literal = [\"something broke\"]"), "r.toml:1",
       "rule 'a-cause': a sample line that must hit ('bad') is missing"},
      {rule(std::string(kMatch) + "match = '('"), "r.toml:6",
       "rule 'a-cause': the expression is wrong: missing ): ("},
      {rule(std::string(kMatch) + "cause = \"{what}\""), "r.toml:1",
       "rule 'a-cause': {what} is captured by nothing"},
      {rule("versions = \"new\""), "r.toml:4", "rule 'a-cause': 'new' is no version range"},
      {rule("match = 'x'"), "r.toml:4",
       "rule 'a-cause': 'match' needs a 'literal' that selects the line"},
      {rule("fix = [{ text = \"x\" }]"), "r.toml:4",
       "rule 'a-cause': a fix needs 'for' and 'text'"},
      {rule("at_least = 0"), "r.toml:4",
       "rule 'a-cause': 'at_least' must be a number from 1 to 1000"},
      {rule("last_lines = -1"), "r.toml:4",
       "rule 'a-cause': 'last_lines' must be a number from 1 to 1000"},
      {"[[rule]]\nid = \"Big\"\n", "r.toml:1",
       "rule 'Big': the id must be made of a-z, 0-9 and '-'"},
  };
  for (const Case& c : cases) {
    const auto pack = RulePack::parse_toml(c.text, "r.toml");
    ASSERT_FALSE(pack) << c.text;
    EXPECT_EQ(pack.error().place, c.place) << c.text;
    EXPECT_EQ(pack.error().text.substr(0, c.what.size()), c.what);
  }
}

TEST(Toml, PackGivesTheSameRules) {
  const auto pack = RulePack::parse_toml(
      rule(std::string(kMatch) +
           "at_least = 3\nlast_lines = 80\nlayer = \"network\"\nguilty = \"none\""),
      "r.toml");
  ASSERT_TRUE(pack);
  const auto again = RulePack::unpack(pack->pack());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->pack(), pack->pack());
  const Rule& r = again->rules().front();
  EXPECT_EQ(r.file, "r.toml:1");
  EXPECT_EQ(r.at_least, 3);
  EXPECT_EQ(r.last_lines, 80);
  EXPECT_EQ(r.layer, Layer::Network);
  EXPECT_EQ(r.guilty, Guilty::None);
  EXPECT_FALSE(RulePack::unpack(pack->pack().substr(0, 20)));
}

TEST(Toml, LaterPackReplacesTheSameRule) {
  auto first = *RulePack::parse_toml(rule("severity = \"info\""), "a.toml");
  first.add(*RulePack::parse_toml(rule("severity = \"error\""), "b.toml"));
  ASSERT_EQ(first.rules().size(), 1u);
  EXPECT_EQ(first.rules().front().severity, Severity::Error);
}

}  // namespace
}  // namespace rankdx
