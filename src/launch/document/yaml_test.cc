#include "launch/document/yaml.h"

#include <gtest/gtest.h>

namespace rankdx::lint {
namespace {

using Kind = YamlProblem::Kind;

TEST(Yaml, PlacesOfValues) {
  const SourceText source(
      "t", "a: &x \"q\\n z\"\nb: |-\n  l1\n  l2\nc: >\n  d\n  e\nf: [1, 'it''s', *x]\n");
  const YamlStream stream(source);
  ASSERT_EQ(stream.documents().size(), 1u);
  const YamlNode doc = stream.documents()[0];
  EXPECT_EQ(source.part(doc["a"].span()), "\"q\\n z\"");
  EXPECT_EQ(doc["b"].text(), "l1\nl2");
  const MappedText b = doc["b"].mapped();
  EXPECT_EQ(source.part({b.at[3], b.at[4] + 1}), "l2");
  EXPECT_EQ(doc["c"].text(), "d e\n");
  EXPECT_EQ(source.bytes()[doc["c"].mapped().at[2]], 'e');
  const auto items = doc["f"].items();
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].number(), 1);
  EXPECT_EQ(source.part(items[1].span()), "'it''s'");
  EXPECT_EQ(items[2].text(), "q\n z");
  EXPECT_TRUE(doc["f"].flow());
  EXPECT_FALSE(doc["nothing"]);
  EXPECT_EQ(doc.at("a.b.c").text(), "");
}

TEST(Yaml, DocumentsMergeKeysAndQuotes) {
  const SourceText source(
      "t", "x: &d\n  k: v\n---\n# only a comment\n---\ny:\n  <<: &e {k: w, n: 1}\n  n: \"2\"\n");
  const YamlStream stream(source);
  ASSERT_TRUE(stream.problems().empty());
  const YamlNode last = stream.documents().back()["y"];
  EXPECT_EQ(last["k"].text(), "w");
  EXPECT_EQ(last["n"].text(), "2");
  EXPECT_TRUE(last["n"].quoted());
  EXPECT_EQ(source.position(last["n"].span().begin).line, 8u);
}

struct Bad {
  const char* text;
  Kind kind;
  uint32_t line;
};

TEST(Yaml, Problems) {
  const std::string deep = "a: " + std::string(150, '[') + std::string(150, ']');
  const Bad cases[] = {
      {"a: 1\nb: 2\na: 3\n", Kind::DuplicateKey, 3},
      {"a:\n\tb: 1\n", Kind::Tab, 2},
      {"a: [1, 2\nb: 3\n", Kind::Syntax, 2},
      {"a: &a [*a]\n", Kind::AliasBomb, 1},
      {", a\n", Kind::Syntax, 1},
      {",kind: &a Pod\n", Kind::Syntax, 1},
      {"] a\n", Kind::Syntax, 1},
      {"a:\n  {{- if .x }}\n  b: 1\n", Kind::Template, 2},
      {deep.c_str(), Kind::TooDeep, 1},
  };
  for (const Bad& c : cases) {
    const SourceText source("t", c.text);
    const YamlStream stream(source);
    ASSERT_FALSE(stream.problems().empty()) << c.text;
    EXPECT_EQ(stream.problems()[0].kind, c.kind) << c.text << ": " << stream.problems()[0].text;
    EXPECT_EQ(source.position(stream.problems()[0].span.begin).line, c.line) << c.text;
  }
}

TEST(Yaml, AliasesAreCountedNotUnfolded) {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string one = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + one;
    for (int k = 0; k < 9; ++k) text += "," + one;
    text += "]\n";
  }
  const SourceText source("t", text);
  const YamlStream stream(source);
  ASSERT_EQ(stream.problems().size(), 1u);
  EXPECT_EQ(stream.problems()[0].kind, Kind::AliasBomb);
}

TEST(Yaml, ABrokenDocumentDoesNotHideTheOthers) {
  const SourceText source("t", "a: 1\n---\nb: [\n---\nc: 3\n");
  const YamlStream stream(source);
  EXPECT_EQ(stream.problems().size(), 1u);
  ASSERT_EQ(stream.documents().size(), 2u);
  EXPECT_EQ(stream.documents()[1]["c"].number(), 3);
}

}  // namespace
}  // namespace rankdx::lint
