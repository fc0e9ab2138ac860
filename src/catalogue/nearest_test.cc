#include "catalogue/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace rankdx {
namespace {

TEST(Nearest, EditDistance) {
  EXPECT_EQ(edit_distance("NCCL_DEBUG", "nccl_debug", 3), 0);
  EXPECT_EQ(edit_distance("NCCL_DEBGU", "NCCL_DEBUG", 3), 1);
  EXPECT_EQ(edit_distance("NCCL_DEBG", "NCCL_DEBUG", 3), 1);
  EXPECT_EQ(edit_distance("NCCL_DEBUUG", "NCCL_DEBUG", 3), 1);
  EXPECT_EQ(edit_distance("NCCL_DEBIG", "NCCL_DEBUG", 3), 1);
  EXPECT_EQ(edit_distance("kitten", "sitting", 3), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting", 2), 3);
  EXPECT_EQ(edit_distance("", "abc", 3), 3);
  EXPECT_EQ(edit_distance("", "abcd", 3), 4);
  EXPECT_EQ(edit_distance(std::string(300, 'a'), std::string(299, 'a'), 3), 4);
}

TEST(Nearest, NearestFirst) {
  const std::string_view table[] = {"NCCL_IB_TC", "NCCL_IB_SL", "NCCL_NET", "NCCL_ALGO"};
  EXPECT_EQ(nearest("NCCL_IB_SLL", table),
            (std::vector<std::string_view>{"NCCL_IB_SL", "NCCL_IB_TC"}));
  EXPECT_EQ(nearest("NCCL_IB_SLL", table, 1), (std::vector<std::string_view>{"NCCL_IB_SL"}));
  EXPECT_EQ(nearest("MASTER_ADDR", table), (std::vector<std::string_view>{}));
  EXPECT_EQ(nearest("", table), (std::vector<std::string_view>{}));
}

}  // namespace
}  // namespace rankdx
