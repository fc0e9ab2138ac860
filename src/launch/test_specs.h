// Specs for tests: one of each shape, and random ones that every launcher accepts.
#pragma once

#include <array>
#include <random>

#include "launch/spec.h"

namespace rankdx {

inline constexpr std::array kEveryLauncher = {
    Launcher::Runai,   Launcher::Lws,   Launcher::Kuberay, Launcher::Docker,
    Launcher::Compose, Launcher::Slurm, Launcher::Ssh};

/// Texts that break out of something when they are not quoted for it.
inline const std::vector<std::string> kHostileTexts = {
    "plain",
    "a b",
    "org/model; rm -rf /",
    "$(touch /tmp/x)",
    "`id`",
    "$HOME ${HOME} $$ $$(A) $(LWS_WORKER_INDEX)",
    "it's",
    "a\"b\\c",
    "x: y # z",
    "- item",
    "{a: b}",
    "[1, 2]",
    "*alias",
    "&anchor",
    "!tag",
    "%directive",
    "true",
    "1e3",
    "0x1f",
    "007",
    "null",
    "~",
    "2024-01-01",
    "a,b=c",
    "\xc3\xbcml\xc3\xa4ut \xe6\xa8\xa1\xe5\x9e\x8b",
    "'\\''",
    "end\\",
    "{\"k\": \"v\"}",
    "#hash",
    "a&b|c>d<e",
};

class SpecMaker {
 public:
  explicit SpecMaker(uint32_t seed) : random_(seed) {}

  LaunchSpec make(Launcher launcher) {
    LaunchSpec s;
    s.name = pick({"vllm", "llm-a", "m7"});
    s.space = pick({"default", "team-a"});
    s.model = pick({"org/model-7b", "/models/m", "/models/a b", hostile()});
    s.served_name = pick({"", "chat", hostile()});
    const bool bare = launcher == Launcher::Slurm || launcher == Launcher::Ssh;
    s.image = bare && one_in(2)
                  ? ""
                  : pick({"vllm/vllm-openai:v0.20.0", "registry.local:5000/team/vllm@sha256:abc"});
    s.vllm_version = pick({"", "0.12.0", "0.20.0", "0.9.2", "0.26.0"});
    s.nccl_version = pick({"", "2.18.5", "2.26.2", "2.28.9", "2.30.7"});
    parallelism(s, launcher);
    s.network = std::array{NetworkKind::Ethernet, NetworkKind::Roce, NetworkKind::Infiniband,
                           NetworkKind::Efa}[below(4)];
    s.interface = pick({"", "eth0", "^docker,lo", "=ens5"});
    if (one_in(3)) s.rdma_resource = "nvidia.com/hostdev=8";
    s.model_storage = storage(launcher, "/models");
    s.log_storage = one_in(3) ? storage(launcher, "/var/log/run") : Storage{};
    if (one_in(2)) s.uid = below(2000);
    if (s.uid && one_in(2)) s.gid = below(2000);
    s.air_gapped = one_in(2);
    s.host_network = one_in(3);
    s.profile = one_in(2) ? Profile::Debug : Profile::Production;
    s.port = one_in(2) ? 8000 : 1 + below(60000);
    s.master_port = one_in(2) ? 29501 : 1 + below(60000);
    s.shm_size = pick({"16Gi", "512Mi"});
    s.memory = pick({"", "200Gi"});
    s.load_minutes = one_in(2) ? 60 : 1 + below(300);
    for (int i = 0; i < s.nodes; ++i) {
      s.hosts.push_back((launcher == Launcher::Ssh && one_in(2) ? "root@" : "") +
                        std::string(i % 2 ? "node-" : "10.0.0.") + std::to_string(i + 1));
    }
    s.partition = pick({"", "gpu"});
    s.account = pick({"", "proj_1"});
    s.time_limit = pick({"", "12:00:00"});
    if (one_in(2)) s.extra_args = {"--max-model-len", "8192", "--chat-template", hostile()};
    if (one_in(3)) s.extra_args.push_back("--enforce-eager");
    if (one_in(2)) s.env = {{"NCCL_DEBUG", "INFO"}, {"MY_TEXT", hostile()}, {"EMPTY", ""}};
    return s;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  std::string pick(const std::vector<std::string>& from) { return from[random_() % from.size()]; }
  std::string hostile() {
    std::string text = pick(kHostileTexts);
    return text.starts_with('-') ? "x" + text : text;
  }

  void parallelism(LaunchSpec& s, Launcher launcher) {
    s.nodes = 1 + below(3);
    s.gpus_per_node = 1 << below(4);
    s.replicas = one_in(4) ? 2 : 1;
    s.expert_parallel = one_in(4);
    const bool dp = launcher != Launcher::Kuberay && one_in(3);
    s.tensor_parallel = dp ? 1 : s.gpus_per_node;
    s.data_parallel = dp ? s.nodes * s.gpus_per_node : 1;
    s.pipeline_parallel = dp ? 1 : s.nodes;
    if (!dp && one_in(4)) s.executor = Executor::Ray;
    if (s.nodes > 1 && s.vllm_version == "0.9.2" && launcher != Launcher::Kuberay)
      s.executor = dp ? Executor::Mp : Executor::Ray;
  }

  Storage storage(Launcher launcher, const std::string& path) {
    if (one_in(4)) return {};
    const bool pods = makes_pods(launcher);
    if (pods && one_in(2)) return {StorageKind::Pvc, "claim-a", path, "", ""};
    if (pods && one_in(3)) return {StorageKind::Pvc, "claim-b", path, "500Gi", "fast"};
    if (pods && one_in(3)) return {StorageKind::Nfs, "files.local:/export/m", path, "", ""};
    return {StorageKind::HostPath, "/data/m", path, "", ""};
  }

  std::mt19937 random_;
};

}  // namespace rankdx
