// Every result of `check pod|host` is tested as ok, as wrong and as unknown. Looked at when all
// tests of the checks have run in one process (ctest pod_states); a single one sees a part only.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "probe/pod/test_root.h"

namespace rankdx {
namespace {

/// What cannot happen, and why.
struct Never {
  std::string_view id;
  std::string_view state;  ///< "wrong" or "unknown"
  std::string_view why;
};
constexpr std::array<Never, 18> kNever = {{
    {"cuda-compat", "unknown", "only said where such a library is loaded"},
    {"dns", "wrong", "no name server is asked; host-name says what does not resolve"},
    {"gloo-interface", "unknown", "only said where the variable is set"},
    {"gpu-alive", "unknown", "a GPU that does not tell is lost; without a driver gpus says so"},
    {"gpu-nvlink", "unknown", "a driver that cannot tell and a GPU without links look alike"},
    {"interface-mtu", "wrong", "check mesh tells what the path carries"},
    {"interfaces", "wrong", "a list; nccl-interface judges it"},
    {"nccl-variables", "wrong", "a list; nccl-variables-... judge it"},
    {"nccl-variables", "unknown", "server-environment says whose variables these are"},
    {"nccl-variables-agree", "unknown", "likewise"},
    {"nccl-variables-debugging", "unknown", "likewise"},
    {"nccl-variables-known", "unknown", "likewise"},
    {"nccl-variables-valid", "unknown", "likewise"},
    {"rdma-disabled", "unknown", "likewise"},
    {"rdma-filter", "unknown", "without readable ports rdma-links says so"},
    {"rdma-gids", "unknown", "likewise"},
    {"rdma-kinds", "unknown", "likewise"},
    {"routes", "wrong", "check mesh tells which way lacks one"},
}};
constexpr std::string_view kServerEnvironment = "server-environment";  // unknown is its bad state

bool never(std::string_view id, std::string_view state) {
  return std::any_of(kNever.begin(), kNever.end(),
                     [&](const Never& n) { return n.id == id && n.state == state; });
}

class EveryState : public testing::Environment {
 public:
  void TearDown() override {
    if (std::getenv("RANKDX_EVERY_STATE") == nullptr) return;
    const StatesTested& all = states_tested();
    EXPECT_GT(all.given.size(), 40u);
    for (const std::string& id : all.given) {
      // Those of `model check` are that command's to test.
      if (id.starts_with("model-") && id != "model-files") continue;
      const auto found = all.tested.find(id);
      const std::set<CheckStatus> states =
          found == all.tested.end() ? std::set<CheckStatus>() : found->second;
      EXPECT_TRUE(states.count(CheckStatus::Ok)) << id << " is never tested as ok";
      const bool wrong = states.count(CheckStatus::Warning) || states.count(CheckStatus::Failed);
      EXPECT_TRUE(wrong || never(id, "wrong") || id == kServerEnvironment)
          << id << " is never tested as wrong";
      const bool unknown = states.count(CheckStatus::Unknown) > 0;
      EXPECT_TRUE(unknown || never(id, "unknown")) << id << " is never tested as unknown";
    }
  }
};

[[maybe_unused]] const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new EveryState);

/// All results, also of checks that no table of cases names.
TEST(PodStates, WholeReports) {
  for (const Scope scope : {Scope::Pod, Scope::Host}) {
    const TestRoot root;
    root.add({{"/etc/passwd", "root:x:0:0::/root:/bin/sh\n"}});
    PodOptions options;
    options.scope = scope;
    options.nvml_library = RANKDX_FAKE_NVML;
    setenv("FAKE_NVML", "", 1);
    for (const CheckResult& r : check_pod(HostView(root.path()), options).checks)
      states_tested().given.insert(r.id);
  }
}

}  // namespace
}  // namespace rankdx
