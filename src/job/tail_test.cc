#include "job/tail.h"

#include <gtest/gtest.h>

#include <string>

namespace rankdx {
namespace {

std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += std::to_string(i) + "\n";
  return text;
}

std::string told(const Tail& tail) {
  std::string text;
  for (const std::string& line : tail.lines()) text += line + "\n";
  return text;
}

TEST(Tail, TheLastLinesOfLinesAndBlocks) {
  Tail tail;
  tail.add_block("");
  EXPECT_EQ(told(tail), "");
  tail.add_block("\n");
  EXPECT_EQ(told(tail), "\n");
  tail.add_block("1\n\n2");
  EXPECT_EQ(told(tail), "\n1\n\n2\n");
  tail.add_block(numbered(3, 100));
  EXPECT_EQ(told(tail), numbered(81, 100));
  tail.add("101");
  EXPECT_EQ(told(tail), numbered(82, 101));
  tail.add_block(numbered(102, 104));
  EXPECT_EQ(told(tail), numbered(85, 104));
}

}  // namespace
}  // namespace rankdx
