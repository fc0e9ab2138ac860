// All ways to index bytes agree, and the cutter gives the lines and marks of a slow loop.
#include "scan/line_cutter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace rankdx {
namespace {

/// Texts full of what the masks look for, at all distances from the ends of pieces.
std::string random_text(std::mt19937& random, size_t size) {
  static const std::string kParts[] = {"NCCL ",
                                       "NCCL",
                                       "NCC",
                                       "N",
                                       "L",
                                       "\n",
                                       "\n\n",
                                       "\r\n",
                                       " x ",
                                       "\x1b[0m",
                                       "\xc3\xa9",
                                       "NxxL",
                                       std::string(1, '\0'),
                                       "0123456789",
                                       "host:1:2 [0] NCCL INFO "};
  std::string text;
  while (text.size() < size) {
    text += kParts[random() % std::size(kParts)];
    text.append(random() % 40, 'a');
  }
  text.resize(size);
  return text;
}

std::vector<uint16_t> upto_end(const ByteIndex::Places& places) {
  return {places.begin(), std::find(places.begin(), places.end(), ByteIndex::kEnd)};
}

TEST(ByteIndex, AllWaysGiveTheSame) {
  std::mt19937 random(5);
  auto index = std::make_unique<ByteIndex>(), expected = std::make_unique<ByteIndex>();
  for (int round = 0; round < 200; ++round) {
    const size_t pieces = 1 + random() % kMostPieces;
    std::string text = random_text(random, pieces * kPiece + kNameReach);
    if (round % 10 == 0)
      text.assign(text.size(), "\n\r"[round / 10 % 2]);  // as many places as there can be
    index_ways().back().index(text.data(), pieces, *expected);
    for (const IndexWay& way : index_ways()) {
      way.index(text.data(), pieces, *index);
      EXPECT_EQ(upto_end(index->newlines), upto_end(expected->newlines)) << way.name;
      EXPECT_EQ(upto_end(index->names), upto_end(expected->names)) << way.name;
      EXPECT_EQ(upto_end(index->odd), upto_end(expected->odd)) << way.name;
    }
  }
}

struct Cut {
  std::string_view line;
  LineMarks marks;
};

std::vector<Cut> cut_slowly(std::string_view block) {
  std::vector<Cut> cuts;
  while (!block.empty()) {
    Cut cut;
    cut.line = block.substr(0, block.find('\n'));
    for (char c : cut.line) cut.marks.odd |= static_cast<signed char>(c) < ' ';
    cut.marks.nccl = cut.line.find("NCCL ");
    if (cut.marks.nccl != LineMarks::kNone)
      cut.marks.nccl_again = cut.line.find("NCCL ", cut.marks.nccl + 1);
    cuts.push_back(cut);
    block.remove_prefix(std::min(block.size(), cut.line.size() + 1));
  }
  return cuts;
}

TEST(LineCutter, SameLinesAndMarksAsASlowLoop) {
  std::mt19937 random(6);
  for (int round = 0; round < 3000; ++round) {
    const std::string text =
        random_text(random, round < 400 ? static_cast<size_t>(round) : random() % 5000);
    const std::string block(text);  // its end is the end of its memory, for the address sanitizer
    for (const IndexWay& way : index_ways()) {
      LineCutter cutter(block, way.index);
      for (const Cut& expected : cut_slowly(block)) {
        Cut got;
        ASSERT_TRUE(cutter.next(got.line, got.marks)) << way.name;
        ASSERT_EQ(got.line, expected.line) << way.name;
        ASSERT_EQ(got.marks.nccl, expected.marks.nccl) << way.name;
        ASSERT_EQ(got.marks.nccl_again, expected.marks.nccl_again) << way.name;
        ASSERT_EQ(got.marks.odd, expected.marks.odd) << way.name;
      }
      Cut none;
      ASSERT_FALSE(cutter.next(none.line, none.marks)) << way.name;
    }
  }
}

}  // namespace
}  // namespace rankdx
