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
}

}  // namespace
}  // namespace rankdx
