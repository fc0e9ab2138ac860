#include "base/check.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

CheckReport report(std::vector<CheckStatus> checks, std::vector<Severity> findings) {
  CheckReport r;
  for (CheckStatus s : checks) r.checks.push_back({"a", s, "", "", ""});
  for (Severity s : findings) r.findings.push_back(Finding{.severity = s});
  return r;
}

TEST(Check, VerdictAndExitCode) {
  using enum CheckStatus;
  struct Case {
    CheckReport report;
    CheckStatus verdict;
    int code;
  };
  const Case cases[] = {
      {report({}, {}), Ok, 0},
      {report({Ok, Unknown}, {}), Ok, 0},
      {report({Unknown}, {}), Unknown, 3},
      {report({Ok, Warning}, {}), Warning, 0},
      {report({Unknown}, {Severity::Warning}), Warning, 0},
      {report({Ok}, {Severity::Error}), Failed, 1},
      {report({Ok, Failed}, {Severity::Info}), Failed, 1},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(verdict_of(c.report), c.verdict);
    EXPECT_EQ(exit_code_of(verdict_of(c.report)), c.code);
  }
  EXPECT_EQ(exit_code_of(Warning, FailOn::Warning), 1);
  EXPECT_EQ(exit_code_of(Failed, FailOn::Never), 0);
}

}  // namespace
}  // namespace rankdx
