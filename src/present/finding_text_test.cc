#include "present/finding_text.h"

#include <gtest/gtest.h>

#include "present/markdown.h"

namespace rankdx {
namespace {

TEST(FindingText, NumberRanges) {
  struct Case {
    std::vector<int> in;
    std::string out;
  };
  const Case cases[] = {{{}, ""},
                        {{3}, "3"},
                        {{1, 0}, "0, 1"},
                        {{7, 0, 1, 2, 2}, "0-2, 7"},
                        {{5, 6, 9, 10, 11}, "5, 6, 9-11"}};
  for (const Case& c : cases) EXPECT_EQ(number_ranges(c.in), c.out);
}

TEST(FindingText, Places) {
  struct Case {
    std::vector<Where> in;
    std::string out;
  };
  const Case cases[] = {
      {{}, ""},
      {{{"a", "", 2, 0, "", ""}}, "rank 2 on a (GPU 0)"},
      {{{"a", "", 1, 0, "", ""}, {"b", "", 2, 1, "", ""}}, "ranks 1, 2 on a, b"},
      {{{"a", "p-0", {}, {}, "10.0.0.1", "eth0"}}, "a, pod p-0, interface eth0, peer 10.0.0.1"},
      {{{"", "p-0", {}, {}, "", ""}}, "pod p-0"},
      {{{"a", "", 0, {}, "", ""},
        {"b", "", 1, {}, "", ""},
        {"c", "", 2, {}, "", ""},
        {"d", "", 3, {}, "", ""}},
       "ranks 0-3 on 4 hosts"},
      {{{"a\x1b[2J", "", {}, {}, "", ""}}, "a\\x1b[2J"},
  };
  for (const Case& c : cases) {
    Finding f;
    f.where = c.in;
    EXPECT_EQ(places(f), c.out);
  }
}

TEST(FindingText, VerdictLineWrapsBelowItself) {
  EXPECT_EQ(
      verdict_line(Ink::Red, "FAILED", "one two three four five six seven", {Colour::Never, 40}),
      "FAILED  one two three four five six\n        seven\n");
  EXPECT_EQ(verdict_line(Ink::Red, "OK", "", {}), "OK\n");
}

TEST(Markdown, NothingOfATextIsMarkup) {
  struct Case {
    std::string in, out;
  };
  const Case cases[] = {
      {"plain", "plain"},
      {"<b>&", "&lt;b&gt;&amp;"},
      {"[x](http://y) *a* _b_ `c` #1 @all",
       "\\[x\\](http://y) \\*a\\* \\_b\\_ \\`c\\` \\#1 \\@all"},
      {"a|b~c\\", "a\\|b\\~c\\\\"},
  };
  for (const Case& c : cases) EXPECT_EQ(markdown_text(c.in), c.out);
  EXPECT_EQ(markdown_block("a ```` b"), "`````text\na ```` b\n`````\n");
}

}  // namespace
}  // namespace rankdx
