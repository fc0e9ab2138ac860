#include "base/text.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

using Views = std::vector<std::string_view>;

TEST(Text, Trim) {
  EXPECT_EQ(trim("  a b\t\r\n"), "a b");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, Split) {
  EXPECT_EQ(split("a,b,,c", ','), (Views{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ','), (Views{""}));
  EXPECT_EQ(split(",", ','), (Views{"", ""}));
}

TEST(Text, TakeUntil) {
  std::string_view rest;
  EXPECT_EQ(take_until("NCCL_DEBUG=INFO=1", '=', rest), "NCCL_DEBUG");
  EXPECT_EQ(rest, "INFO=1");
  EXPECT_EQ(take_until("plain", '=', rest), "plain");
  EXPECT_EQ(rest, "");
}

TEST(Text, JoinLowerReplace) {
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(lower("NCCL_Ib\xC3\x84"), "nccl_ib\xC3\x84");
  EXPECT_EQ(replace_all("aXbXX", "X", "--"), "a--b----");
  EXPECT_EQ(replace_all("abc", "", "-"), "abc");
}

TEST(Text, ParseInt) {
  EXPECT_EQ(parse_int<int>("-42"), -42);
  EXPECT_EQ(parse_int<uint8_t>("255"), 255);
  EXPECT_EQ(parse_int<uint8_t>("256"), std::nullopt);
  EXPECT_EQ(parse_int<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(parse_int<int>(""), std::nullopt);
  EXPECT_EQ(parse_int<int>("+1"), std::nullopt);
  EXPECT_EQ(parse_int<int>("1 "), std::nullopt);
  EXPECT_EQ(parse_int<int>("99999999999"), std::nullopt);
}

TEST(Text, ParseHexAndDouble) {
  EXPECT_EQ(parse_hex("0x3c29b1244fa04682"), 0x3c29b1244fa04682u);
  EXPECT_EQ(parse_hex("1b000"), 0x1b000u);
  EXPECT_EQ(parse_hex("0x"), std::nullopt);
  EXPECT_EQ(parse_hex("0x10000000000000000"), std::nullopt);
  EXPECT_EQ(parse_double("0.37"), 0.37);
  EXPECT_EQ(parse_double("inf"), std::nullopt);
  EXPECT_EQ(parse_double("1e999"), std::nullopt);
  EXPECT_EQ(parse_double("1s"), std::nullopt);
}

}  // namespace
}  // namespace rankdx
