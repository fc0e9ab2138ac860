// One launch of vLLM over one or several nodes, described once for every launcher. Plain values,
// free to copy between threads. "" and 0 mean "not said"; normalised() fills in what a launcher
// needs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

enum class Launcher : uint8_t { Runai, Lws, Kuberay, Docker, Compose, Slurm, Ssh };
enum class NetworkKind : uint8_t { Ethernet, Roce, Infiniband, Efa };
enum class Profile : uint8_t { Debug, Production };
/// What carries vLLM's workers over nodes. Auto becomes Mp or Ray by launcher and version.
enum class Executor : uint8_t { Auto, Mp, Ray };
enum class StorageKind : uint8_t { None, Pvc, HostPath, Nfs };

/// Something mounted into every container.
struct Storage {
  StorageKind kind = StorageKind::None;
  std::string source;         ///< claim, directory of the host, or "server:/export"
  std::string path;           ///< where containers see it
  std::string size;           ///< "200Gi": the claim is created with it; "": it is there already
  std::string storage_class;  ///< of a claim that is created; "": the cluster's default
  bool operator==(const Storage&) const = default;
};

struct LaunchSpec {
  std::string name = "vllm";      ///< of the workload: a DNS label
  std::string space = "default";  ///< Kubernetes namespace, Run:ai project
  std::string model;              ///< hub name or directory inside the container
  std::string served_name;        ///< "": the model's own
  std::string image;              ///< "": vLLM is installed on the hosts (slurm, ssh)
  std::string vllm_version;       ///< "": taken from the image's tag; else the newest is assumed
  std::string nccl_version;       ///< "": unknown, the newest is assumed
  int nodes = 1;                  ///< pods or hosts of one group, the leader included
  int gpus_per_node = 1;
  int replicas = 1;  ///< independent groups; Kubernetes and Run:ai
  int tensor_parallel = 1;
  int pipeline_parallel = 1;
  int data_parallel = 1;
  bool expert_parallel = false;
  Executor executor = Executor::Auto;
  NetworkKind network = NetworkKind::Ethernet;
  std::string interface;      ///< NCCL's and gloo's; "": they choose
  std::string rdma_resource;  ///< "rdma/hca_shared_devices_a=1"; Kubernetes and Run:ai
  Storage model_storage;
  Storage log_storage;  ///< only used by the debug profile
  std::optional<int64_t> uid, gid;
  bool air_gapped = false;    ///< nothing may be fetched at start
  bool host_network = false;  ///< Kubernetes and Run:ai; docker always uses it
  Profile profile = Profile::Production;
  int port = 8000;
  int master_port = 29501;  ///< rendezvous of the mp executor over nodes
  std::string shm_size = "16Gi";
  std::string memory;              ///< limit of a container; "": none
  int load_minutes = 60;           ///< how long loading may take before a probe gives up
  std::vector<std::string> hosts;  ///< docker, compose, ssh: addresses, the leader first
  std::string partition, account, time_limit;  ///< Slurm
  std::vector<std::string> extra_args;         ///< of vllm serve
  std::map<std::string, std::string> env;      ///< beside and instead of the profile's
  bool operator==(const LaunchSpec&) const = default;
};

std::string_view to_string(Launcher launcher);
std::string_view to_string(NetworkKind network);
std::string_view to_string(Profile profile);
std::string_view to_string(Executor executor);
std::string_view to_string(StorageKind kind);
std::optional<Launcher> launcher_from(std::string_view word);
std::optional<NetworkKind> network_from(std::string_view word);
std::optional<Profile> profile_from(std::string_view word);
std::optional<Executor> executor_from(std::string_view word);
std::optional<StorageKind> storage_kind_from(std::string_view word);

inline bool is_rdma(NetworkKind network) { return network != NetworkKind::Ethernet; }
/// Launchers whose product is pods.
inline bool makes_pods(Launcher launcher) {
  return launcher == Launcher::Runai || launcher == Launcher::Lws || launcher == Launcher::Kuberay;
}
/// Whether vLLM runs in a container there.
bool in_container(const LaunchSpec& spec, Launcher launcher);

/// The version in an image's tag ("vllm/vllm-openai:v0.11.0" gives "0.11.0"), or "".
std::string version_of_image(std::string_view image);

/// What the launcher makes of the spec: defaults that depend on it filled in, fields that it has no
/// place for cleared. Reading a generated launch back gives exactly this.
LaunchSpec normalised(LaunchSpec spec, Launcher launcher);

/// Names of the fields that say something which normalised() dropped: "hosts", "partition".
std::vector<std::string> unused_fields(const LaunchSpec& spec, Launcher launcher);

/// What stands against generating this (already normalised) spec; empty when nothing does. Each
/// error's `place` is the field's name in launch.toml.
std::vector<Error> check_spec(const LaunchSpec& spec, Launcher launcher);

/// What is allowed but worth knowing before the launch, one sentence each.
std::vector<std::string> advice_for(const LaunchSpec& spec, Launcher launcher);

}  // namespace rankdx
