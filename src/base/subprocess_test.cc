#include "base/subprocess.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace rankdx {
namespace {

using std::chrono::milliseconds;

std::string ran(std::vector<std::string> argv, std::string_view input = {}) {
  const auto r =
      run_child({std::move(argv), {{"RANKDX_TEST", "v"}}}, milliseconds(5000), 1 << 20, input);
  if (!r) return r.error().text;
  return std::to_string(r->exit_code) + "|" + r->out + "|" + r->err;
}

TEST(Subprocess, exit_code_output_and_input) {
  EXPECT_EQ(ran({"sh", "-c", "echo out; echo err >&2; exit 7"}), "7|out\n|err\n");
  EXPECT_EQ(ran({"sh", "-c", "kill -9 $$"}), "137||");
  EXPECT_EQ(ran({"cat"}), "0||");  // standard input is empty, not the terminal
  EXPECT_EQ(ran({"cat"}, "abc"), "0|abc|");
  EXPECT_EQ(ran({"printenv", "RANKDX_TEST"}), "0|v\n|");
  EXPECT_EQ(ran({"printf", "%s|", "$(id)", "; rm", "a b"}), "0|$(id)|; rm|a b||");
  EXPECT_EQ(ran({"no-such-program-anywhere"}), "program not found in PATH");
  EXPECT_EQ(ran({}), "no program named");
}

TEST(Subprocess, limits) {
  const auto slow = run_child({{"sleep", "60"}, {}}, milliseconds(60));
  ASSERT_TRUE(slow);
  EXPECT_TRUE(slow->timed_out);
  EXPECT_EQ(slow->exit_code, 143);
  const auto big = run_child({{"head", "-c", "300000", "/dev/zero"}, {}}, milliseconds(5000), 1000);
  ASSERT_TRUE(big);
  EXPECT_EQ(big->out.size(), 1000u);
  EXPECT_TRUE(big->truncated);
  // A grandchild that keeps the pipe does not keep us.
  const auto start = std::chrono::steady_clock::now();
  const auto left = run_child({{"sh", "-c", "sleep 3 & echo x"}, {}}, milliseconds(2500));
  EXPECT_EQ(left->out, "x\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2000));
}

TEST(Subprocess, a_child_that_ignores_sigterm_is_killed) {
  auto child =
      Child::start({{"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"}, {}});
  ASSERT_TRUE(child);
  char block[16];
  while (::read(child->out(), block, sizeof block) < 0) usleep(1000);
  EXPECT_TRUE(child->running());
  child->stop(milliseconds(30));
  EXPECT_EQ(child->exit_code(), 137);
}

}  // namespace
}  // namespace rankdx
