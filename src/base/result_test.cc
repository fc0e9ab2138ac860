#include "base/result.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

TEST(Result, ErrorAsOneLine) {
  const ErrorCode code = ErrorCode::Unreadable;
  EXPECT_EQ(to_string(Error{code, "no such file", "a.log", "check the path"}),
            "a.log: no such file (check the path)");
  EXPECT_EQ(to_string(Error{code, "no such file", "a.log", ""}), "a.log: no such file");
  EXPECT_EQ(to_string(Error{code, "no input", "", "name a log"}), "no input (name a log)");
  EXPECT_EQ(to_string(Error{code, "no input", "", ""}), "no input");
}

Result<int> half(int value) {
  if (value % 2) return fail(ErrorCode::Usage, "odd");
  return value / 2;
}

Result<int> quarter(int value) { return half(RANKDX_TRY(half(value))); }

TEST(Result, TryPassesTheErrorOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().text, "odd");
  EXPECT_EQ(quarter(5).error().code, ErrorCode::Usage);
}

}  // namespace
}  // namespace rankdx
