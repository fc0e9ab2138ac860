#include "present/safe_text.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

TEST(SafeText, NothingReachesATerminal) {
  struct Case {
    std::string in, out;
  };
  const Case cases[] = {
      {"plain text", "plain text"},
      {"a\x1b[31mred", "a\\x1b[31mred"},
      {std::string("nul\0!", 5), "nul\\x00!"},
      {"a\tb\nc\rd", "a b\\nc\\x0dd"},
      {"bad \xff\xfe utf", "bad \xef\xbf\xbd\xef\xbf\xbd utf"},
      {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
      {"surrogate \xed\xa0\x80", "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"overlong \xc0\xaf", "overlong \xef\xbf\xbd\xef\xbf\xbd"},
      {"turned \xe2\x80\xae txt", "turned \\u202e txt"},
      {"c1 \xc2\x9b", "c1 \\u009b"},
      {"grün 模型", "grün 模型"},
  };
  for (const Case& c : cases) EXPECT_EQ(safe_text(c.in), c.out);
}

TEST(SafeText, JsonStaysJson) {
  EXPECT_EQ(safe_json("{\"a\": \"\xe2\x80\xae\x7f\xc2\x9b grün\"}\n"),
            "{\"a\": \"\\u202e\\u007f\\u009b grün\"}\n");
}

TEST(SafeText, Widths) {
  EXPECT_EQ(display_width("grün"), 4u);
  EXPECT_EQ(display_width("模型"), 4u);
  EXPECT_EQ(display_width("e\xcc\x81"), 1u);
  EXPECT_EQ(shortened("gpu-worker-01", 8), "gpu-wor…");
  EXPECT_EQ(shortened("模型模型", 5), "模型…");
  EXPECT_EQ(shortened("short", 5), "short");
  EXPECT_EQ(wrapped("one two three", 7, "  "), "one two\n  three");
  EXPECT_EQ(wrapped("averyveryverylongword x", 5, ""), "averyveryverylongword\nx");
}

}  // namespace
}  // namespace rankdx
