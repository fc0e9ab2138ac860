#include "probe/within.h"

#include <gtest/gtest.h>

#include <memory>

#include "present/check_report.h"
#include "probe/pod/test_root.h"

namespace rankdx {
namespace {

using namespace std::chrono_literals;

TEST(Within, WorkThatHangsIsLeftAlone) {
  const auto gate = std::make_shared<std::promise<int>>();
  const std::shared_future<int> never = gate->get_future();
  EXPECT_EQ(within(1ms, [never] { return never.get(); }), std::nullopt);
  gate->set_value(1);  // the thread ends
  EXPECT_EQ(within(60s, [never] { return never.get() + 1; }), 2);
}

TEST(Within, CheckSaysTheSameInTime) {
  const TestRoot root;
  root.add({{"/proc/self/limits", "Max locked memory 65536 65536 bytes\n"},
            {"/etc/hosts", "127.0.0.1 localhost\n"}});
  const HostView host(root.path());
  const PodOptions options;
  EXPECT_EQ(check_json(check_pod_within({60s, 60s}, host, options)),
            check_json(check_pod(host, options)));
}

TEST(Within, CheckWithoutTimeSaysSo) {
  const TestRoot root;
  PodOptions options;
  options.only = {"shm", "limits"};
  // Less than no time: nothing is waited for.
  const CheckReport report = check_pod_within({-1s, -1s}, HostView(root.path()), options);
  for (const CheckResult& c : report.checks) {
    if (c.id != "shm" && c.id != "limits") continue;
    EXPECT_EQ(c.status, CheckStatus::Unknown) << c.id;
  }
}

}  // namespace
}  // namespace rankdx
