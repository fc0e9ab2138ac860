#include "scan/literal_set.h"

#include <gtest/gtest.h>

#include <random>

namespace rankdx {
namespace {

using Hits = std::vector<uint32_t>;

Hits found(const std::vector<std::string>& literals, std::string_view text) {
  const LiteralSet set(literals);
  Hits hits;
  set.find(text, hits);
  EXPECT_EQ(set.any(text), !hits.empty()) << text;
  return hits;
}

TEST(LiteralSet, Finds) {
  const std::vector<std::string> set = {"unhandled", "handled cuda error", "handled",
                                        "no such text"};
  EXPECT_EQ(found(set, "unhandled cuda error"), (Hits{0, 1, 2}));
  EXPECT_EQ(found(set, "xxhandled handled"), Hits{2});
  EXPECT_EQ(found(set, "xxhandle"), Hits{});
  EXPECT_EQ(found(set, ""), Hits{});
  EXPECT_EQ(found(set, "Handled"), Hits{});
  EXPECT_EQ(found({}, "handled"), Hits{});
  EXPECT_EQ(found({"abcd"}, "xabcd"), Hits{0});
  EXPECT_EQ(found({"abcd"}, "abc"), Hits{});
  EXPECT_EQ(found({"same", "same"}, "samesame"), (Hits{0, 1}));
}

TEST(LiteralSet, AppendsToWhatIsThere) {
  const LiteralSet set({"alpha", "gamma"});
  Hits hits = {7};
  set.find("gamma alpha gamma", hits);
  EXPECT_EQ(hits, (Hits{7, 0, 1}));
}

TEST(LiteralSet, AgreesWithPlainSearch) {
  std::mt19937 random(5);
  auto text = [&](size_t size) {
    std::string out;
    while (out.size() < size) out += static_cast<char>('a' + random() % 3);
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> literals;
    for (int i = 0; i < 12; ++i) literals.push_back(text(4 + round % 5 + random() % 6));
    const std::string line = text(random() % 200);
    Hits expected;
    for (uint32_t i = 0; i < literals.size(); ++i) {
      if (line.find(literals[i]) != std::string::npos) expected.push_back(i);
    }
    EXPECT_EQ(found(literals, line), expected) << line;
  }
}

TEST(LiteralSet, StaysSmallOnLinesFullOfHits) {
  std::string line;
  while (line.size() < 1 << 16) line += "handled ";
  EXPECT_EQ(found({"handled ", "ndled ha"}, line), (Hits{0, 1}));
}

}  // namespace
}  // namespace rankdx
