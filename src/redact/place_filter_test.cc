#include "redact/place_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "redact/letters.h"
#include "redact/secrets.h"

namespace rankdx {
namespace {

using Windows = std::vector<PlaceFilter::Window>;

bool has(const Windows& windows, uint64_t PlaceFilter::Window::*what, size_t at) {
  return windows[at / PlaceFilter::kWindow].*what >> at % PlaceFilter::kWindow & 1;
}
bool passes(const Windows& windows, size_t at) {
  return has(windows, &PlaceFilter::Window::begins, at);
}

Windows places(const PlaceFilter& filter, std::string_view line, PlaceFilter::Way way) {
  // Something stands in the memory before.
  Windows memory(3, {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}});
  const auto found = filter.places(line, memory, way);
  return {found.begin(), found.end()};
}

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
  for (PlaceFilter::Way way : PlaceFilter::ways()) {
    for (size_t length = 3; length < 200; ++length) {
      for (size_t i = 0; i < texts.size(); ++i) {
        const std::string three = texts[i].substr(0, 3);
        const size_t at = (i * 7 + length) % (length - 2);
        std::string line(length, '~');
        line.replace(at, 3, three);
        const Windows windows = places(filter, line, way);
        ASSERT_TRUE(passes(windows, at)) << three << " at " << at << " of " << length;
        for (size_t end = length - 2; end < windows.size() * 64; ++end)
          ASSERT_FALSE(passes(windows, end)) << end << " of " << length;
      }
    }
    for (const char* line : {"", "a", "ab"})
      EXPECT_EQ(places(filter, line, way), Windows(1)) << line;
  }
}

/// What stands in addresses is found on every way; where bytes are looked up whole, nothing else.
TEST(PlaceFilter, DotsAndColonsOfAddresses) {
  const PlaceFilter filter;
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string line;
    for (size_t left = random() % 200; left > 0; --left) line += "019afAFgG.:: -"[random() % 14];
    for (PlaceFilter::Way way : PlaceFilter::ways()) {
      const Windows windows = places(filter, line, way);
      for (size_t at = 0; at + 2 < line.size(); ++at) {
        const char a = line[at], b = line[at + 1], c = line[at + 2];
        const bool dots = is_digit(a) && b == '.' && is_digit(c),
                   colons = is_hex(a) && b == ':' && is_hex(c), twice = a == ':' && b == ':';
        using Window = PlaceFilter::Window;
        ASSERT_GE(has(windows, &Window::dots, at), dots) << line.substr(at);
        ASSERT_GE(has(windows, &Window::colons, at), colons) << line.substr(at);
        ASSERT_GE(has(windows, &Window::twice, at), twice) << line.substr(at);
      }
    }
  }
}

/// The ways with vectors let not much through.
TEST(PlaceFilter, VectorsPassOverUsualLines) {
  PlaceFilter filter;
  for (std::string_view t : token_beginnings()) filter.add(t, Case::Exact);
  std::string line;
  for (int i = 0; i < 60; ++i)
    line += "gpu-worker-01:248:252 [0] NCCL INFO Channel 01/0 : 2[0] -> 3 ";
  auto ways = PlaceFilter::ways();
  ways.pop_back();
  for (PlaceFilter::Way way : ways) {
    const Windows windows = places(filter, line, way);
    size_t through = 0;
    for (size_t at = 0; at < line.size(); ++at) through += passes(windows, at);
    EXPECT_LT(through, line.size() / 8);
  }
}

}  // namespace
}  // namespace rankdx
