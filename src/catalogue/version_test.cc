#include "catalogue/version.h"

#include <gtest/gtest.h>

#include "catalogue/data.h"

namespace rankdx {
namespace {

Version v(std::string_view text) { return parse_version(text).value(); }

TEST(Version, Parse) {
  EXPECT_EQ(to_string(v("2.28.9+cuda13.0")), "2.28.9");
  EXPECT_EQ(to_string(v("v2.18.5-1")), "2.18.5");
  EXPECT_EQ(to_string(v("2.4")), "2.4");
  EXPECT_EQ(to_string(v("0.10.1rc1")), "0.10.1rc1");
  EXPECT_EQ(to_string(v("0.8.5.post1")), "0.8.5.post1");
  EXPECT_EQ(to_string(v("0.11.0.dev3+g12ab")), "0.11.0.dev3");
  EXPECT_EQ(to_string(v("main-2026-08-17")), "main-2026-08-17");
}

TEST(Version, NoVersion) {
  for (const char* text : {"", "v", "abc", "2.", "2.x", "2.4 ", " 2.4", "1.2.3.4.5", "9999999999.1",
                           "main-", "main-2026-13-01", "main-2026-08", "-1", "+cuda"}) {
    EXPECT_FALSE(parse_version(text)) << text;
  }
}

TEST(Version, Order) {
  const std::vector<std::string_view> ascending = {
      "0.6.0",  "0.8.5", "0.8.5.post1", "0.10.1.dev3", "0.10.1rc1",       "0.10.1rc2",
      "0.10.1", "0.11",  "2.4.8",       "2.18.1",      "main-2026-07-01", "main-2026-08-17"};
  for (size_t i = 0; i + 1 < ascending.size(); ++i)
    EXPECT_LT(v(ascending[i]), v(ascending[i + 1])) << ascending[i];
  EXPECT_EQ(v("2.18.5+cuda12.2"), v("2.18.5"));
  EXPECT_EQ(v("0.11"), v("v0.11.0"));
}

TEST(Version, Code) {
  EXPECT_EQ(to_string(*nccl_version_from_code(21805)), "2.18.5");
  EXPECT_EQ(to_string(*nccl_version_from_code(2408)), "2.4.8");
  EXPECT_EQ(to_string(*nccl_version_from_code(23007)), "2.30.7");
  EXPECT_FALSE(nccl_version_from_code(0));
  EXPECT_FALSE(nccl_version_from_code(1000000));
}

struct InRange {
  std::string_view range, version;
  bool inside;
};

TEST(VersionRange, Contains) {
  const InRange cases[] = {
      {"", "2.4.8", true},
      {">=2.4", "2.4.0", true},
      {">=2.4", "2.3.7", false},
      {"<=2.3.5", "2.3.5", true},
      {"<=2.3.5", "2.3.7", false},
      {"<=2.22", "2.22.3", true},
      {"<2.22", "2.22.3", false},
      {">2.22", "2.22.3", false},
      {">2.22", "2.23.4", true},
      {">=2.18,<2.23", "2.17.1", false},
      {">=2.18,<2.23", "2.22.3", true},
      {">=2.18,<2.23", "2.23.4", false},
      {"2.18.1-2.22.3", "2.18.1+cuda12.1", true},
      {"2.18.1-2.22.3", "2.22.3", true},
      {"2.18.1-2.22.3", "2.23.4", false},
      {"2.18-2.20", "2.20.5", true},
      {"2.24+", "2.24.3", true},
      {"2.24+", "2.23.4", false},
      {"2.10.3-2.12.12,2.14.3-2.29.3", "2.13.4", false},
      {"2.10.3-2.12.12,2.14.3-2.29.3", "2.14.3", true},
      {"2.24.3,2.27.3-2.28.9", "2.24.3", true},
      {"2.24.3,2.27.3-2.28.9", "2.25.1", false},
      {"2.29.7", "2.29.7", true},
      {"2.29.7", "2.30.3", false},
      {"2.29", "2.29.7", true},
      {"v0.7.3..main-2026-08-17", "0.7.3", true},
      {"v0.7.3..main-2026-08-17", "0.99.0", true},
      {"v0.7.3..main-2026-08-17", "0.7.2", false},
      {"v0.6.0..v0.9.2", "0.9.2", true},
      {"v0.6.0..v0.9.2", "0.10.0", false},
      {"v0.6.0..v0.9.2", "0.10.0rc1", false},
      {"main-2026-08-17", "0.26.0", false},
      {"main-2026-08-17", "main-2026-08-17", true},
  };
  for (const InRange& c : cases) {
    const auto range = VersionRange::parse(c.range);
    ASSERT_TRUE(range) << c.range;
    EXPECT_EQ(range->contains(v(c.version)), c.inside) << c.range << " with " << c.version;
  }
}

TEST(VersionRange, NotARange) {
  for (const char* text :
       {"abc", "2.4-", "-2.4", "2.5-2.4", ">=", ">=x", ",", "2.4,,2.5", "1..2..3"}) {
    EXPECT_FALSE(VersionRange::parse(text)) << text;
  }
}

TEST(VersionRange, Ends) {
  const auto ends = VersionRange::parse("2.10.3-2.12.12,2.14.3-2.29.3");
  EXPECT_EQ(to_string(*ends->first()), "2.10.3");
  EXPECT_EQ(to_string(*ends->last()), "2.29.3");
  EXPECT_FALSE(VersionRange::parse("<=2.3.5")->first());
  EXPECT_FALSE(VersionRange::parse("v0.7.3..main-2026-08-17")->last());
  EXPECT_TRUE(VersionRange::parse("")->any());
}

/// Every range of the tables is understood.
TEST(VersionRange, Tables) {
  const std::pair<const char*, size_t> columns[] = {
      {"info-events", 8}, {"warn-catalogue", 1}, {"vllm-envs", 1}, {"vllm-flags", 1}};
  for (const auto& [table, column] : columns) {
    for (const TsvRow& row : tsv_rows(data_file(table))) {
      ASSERT_GT(row.size(), column) << table << " " << row[0];
      EXPECT_TRUE(VersionRange::parse(row[column]))
          << table << " " << row[0] << ": " << row[column];
    }
  }
}

}  // namespace
}  // namespace rankdx
