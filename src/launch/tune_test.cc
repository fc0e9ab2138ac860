#include "launch/tune.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "launch/generate.h"
#include "launch/rewrite.h"
#include "launch/test_specs.h"

namespace rankdx {
namespace {

LaunchSpec debug_launch() {
  LaunchSpec s;
  s.model = "/models/m";
  s.image = "vllm/vllm-openai:v0.20.0";
  s.nodes = 2;
  s.gpus_per_node = s.tensor_parallel = 8;
  s.pipeline_parallel = 2;
  s.profile = Profile::Debug;
  return s;
}

Seen healthy(const char* transport = "NET/Socket/0") {
  Seen seen;
  seen.verdict = "healthy";
  seen.nccl_versions = {"2.28.9"};
  seen.links = {{0, 1, "P2P/CUMEM", true}, {7, 8, transport, false}};
  return seen;
}

Tuned tuned(const LaunchSpec& spec, const Seen& seen, const SeenFit* fit = nullptr) {
  return tune(normalised(spec, Launcher::Lws), Launcher::Lws, seen, fit);
}

/// "before -> after (reason)" of a change, or "no change".
std::string change(const Tuned& t, std::string_view name) {
  for (const Change& c : t.changes) {
    if (c.name == name)
      return c.before.value_or("-") + " -> " + c.after.value_or("-") + " (" + c.reason + ")";
  }
  return "no change";
}

bool noted(const Tuned& t, std::string_view part) {
  return std::any_of(t.notes.begin(), t.notes.end(),
                     [&](const auto& n) { return n.find(part) != n.npos; });
}

TEST(Tune, SocketThreadsOnlyWhereTcpWasSeen) {
  const Tuned tcp = tuned(debug_launch(), healthy());
  EXPECT_EQ(change(tcp, "NCCL_SOCKET_NTHREADS"),
            "- -> 4 (TCP carries the traffic between hosts (rank 7 -> 8 via NET/Socket/0): 4 "
            "threads x 4 sockets, far below "
            "NCCL's limit of 64; costs CPU)");
  EXPECT_EQ(change(tcp, "nccl_version"), "- -> 2.28.9 (the logs print it)");
  const Tuned rdma = tuned(debug_launch(), healthy("NET/IB/0/GDRDMA"));
  EXPECT_EQ(change(rdma, "NCCL_SOCKET_NTHREADS"), "no change");
  EXPECT_EQ(change(rdma, "network"),
            "ethernet -> roce (RDMA was used (rank 7 -> 8 via NET/IB/0/GDRDMA); the logs do not "
            "tell RoCE from InfiniBand)");
}

TEST(Tune, LeftoversGoWithTheirReason) {
  LaunchSpec s = debug_launch();
  s.env = {{"NCCL_P2P_DISABLE", "1"},
           {"CUDA_LAUNCH_BLOCKING", "1"},
           {"NCCL_IB_GID_INDEX", "3"},
           {"MY_OWN", "1"},
           {"NCCL_DEBUG", "TRACE"}};
  s.extra_args = {"--enforce-eager", "--max-model-len", "8192", "--disable-log-requests"};
  const Tuned t = tuned(s, healthy());
  EXPECT_EQ(change(t, "NCCL_P2P_DISABLE"),
            "1 -> - (takes NVLink and PCIe peer access away: a test, not a setting)");
  EXPECT_EQ(change(t, "CUDA_LAUNCH_BLOCKING"),
            "1 -> - (every kernel is waited for: several times slower)");
  EXPECT_NE(change(t, "NCCL_IB_GID_INDEX"), "no change");
  EXPECT_EQ(change(t, "NCCL_DEBUG"),
            "TRACE -> WARN (the log level of debugging; the profile sets WARN)");
  EXPECT_EQ(t.spec.env, (std::map<std::string, std::string>{{"MY_OWN", "1"}}));
  EXPECT_EQ(t.spec.extra_args, (std::vector<std::string>{"--max-model-len", "8192"}));
}

TEST(Tune, RdmaThatWasNotUsedIsSaid) {
  LaunchSpec s = debug_launch();
  s.network = NetworkKind::Roce;
  s.env = {{"NCCL_IB_DISABLE", "1"}};
  const Tuned t = tuned(s, healthy());
  EXPECT_TRUE(noted(t,
                    "the launch says roce, but traffic between hosts went over TCP (rank 7 -> 8 "
                    "via NET/Socket/0)"));
  EXPECT_EQ(change(t, "NCCL_IB_DISABLE"),
            "1 -> - (switches RDMA off, and the launch says roce: rank 7 -> 8 via NET/Socket/0)");
  s.network = NetworkKind::Ethernet;
  const Tuned ethernet = tuned(s, healthy());
  EXPECT_EQ(change(ethernet, "NCCL_IB_DISABLE"), "no change");
  EXPECT_TRUE(noted(ethernet, "NCCL_IB_DISABLE=1 stays"));
}

TEST(Tune, NotesWhatAPersonMustDecide) {
  Seen seen = healthy();
  seen.nccl_versions = {"2.27.7", "2.28.9"};
  seen.links[0].transport = "SHM/direct/direct";
  seen.problems = {"nic-slow: one link is slow"};
  const Tuned t = tuned(debug_launch(), seen);
  EXPECT_TRUE(noted(t, "several NCCL versions (2.27.7, 2.28.9)"));
  EXPECT_TRUE(noted(t, "SHM inside one node (rank 0 -> 1 via SHM/direct/direct)"));
  EXPECT_TRUE(noted(t, "the diagnosis still reports nic-slow: one link is slow"));
  Seen nothing;
  nothing.verdict = "healthy";
  EXPECT_TRUE(noted(tuned(debug_launch(), nothing), "the logs show no link between hosts"));
}

TEST(Tune, MemoryFlagsComeFromTheFit) {
  SeenFit fit{
      "does-not-fit", "131072 tokens need 40 GiB, 19 GiB are free", {"--max-model-len 32768"}};
  LaunchSpec s = debug_launch();
  s.extra_args = {"--max-model-len", "131072"};
  const Tuned t = tuned(s, healthy(), &fit);
  EXPECT_EQ(change(t, "--max-model-len"),
            "131072 -> 32768 (memory: 131072 tokens need 40 GiB, 19 GiB are free)");
  EXPECT_EQ(t.spec.extra_args, (std::vector<std::string>{"--max-model-len", "32768"}));
}

TEST(Tune, EveryLauncherIsRewritten) {
  for (const Launcher launcher : kEveryLauncher) {
    SpecMaker maker(3);
    for (int i = 0; i < 20; ++i) {
      LaunchSpec spec = maker.make(launcher);
      spec.profile = Profile::Debug;
      auto files = generate(spec, launcher);
      ASSERT_TRUE(files);
      for (LaunchFile& file : *files) file.name = "mine-" + file.name;
      const auto read = read_back(*files, launcher);
      ASSERT_TRUE(read);
      const Tuned t = tune(*read, launcher, healthy(), nullptr);
      const auto out = rewritten(*files, *read, t, launcher);
      ASSERT_TRUE(out) << to_string(out.error());
      EXPECT_TRUE((*out)[0].name.starts_with("mine-"));
      const auto back = read_back(*out, launcher);
      ASSERT_TRUE(back);
      EXPECT_EQ(*back, t.spec);
      for (const LaunchFile& file : *out)
        EXPECT_EQ(file.text.find("NCCL_DEBUG_FILE"), std::string::npos);
    }
  }
}

TEST(Changes, Diff) {
  const LaunchFiles a = {{"f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"}},
                    b = {{"f", "1\n2\n3\n4\nX\n6\n7\n8\n9\nY\n"}};
  EXPECT_EQ(unified_diff(a, b, "a/", "b/"),
            "--- a/f\n+++ b/f\n@@ -2,8 +2,9 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n 9\n+Y\n");
  EXPECT_EQ(unified_diff(a, a, "a/", "b/"), "");
}

TEST(Seen, ReadsADiagnosis) {
  const auto seen = read_diagnosis(
      R"({"schema":"rankdx.diagnosis/1","verdict":"warning",
          "findings":[{"id":"x","severity":"warning","title":"t"},
                      {"id":"n","severity":"info","title":"i"}],
          "job":{"nccl_versions":[{"version":"2.28.9"}],"vllm_version":null,
            "hosts":[{"name":"a","network":"IB"},{"name":"b","network":null}],
            "communicators":[{"links":[
              {"from":0,"to":2,"transport":"NET/IB/0","same_host":false},
              {"from":0,"to":1,"transport":"P2P","same_host":null}]}]}})",
      "d.json");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->problems, std::vector<std::string>{"x: t"});
  EXPECT_EQ(seen->networks, (std::map<std::string, std::string>{{"a", "IB"}}));
  ASSERT_EQ(seen->links.size(), 1u);
  EXPECT_EQ(seen->links[0].transport, "NET/IB/0");
  for (const char* bad :
       {"", "{", "[]", "{}", "null", R"({"schema":"rankdx.check/1"})", R"({"schema":3})"}) {
    EXPECT_FALSE(read_diagnosis(bad, "d.json")) << bad;
  }
  for (const char* odd :
       {R"({"schema":"rankdx.diagnosis/1","job":3})",
        R"({"schema":"rankdx.diagnosis/1","job":{"communicators":"x","hosts":[1,null]}})"}) {
    EXPECT_TRUE(read_diagnosis(odd, "d.json")) << odd;
  }
}

}  // namespace
}  // namespace rankdx
