#include "launch/spec.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "catalogue/version.h"
#include "launch/serve_args.h"

namespace rankdx {
namespace {

template <class Enum>
using Named = std::pair<Enum, std::string_view>;

template <class Enum, size_t N>
std::string_view word_of(const std::array<Named<Enum>, N>& words, Enum value) {
  for (const auto& [v, word] : words) {
    if (v == value) return word;
  }
  return "";
}

template <class Enum, size_t N>
std::optional<Enum> value_of(const std::array<Named<Enum>, N>& words, std::string_view text) {
  for (const auto& [v, word] : words) {
    if (word == text) return v;
  }
  return std::nullopt;
}

constexpr auto kLaunchers = std::to_array<Named<Launcher>>({{Launcher::Runai, "runai"},
                                                            {Launcher::Lws, "lws"},
                                                            {Launcher::Kuberay, "kuberay"},
                                                            {Launcher::Docker, "docker"},
                                                            {Launcher::Compose, "compose"},
                                                            {Launcher::Slurm, "slurm"},
                                                            {Launcher::Ssh, "ssh"}});
constexpr auto kNetworks =
    std::to_array<Named<NetworkKind>>({{NetworkKind::Ethernet, "ethernet"},
                                       {NetworkKind::Roce, "roce"},
                                       {NetworkKind::Infiniband, "infiniband"},
                                       {NetworkKind::Efa, "efa"}});
constexpr auto kProfiles =
    std::to_array<Named<Profile>>({{Profile::Debug, "debug"}, {Profile::Production, "production"}});
constexpr auto kExecutors = std::to_array<Named<Executor>>(
    {{Executor::Auto, "auto"}, {Executor::Mp, "mp"}, {Executor::Ray, "ray"}});
constexpr auto kStorageKinds =
    std::to_array<Named<StorageKind>>({{StorageKind::None, "none"},
                                       {StorageKind::Pvc, "pvc"},
                                       {StorageKind::HostPath, "host-path"},
                                       {StorageKind::Nfs, "nfs"}});

bool per_host(Launcher launcher) {
  return launcher == Launcher::Docker || launcher == Launcher::Compose || launcher == Launcher::Ssh;
}

/// The --nnodes way over nodes came with 0.12.0 (launch.md, section 1).
Executor chosen_executor(const LaunchSpec& spec, Launcher launcher) {
  if (spec.nodes == 1 && launcher != Launcher::Kuberay) return Executor::Mp;
  if (spec.executor != Executor::Auto) return spec.executor;
  if (launcher == Launcher::Kuberay) return Executor::Ray;
  const auto version = parse_version(spec.vllm_version);
  const bool old = version && *version < *parse_version("0.12.0");
  // Data parallel ranks over nodes have had flags of their own since 0.9.0.
  return old && spec.data_parallel == 1 ? Executor::Ray : Executor::Mp;
}

Storage default_log_storage(const LaunchSpec& spec, Launcher launcher) {
  if (makes_pods(launcher)) return {StorageKind::Pvc, spec.name + "-logs", "/logs", "10Gi", ""};
  const std::string dir = "/var/tmp/" + spec.name + "-logs";
  return {StorageKind::HostPath, dir, in_container(spec, launcher) ? "/logs" : dir, "", ""};
}

std::string default_rdma_resource(NetworkKind network) {
  if (network == NetworkKind::Ethernet) return "";
  if (network == NetworkKind::Efa) return "vpc.amazonaws.com/efa=1";
  return "rdma/hca_shared_devices_a=1";
}

void drop_what_is_not_for(LaunchSpec& spec, Launcher launcher) {
  const LaunchSpec none;
  if (!per_host(launcher)) spec.hosts.clear();
  if (launcher != Launcher::Slurm) spec.partition = spec.account = spec.time_limit = "";
  if (!makes_pods(launcher)) {
    spec.space = none.space;
    spec.replicas = 1;
    spec.rdma_resource.clear();
    spec.host_network = false;
  }
  if (launcher == Launcher::Kuberay) spec.replicas = 1;  // a RayCluster is one group
  const bool docker_run =
      launcher == Launcher::Docker || (launcher == Launcher::Ssh && !spec.image.empty());
  if (!in_container(spec, launcher)) {
    spec.uid = spec.gid = std::nullopt;
    spec.model_storage = {};
    spec.log_storage.path = spec.log_storage.source;  // nothing is mounted
  }
  if (launcher == Launcher::Slurm) spec.uid = spec.gid = std::nullopt;  // srun keeps the user
  // Run:ai says only large or not, Slurm's containers see the host's /dev/shm.
  const bool sized_shm = docker_run || launcher == Launcher::Compose || launcher == Launcher::Lws ||
                         launcher == Launcher::Kuberay;
  if (!sized_shm) spec.shm_size = none.shm_size;
  if (!in_container(spec, launcher) || launcher == Launcher::Slurm) spec.memory.clear();
  if (spec.profile == Profile::Production) spec.log_storage = {};
  if (spec.nodes == 1 || spec.executor != Executor::Mp || spec.data_parallel > 1) {
    spec.master_port = none.master_port;
  }
}

}  // namespace

std::string_view to_string(Launcher launcher) { return word_of(kLaunchers, launcher); }
std::string_view to_string(NetworkKind network) { return word_of(kNetworks, network); }
std::string_view to_string(Profile profile) { return word_of(kProfiles, profile); }
std::string_view to_string(Executor executor) { return word_of(kExecutors, executor); }
std::string_view to_string(StorageKind kind) { return word_of(kStorageKinds, kind); }
std::optional<Launcher> launcher_from(std::string_view word) { return value_of(kLaunchers, word); }
std::optional<NetworkKind> network_from(std::string_view word) { return value_of(kNetworks, word); }
std::optional<Profile> profile_from(std::string_view word) { return value_of(kProfiles, word); }
std::optional<Executor> executor_from(std::string_view word) { return value_of(kExecutors, word); }
std::optional<StorageKind> storage_kind_from(std::string_view word) {
  return value_of(kStorageKinds, word);
}

bool in_container(const LaunchSpec& spec, Launcher launcher) {
  return !spec.image.empty() || (launcher != Launcher::Slurm && launcher != Launcher::Ssh);
}

std::string version_of_image(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const size_t colon = image.rfind(':');
  if (colon == std::string_view::npos || image.find('/', colon) != std::string_view::npos)
    return "";
  const auto version = parse_version(image.substr(colon + 1));
  return version && version->parts >= 2 ? to_string(*version) : "";
}

LaunchSpec normalised(LaunchSpec spec, Launcher launcher) {
  if (spec.vllm_version.empty()) spec.vllm_version = version_of_image(spec.image);
  spec.executor = chosen_executor(spec, launcher);
  if (makes_pods(launcher) && spec.rdma_resource.empty()) {
    spec.rdma_resource = default_rdma_resource(spec.network);
  }
  if (spec.profile == Profile::Debug && spec.log_storage.kind == StorageKind::None) {
    spec.log_storage = default_log_storage(spec, launcher);
  }
  drop_what_is_not_for(spec, launcher);
  // What the profile sets anyway is not the user's own.
  drop_profile_settings(spec, launcher);
  return spec;
}

std::vector<std::string> unused_fields(const LaunchSpec& spec, Launcher launcher) {
  const LaunchSpec kept = normalised(spec, launcher);
  std::vector<std::string> names;
  const auto note = [&](const char* name, const auto& before, const auto& after) {
    if (before != after) names.emplace_back(name);
  };
  note("hosts", spec.hosts, kept.hosts);
  note("namespace", spec.space, kept.space);
  note("replicas", spec.replicas, kept.replicas);
  note("host_network", spec.host_network, kept.host_network);
  note("partition", spec.partition, kept.partition);
  note("account", spec.account, kept.account);
  note("time_limit", spec.time_limit, kept.time_limit);
  note("uid", spec.uid, kept.uid);
  note("gid", spec.gid, kept.gid);
  note("shm_size", spec.shm_size, kept.shm_size);
  note("memory", spec.memory, kept.memory);
  note("load_minutes", spec.load_minutes, kept.load_minutes);
  note("master_port", spec.master_port, kept.master_port);
  note("storage", spec.model_storage, kept.model_storage);
  if (!spec.rdma_resource.empty()) note("rdma_resource", spec.rdma_resource, kept.rdma_resource);
  if (spec.log_storage.kind != StorageKind::None) note("logs", spec.log_storage, kept.log_storage);
  return names;
}

}  // namespace rankdx
