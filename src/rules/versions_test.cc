#include "rules/versions.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

TEST(Versions, Numbers) {
  EXPECT_EQ(nccl_version_number("2.28.9+cuda13.0"), 22809);
  EXPECT_EQ(nccl_version_number("2.4"), 20400);
  EXPECT_EQ(nccl_version_number("two"), 0);
  EXPECT_EQ(nccl_version_number("2.28.9.1"), 0);
  EXPECT_EQ(nccl_version_number("2.28.900"), 0);
}

TEST(Versions, Ranges) {
  struct Case {
    const char* range;
    int version;
    bool in;
  };
  const Case cases[] = {
      {"", 22809, true},
      {">=2.24", 22403, true},
      {">=2.24", 22399, false},
      {"<=2.13", 21304, true},
      {"<=2.13", 21400, false},
      {"<=2.13.1", 21304, false},
      {"2.18.1-2.22.3", 21801, true},
      {"2.18.1-2.22.3", 22204, false},
      {">=2.30", 0, true},
  };
  for (const Case& c : cases)
    EXPECT_EQ(version_in(c.range, c.version), c.in) << c.range << " " << c.version;
}

TEST(Versions, WhatIsARange) {
  for (const char* good : {"", ">=2.4", "<=2.13", "2.4-2.5"})
    EXPECT_TRUE(is_version_range(good)) << good;
  for (const char* bad : {"2.4", ">2.4", ">=", "2.4-", "new"})
    EXPECT_FALSE(is_version_range(bad)) << bad;
}

}  // namespace
}  // namespace rankdx
