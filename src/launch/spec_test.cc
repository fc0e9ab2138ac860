#include "launch/spec.h"

#include <gtest/gtest.h>

#include "launch/spec_toml.h"
#include "launch/test_specs.h"

namespace rankdx {
namespace {

constexpr const char* kGood =
    "model = \"m\"\nimage = \"i:v0.20.0\"\nnodes = 2\ngpus_per_node = 8\ntensor_parallel = "
    "8\npipeline_parallel = 2\n"
    "hosts = [\"10.0.0.1\", \"10.0.0.2\"]\n";

/// The errors of kGood with more lines (later keys replace earlier ones), as "field: text".
std::string errors_of(const std::string& more, Launcher launcher = Launcher::Lws) {
  auto spec = read_launch_toml(kGood, "t");
  const auto applied = apply_launch_toml(more, "t", *spec);
  if (!applied) return to_string(applied.error());
  std::string out;
  for (const Error& e : check_spec(normalised(*spec, launcher), launcher)) {
    out += (out.empty() ? "" : "\n") + e.place + ": " + e.text;
  }
  return out;
}

TEST(LaunchToml, ComesBackEqual) {
  for (const Launcher launcher : kEveryLauncher) {
    SpecMaker maker(5);
    for (int i = 0; i < 40; ++i) {
      const LaunchSpec spec = maker.make(launcher);
      const auto back = read_launch_toml(to_launch_toml(spec), "launch.toml");
      ASSERT_TRUE(back) << to_string(back.error()) << to_launch_toml(spec);
      EXPECT_EQ(*back, spec) << to_launch_toml(spec);
    }
  }
}

TEST(LaunchToml, ErrorsNameLineAndWayOut) {
  for (const auto& [text, want] : std::vector<std::pair<std::string, std::string>>{
           {"a = 1\n", "t:1: unknown key a"},
           {"\nmodle = \"x\"", "t:2: unknown key modle (did you mean model?)"},
           {"model = 3", "t:1: model is no text"},
           {"nodes = \"2\"", "t:1: nodes is no whole number"},
           {"air_gapped = 1", "t:1: air_gapped is neither true nor false"},
           {"network = \"wifi\"", "t:1: network is ethernet, roce, infiniband or efa"},
           {"hosts = [1]", "t:1: hosts is no text"},
           {"hosts = \"a\"", "t:1: hosts is no list of texts"},
           {"[storage]\nkind = \"s3\"", "t:2: kind is none, pvc, host-path or nfs"},
           {"[storge]\n", "t:1: unknown key storge (did you mean storage?)"},
           {"[env]\nA = [1]", "t:2: A is no text"}}) {
    const auto spec = read_launch_toml(text, "t");
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(to_string(spec.error()), want);
  }
  EXPECT_FALSE(read_launch_toml("a = [", "t"));
}

TEST(CheckSpec, OneSentencePerMistake) {
  for (const auto& [more, want] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"nodes = 3",
            "nodes: 3 nodes x 8 GPUs are 24 GPUs, but 8 tensor x 2 pipeline x 1 data parallel "
            "ranks need 16"},
           {"name = \"A_b\"",
            "name: is no DNS label of at most 50 lower-case letters, digits and '-'"},
           {"namespace = \"a.b\"", "namespace: is no DNS label"},
           {"model = \"\"", "model: is missing"},
           {"model = \"-x\"", "model: begins with '-' or holds a control character"},
           {"model = \"a\\u0007b\"", "model: begins with '-' or holds a control character"},
           {"image = \"\"", "image: is missing"},
           {"image = \"a b\"", "image: holds characters that no image name has"},
           {"vllm_version = \"new\"", "vllm_version: is no version"},
           {"port = 0", "port: 0 is not within 1 and 65535"},
           {"gid = 5", "gid: is set without uid"},
           {"shm_size = \"lots\"", "shm_size: is no size"},
           {"rdma_resource = \"x\"", "rdma_resource: is no resource"},
           {"vllm_version = \"0.11.0\"\nexecutor = \"mp\"",
            "vllm_version: vLLM 0.11.0 has no --nnodes, which this launch needs"},
           {"extra_args = [\"--port\", \"1\"]",
            "extra_args: --port has a key of its own in launch.toml"},
           {"extra_args = [\"-tp=1\"]", "extra_args: -tp has a key of its own in launch.toml"},
           {"extra_args = [\"--disable-log-requests\"]",
            "extra_args: vLLM 0.20.0 has no --disable-log-requests"},
           {"[env]\nVLLM_HOST_IP = \"1\"",
            "env: VLLM_HOST_IP is set by the launcher for each node"},
           {"[env]\n\"A B\" = \"1\"", "env: holds a name that is no variable's"},
           {"[storage]\nkind = \"pvc\"\nsource = \"m\"\npath = \"m\"",
            "storage: path is no absolute path"},
           {"[storage]\nkind = \"pvc\"\nsource = \"m\"\npath = \"/tmp\"",
            "storage: path would hide a directory that the container needs"},
           {"[storage]\nkind = \"nfs\"\nsource = \"m\"\npath = \"/m\"",
            "storage: source is no NFS export"},
           {"[storage]\npath = \"/m\"", "storage: has values but no kind"},
           {"tensor_parallel = 1\npipeline_parallel = 1\ndata_parallel = 16", ""},
           {"profile = \"debug\"\n[storage]\nkind = \"pvc\"\nsource = \"m\"\npath = \"/logs\"",
            "logs: path is that of storage"},
           {"profile = \"debug\"\n[storage]\nkind = \"pvc\"\nsource = \"vllm-logs\"\npath = \"/m\"",
            "logs: source is the claim of storage, and a size would create it twice"},
           {"tensor_parallel = 16\npipeline_parallel = 1\nnodes = 4\ndata_parallel = 2",
            "data_parallel: a replica must fit on one node when nodes share a data parallel "
            "launch"}}) {
    EXPECT_EQ(errors_of(more), want) << more;
  }
  EXPECT_EQ(errors_of("hosts = [\"a\"]", Launcher::Docker), "hosts: names 1 hosts for 2 nodes");
  EXPECT_EQ(errors_of("hosts = [\"a\", \"b;c\"]", Launcher::Ssh),
            "hosts: holds something that is no host name or address");
  EXPECT_EQ(errors_of("executor = \"mp\"", Launcher::Kuberay), "executor: KubeRay runs Ray");
  EXPECT_EQ(errors_of("[storage]\nkind = \"pvc\"\nsource = \"m\"\npath = \"/m\"", Launcher::Docker),
            "storage: a claim is for Kubernetes only");
}

TEST(Spec, VersionOfImage) {
  for (const auto& [image, want] :
       std::vector<std::pair<std::string, std::string>>{{"vllm/vllm-openai:v0.11.0", "0.11.0"},
                                                        {"r:5000/v", ""},
                                                        {"r:5000/v:0.9.1", "0.9.1"},
                                                        {"v:latest", ""},
                                                        {"v", ""},
                                                        {"v:v0.20.0@sha256:ab", "0.20.0"},
                                                        {"v:nightly", ""},
                                                        {"v:0.8.5.post1", "0.8.5.post1"}}) {
    EXPECT_EQ(version_of_image(image), want) << image;
  }
}

TEST(Spec, ExecutorByVersionAndLauncher) {
  LaunchSpec s;
  s.nodes = 2;
  for (const auto& [version, launcher, want] :
       std::vector<std::tuple<const char*, Launcher, Executor>>{
           {"0.11.0", Launcher::Lws, Executor::Ray},
           {"0.12.0", Launcher::Lws, Executor::Mp},
           {"", Launcher::Slurm, Executor::Mp},
           {"0.20.0", Launcher::Kuberay, Executor::Ray}}) {
    s.vllm_version = version;
    EXPECT_EQ(normalised(s, launcher).executor, want) << version;
  }
}

TEST(Spec, Advice) {
  LaunchSpec s;
  s.image = "i:v0.20.0";
  EXPECT_EQ(advice_for(normalised(s, Launcher::Lws), Launcher::Lws), std::vector<std::string>{});
  s.image = "r:5000/i";
  s.network = NetworkKind::Roce;
  s.uid = 5;
  EXPECT_EQ(advice_for(normalised(s, Launcher::Lws), Launcher::Lws).size(), 3u);
  s.vllm_version = "0.20.0";
  s.env = {{"VLLM_ATTENTION_BACKEND", "X"}, {"VLLM_PORT", "1"}};
  EXPECT_EQ(advice_for(normalised(s, Launcher::Slurm), Launcher::Slurm).back(),
            "vLLM 0.20.0 no longer reads VLLM_ATTENTION_BACKEND");
}

TEST(Spec, UnusedFields) {
  LaunchSpec s;
  s.hosts = {"a"};
  s.partition = "gpu";
  s.uid = 5;
  EXPECT_EQ(unused_fields(s, Launcher::Lws), (std::vector<std::string>{"hosts", "partition"}));
  EXPECT_EQ(unused_fields(s, Launcher::Slurm), (std::vector<std::string>{"hosts", "uid"}));
}

}  // namespace
}  // namespace rankdx
