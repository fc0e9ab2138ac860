#include "catalogue/printf_format.h"

#include <gtest/gtest.h>

#include <string>

namespace rankdx {
namespace {

using Values = std::vector<std::string_view>;

struct Case {
  const char *format, *text;
  Values values;
};

TEST(PrintfFormat, Prints) {
  const Case cases[] = {
      {"Connected all rings", "Connected all rings", {}},
      {"Using network %s", "Using network Socket", {"Socket"}},
      {"comm %p rank %d busId %lx", "comm 0x55d0 rank -1 busId 1b000", {"0x55d0", "-1", "1b000"}},
      {"ptr %p", "ptr (nil)", {"(nil)"}},
      {"Channel %02d/%02d :  %3d %3d ...", "Channel 00/02 :    0   1   2", {"00", "02", "0", "1"}},
      {"Call to <call> returned %s, retrying",
       "Call to connect returned refused, retrying",
       {"connect", "refused"}},
      {"took %.2f s (%g)", "took 0.37 s (inf)", {"0.37", "inf"}},
      {"%s set by environment to %s",
       "NCCL_ALGO set by environment to Ring",
       {"NCCL_ALGO", "Ring"}},
      {"Allocated %d bytes in %s\\n", "Allocated 12 bytes in /dev/shm/x", {"12", "/dev/shm/x"}},
      {"%s: invalid: \\\"%s\\\"", "f: invalid: \"a\"", {"f", "a"}},
      {"100%% of %c", "100% of x", {"x"}},
  };
  for (const Case& c : cases) {
    const auto match = PrintfFormat(c.format).match(c.text);
    ASSERT_TRUE(match) << c.format;
    EXPECT_EQ(match->values, c.values) << c.format;
  }
}

TEST(PrintfFormat, DoesNotPrint) {
  const std::pair<const char*, const char*> cases[] = {
      {"Connected all rings", "Connected all rings,"},
      {"rank %d", "rank x"},
      {"rank %d", "rank "},
      {"", ""},
      {"%d of %d", "1 of"},
      {"Using %s network", "Using Socket"},
      {"%f", "abc"},
      {"%p", "0x"},
  };
  for (const auto& [format, text] : cases) EXPECT_FALSE(PrintfFormat(format).match(text)) << format;
}

TEST(PrintfFormat, LiteralBytes) {
  EXPECT_EQ(PrintfFormat("Using network %s").literal_bytes(), 12);
  EXPECT_EQ(PrintfFormat("%s").literal_bytes(), 0);
}

/// Eight texts between blanks and a word that never comes would be tried in some 10^20 ways.
TEST(PrintfFormat, GivesUp) {
  const std::string text(2000, ' ');
  EXPECT_FALSE(PrintfFormat("%s %s %s %s %s %s %s %s end").match(text));
}

}  // namespace
}  // namespace rankdx
