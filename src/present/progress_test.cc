#include "present/progress.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

TEST(Progress, Text) {
  struct Case {
    ProgressState state;
    int width;
    std::string out;
  };
  const Case cases[] = {
      {{0, 0, 0, Unit::Bytes}, 80, "reading 0 B"},
      {{1'200'000'000, 4'000'000'000, 1.5, Unit::Bytes},
       80,
       "[######..............] reading 1.2 GB of 4.0 GB, 800 MB/s, 4 s left"},
      {{1'200'000'000, 4'000'000'000, 1.5, Unit::Bytes},
       50,
       "reading 1.2 GB of 4.0 GB, 800 MB/s, 4 s left"},
      {{1'200'000'000, 4'000'000'000, 1.5, Unit::Bytes}, 20, "reading 1.2 GB of …"},
      {{30, 60, 3600, Unit::Things},
       80,
       "[##########..........] reading 30 of 60, 0/s, 60 min left"},
      {{9, 8, 2, Unit::Things}, 80, "[####################] reading 9 of 8, 4/s"},
      {{1, UINT64_MAX, 1, Unit::Bytes},
       90,
       "[....................] reading 1 B of 18446744 TB, 1 B/s, 277778 h left"},
  };
  for (const Case& c : cases) EXPECT_EQ(progress_text("reading", c.state, c.width), c.out);
}

TEST(Progress, SilentWithoutATerminal) {
  testing::internal::CaptureStderr();
  {
    Progress p("reading", 100, Unit::Bytes, Progress::Show::Never);
    p.add(50);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace rankdx
