#include "present/table.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

TEST(Table, FitsAndLeavesEmptyColumnsOut) {
  Table t({"rank", "host", "pod", "stage"});
  t.add({"0", "gpu-worker-01", "", "init"});
  t.add({"10", "b", "", "connect"});
  EXPECT_EQ(
      t.text(80),
      "rank  host           stage\n0     gpu-worker-01  init\n10    b              connect\n");
  EXPECT_EQ(t.text(24, "  "),
            "  rank  host     stage\n  0     gpu-wo…  init\n  10    b        connect\n");
  EXPECT_EQ(t.text(12), "rank  host\n0     gpu-w…\n10    b\n");
}

TEST(Table, OneHugeCellTakesNoTime) {
  Table t({"a", "b"});
  t.add({std::string(1 << 20, 'x'), "second"});
  EXPECT_EQ(t.text(20), "a             b\nxxxxxxxxxxx…  second\n");
  EXPECT_EQ(t.natural_width(), (1u << 20) + 8);
}

}  // namespace
}  // namespace rankdx
