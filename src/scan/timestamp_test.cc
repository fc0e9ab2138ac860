#include "scan/timestamp.h"

#include <gtest/gtest.h>

#include <tuple>

namespace rankdx {
namespace {

TEST(Timestamp, Reads) {
  struct Case {
    std::string_view text;
    int64_t time_us;
    size_t size;
    bool zoned;
  };
  const Case cases[] = {
      {"1970-01-01 00:00:00", 0, 19, false},
      {"1969-12-31T23:59:59Z", -1'000'000, 20, true},
      {"2000-02-29T12:00:00Z rest", 951'825'600'000'000, 20, true},
      {"2024-12-31 23:59:60", 1'735'689'600'000'000, 19, false},
      {"2026-03-19T19:40:08.123456789Z", 1'773'949'208'123'456, 30, true},
      {"2026-03-19T19:40:08.5+02:00", 1'773'942'008'500'000, 27, true},
      {"2026-03-19T19:40:08-0130", 1'773'954'608'000'000, 24, true},
      {"2026-03-19 19:40:08,123]", 1'773'949'208'123'000, 23, false},
      {"2026-03-19 19:40:08. ", 1'773'949'208'000'000, 19, false},
      {"2026-03-19 19:40:08+2", 1'773'949'208'000'000, 19, false},
  };
  for (const Case& c : cases) {
    const auto stamp = parse_stamp(c.text);
    ASSERT_TRUE(stamp) << c.text;
    EXPECT_EQ(std::tuple(stamp->time_us, stamp->size, stamp->zoned),
              std::tuple(c.time_us, c.size, c.zoned))
        << c.text;
  }
}

TEST(Timestamp, Refuses) {
  for (std::string_view text :
       {"", "2026-03-19", "2026-03-19 19:40:0", "2026-13-19 19:40:08", "2026-03-32 19:40:08",
        "2026-00-19 19:40:08", "2026-03-19 24:40:08", "2026-03-19 19:60:08", "2026-03-19 19:40:61",
        "2026/03/19 19:40:08", "2026-03-19_19:40:08", "202a-03-19 19:40:08", "2026-03-1: 19:40:08",
        "2026-03-19 19:4/:08", "2026-03-19 1::40:08"}) {
    EXPECT_FALSE(parse_stamp(text)) << text;
  }
}

}  // namespace
}  // namespace rankdx
