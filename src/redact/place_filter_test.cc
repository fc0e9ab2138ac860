#include "redact/place_filter.h"

#include <gtest/gtest.h>

#include <string>

#include "redact/letters.h"
#include "redact/secrets.h"

namespace rankdx {
namespace {

bool passes(const std::vector<uint64_t>& masks, size_t at) { return masks[at / 64] >> at % 64 & 1; }

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

/// Each beginning passes wherever it stands in lines of all lengths, on every way of this machine.
TEST(PlaceFilter, MissesNothing) {
  std::vector<std::string> texts;
  PlaceFilter filter;
  for (std::string_view t : token_beginnings()) {
    filter.add(t, Case::Exact);
    texts.emplace_back(t);
  }
  for (std::string_view t : secret_name_parts()) {
    filter.add(t, Case::Either);
    texts.emplace_back(t);
    texts.push_back(upper(t));
  }
  filter.add("::", Case::Exact);
  texts.emplace_back(":: ");
  std::vector<uint64_t> masks;
  for (PlaceFilter::Way way : PlaceFilter::ways()) {
    for (size_t length = 3; length < 200; ++length) {
      for (size_t i = 0; i < texts.size(); ++i) {
        const std::string three = texts[i].substr(0, 3);
        const size_t at = (i * 7 + length) % (length - 2);
        std::string line(length, '~');
        line.replace(at, 3, three);
        filter.places(line, masks, way);
        ASSERT_TRUE(passes(masks, at)) << three << " at " << at << " of " << length;
        for (size_t end = length - 2; end < masks.size() * 64; ++end)
          ASSERT_FALSE(passes(masks, end)) << end << " of " << length;
      }
    }
    for (const char* line : {"", "a", "ab"}) {
      filter.places(line, masks, way);
      EXPECT_EQ(masks, std::vector<uint64_t>{0}) << line;
    }
  }
}

/// The ways with vectors let the same through, and not much.
TEST(PlaceFilter, WaysAgree) {
  PlaceFilter filter;
  for (std::string_view t : token_beginnings()) filter.add(t, Case::Exact);
  std::string line;
  for (int i = 0; i < 60; ++i)
    line += "gpu-worker-01:248:252 [0] NCCL INFO Channel 01/0 : 2[0] -> 3 ";
  std::vector<uint64_t> first, masks;
  const auto ways = PlaceFilter::ways();
  if (ways.size() == 1) GTEST_SKIP() << "no vectors here";
  filter.places(line, first, ways.front());
  size_t through = 0;
  for (size_t at = 0; at < line.size(); ++at) through += passes(first, at);
  EXPECT_LT(through, line.size() / 8);
  for (size_t i = 1; i + 1 < ways.size(); ++i) {
    filter.places(line, masks, ways[i]);
    EXPECT_EQ(masks, first);
  }
}

}  // namespace
}  // namespace rankdx
