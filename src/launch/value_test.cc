#include "launch/value.h"

#include <gtest/gtest.h>

#include "launch/test_specs.h"

namespace rankdx {
namespace {

TEST(Yaml, WritesBlocks) {
  const Value v = Value::map(
      {{"a", "x"},
       {"k", 3},
       {"t", true},
       {"s", "3"},
       {"l", Value::list({"p", Value::map({{"q", 1}, {"r", Value::list({"--port", "-5"})}})})},
       {"e", Value::map()},
       {"f", Value::list()},
       {"z", Value()}});
  EXPECT_EQ(to_yaml({v}),
            "---\na: x\nk: 3\nt: true\ns: \"3\"\nl:\n- p\n- q: 1\n  r:\n  - --port\n  - \"-5\"\ne: "
            "{}\nf: []\nz: null\n");
}

TEST(Yaml, EveryTextComesBack) {
  std::vector<std::string> texts = kHostileTexts;
  for (const char* more :
       {"",    " ",     "a\nb\n", "\t",   "a:",   ":a",           "---", "...", "-",   "--",
        "- a", "?",     "? a",    "<<",   "NO",   "Off",          "1:2", "1_0", "0o7", "+1",
        ".5",  "-.inf", "=",      "a #b", "\x01", "\xe2\x80\xa8", "@a",  "`a"}) {
    texts.emplace_back(more);
  }
  for (const std::string& text : texts) {
    const auto back =
        parse_yaml(to_yaml({Value::map({{"k", text}, {text.empty() ? "e" : text, "v"}})}));
    ASSERT_TRUE(back) << text << ": " << to_string(back.error());
    EXPECT_EQ((*back)[0]["k"].text(), text);
    EXPECT_EQ((*back)[0]["k"].kind(), Value::Kind::Text) << text;
    EXPECT_EQ((*back)[0].members()[1].first, text.empty() ? "e" : text);
  }
}

TEST(Yaml, HostileDocumentsAreRefused) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k) bomb += "," + last;
    bomb += "]\n";
  }
  for (const std::string& text :
       {bomb, std::string(5000, '['), std::string("a: [1\nb"), std::string("? [a]\n: b")}) {
    EXPECT_FALSE(parse_yaml(text)) << text.substr(0, 40);
  }
}

}  // namespace
}  // namespace rankdx
