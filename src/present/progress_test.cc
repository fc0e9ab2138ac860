#include "present/progress.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

TEST(Progress, Lines) {
  struct Case {
    Progress now;
    double seconds;
    int width;
    const char* expected;
  };
  constexpr uint64_t kMega = 1'000'000, kGiga = 1'000'000'000;
  for (const Case& c : {
           Case{{250 * kMega, kGiga, 0, 1},
                0.5,
                100,
                "[#####...............]  25% 250 MB of 1.0 GB, 500 MB/s, 2 s left"},
           Case{{250 * kMega, kGiga, 0, 1}, 0.5, 50, "250 MB of 1.0 GB, 500 MB/s, 2 s left"},
           Case{{3 * kGiga, 0, 0, 1}, 2, 100, "3.0 GB, 1.5 GB/s"},
           Case{{kGiga, kGiga, 7, 8},
                1,
                100,
                "[####################] 100% 1.0 GB of 1.0 GB, 1.0 GB/s, 7 of 8 files"},
           Case{{2 * kGiga, kGiga, 0, 1},
                1,
                100,
                "[####################] 100% 2.0 GB of 1.0 GB, 2.0 GB/s"},
           Case{{kMega, 1000 * kGiga, 0, 1},
                1,
                100,
                "[....................]   0% 1 MB of 1.0 TB, 1 MB/s, 16667 min left"},
           Case{{}, 0, 100, "0 B, 0 B/s"},
           Case{{250 * kMega, kGiga, 0, 1}, 0.5, 12, "250 MB of 1"},
       }) {
    EXPECT_EQ(progress_line(c.now, c.seconds, c.width), c.expected);
  }
}

}  // namespace
}  // namespace rankdx
