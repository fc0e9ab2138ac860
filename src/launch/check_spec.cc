// What stands against generating a spec.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "catalogue/version.h"
#include "launch/serve_args.h"
#include "launch/spec.h"

namespace rankdx {
namespace {

constexpr std::string_view kAlnum =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool only(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return kAlnum.find(c) != std::string_view::npos || extra.find(c) != std::string_view::npos;
  });
}

bool has_control(std::string_view text, std::string_view allowed = {}) {
  return std::any_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 || byte == 0x7f) && allowed.find(c) == std::string_view::npos;
  });
}

bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && only(text, "-") && lower(text) == text &&
         text.front() != '-' && text.back() != '-';
}

/// "16Gi", "500Mi", "64g", "1.5Ti": forms that Kubernetes and docker share are made by the
/// launchers.
bool is_quantity(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view unit = text.substr(digits);
  return digits > 0 && digits < 10 && (unit == "Mi" || unit == "Gi" || unit == "Ti");
}

class Checker {
 public:
  Checker(const LaunchSpec& spec, Launcher launcher) : s_(spec), launcher_(launcher) {}

  std::vector<Error> run() {
    names();
    numbers();
    parallelism();
    storage("storage", s_.model_storage);
    storage("logs", s_.log_storage);
    both_storages();
    places();
    texts();
    return std::move(errors_);
  }

 private:
  void say(std::string field, std::string text, std::string hint = {}) {
    errors_.push_back({ErrorCode::Usage, std::move(text), std::move(field), std::move(hint)});
  }
  void need(bool ok, const char* field, std::string text, std::string hint = {}) {
    if (!ok) say(field, std::move(text), std::move(hint));
  }

  void names() {
    need(is_dns_label(s_.name) && s_.name.size() <= 50, "name",
         "is no DNS label of at most 50 lower-case letters, digits and '-'");
    need(!makes_pods(launcher_) || is_dns_label(s_.space), "namespace", "is no DNS label");
    need(!s_.model.empty(), "model", "is missing");
    need(s_.model.empty() || (s_.model.front() != '-' && !has_control(s_.model)), "model",
         "begins with '-' or holds a control character", "give a hub name or a directory");
    need(!in_container(s_, launcher_) || !s_.image.empty(), "image", "is missing");
    need(only(s_.image, "._-/:@"), "image", "holds characters that no image name has");
    need(s_.image.empty() || s_.image.front() != '-', "image", "begins with '-'");
    need(s_.vllm_version.empty() || parse_version(s_.vllm_version), "vllm_version", "is no version",
         "write it as \"0.20.0\"");
    need(s_.nccl_version.empty() || parse_version(s_.nccl_version), "nccl_version", "is no version",
         "write it as \"2.28.9\"");
    need(only(s_.interface, "._-^=,"), "interface", "is no interface name or list of them");
    need(only(s_.partition, "._-,") && only(s_.account, "._-"), "slurm", "holds odd characters");
    need(only(s_.time_limit, ":-"), "time_limit", "is no Slurm time", "write it as \"12:00:00\"");
  }

  void numbers() {
    const auto within = [&](const char* field, int64_t value, int64_t least, int64_t most) {
      if (value < least || value > most) {
        say(field, fmt::format("{} is not within {} and {}", value, least, most));
      }
    };
    within("nodes", s_.nodes, 1, 4096);
    within("gpus_per_node", s_.gpus_per_node, 1, 128);
    within("replicas", s_.replicas, 1, 4096);
    within("tensor_parallel", s_.tensor_parallel, 1, 4096);
    within("pipeline_parallel", s_.pipeline_parallel, 1, 4096);
    within("data_parallel", s_.data_parallel, 1, 4096);
    within("port", s_.port, 1, 65535);
    within("master_port", s_.master_port, 1, 65535);
    within("load_minutes", s_.load_minutes, 1, 24 * 60);
    within("uid", s_.uid.value_or(0), 0, 0x7fffffff);
    within("gid", s_.gid.value_or(0), 0, 0x7fffffff);
    need(!s_.gid || s_.uid, "gid", "is set without uid");
    need(is_quantity(s_.shm_size), "shm_size", "is no size", "write it as \"16Gi\"");
    need(s_.memory.empty() || is_quantity(s_.memory), "memory", "is no size", "as \"200Gi\"");
  }

  void parallelism() {
    const int64_t replica = int64_t{s_.tensor_parallel} * s_.pipeline_parallel;
    const int64_t needed = replica * s_.data_parallel;
    const int64_t booked = int64_t{s_.nodes} * s_.gpus_per_node;
    if (needed != booked) {
      say("nodes",
          fmt::format("{} nodes x {} GPUs are {} GPUs, but {} tensor x {} pipeline x {} data "
                      "parallel ranks need {}",
                      s_.nodes, s_.gpus_per_node, booked, s_.tensor_parallel, s_.pipeline_parallel,
                      s_.data_parallel, needed),
          "one rank has one GPU: make the products equal");
    }
    if (s_.nodes > 1 && s_.data_parallel > 1) {
      need(s_.executor == Executor::Mp, "executor",
           "data parallel ranks over nodes are generated for mp only");
      need(replica <= s_.gpus_per_node && s_.gpus_per_node % std::max<int64_t>(replica, 1) == 0,
           "data_parallel",
           "a replica must fit on one node when nodes share a data parallel launch",
           "use replicas = N for whole groups, or less tensor and pipeline parallelism");
    }
    need(launcher_ != Launcher::Kuberay || s_.nodes == 1 || s_.executor == Executor::Ray,
         "executor", "KubeRay runs Ray", "leave it out, or say \"ray\"");
    for (const std::string& flag : owned_flags_in_use(s_)) {
      if (serve_flag_exists(flag, s_.vllm_version)) continue;
      say("vllm_version",
          fmt::format("vLLM {} has no {}, which this launch needs", s_.vllm_version, flag),
          flag == "--nnodes" ? "say executor = \"ray\", or take 0.12.0 or newer" : "");
      break;  // its neighbours came with it
    }
  }

  void storage(const char* field, const Storage& st) {
    if (st.kind == StorageKind::None) {
      need(st == Storage{}, field, "has values but no kind", "kind = \"pvc\" or another");
      return;
    }
    need(st.path.starts_with('/') && only(st.path, "._-/"), field, "path is no absolute path",
         "letters, digits and ._-/ only");
    need(st.path != "/" && st.path != "/dev/shm" && st.path != "/tmp", field,
         "path would hide a directory that the container needs");
    need(st.kind != StorageKind::Pvc || makes_pods(launcher_), field,
         "a claim is for Kubernetes only", "kind = \"host-path\" with a directory of the host");
    if (st.kind == StorageKind::Pvc) {
      need(is_dns_label(st.source), field, "source is no claim name");
      need(st.size.empty() || is_quantity(st.size), field, "size is no size", "as \"500Gi\"");
      need(only(st.storage_class, "-."), field, "class is no storage class");
      return;
    }
    need(st.size.empty() && st.storage_class.empty(), field, "size and class are for claims");
    if (st.kind == StorageKind::HostPath) {
      need(st.source.starts_with('/') && only(st.source, "._-/"), field,
           "source is no absolute directory", "letters, digits and ._-/ only");
      return;
    }
    const size_t colon = st.source.find(":/");
    need(colon != std::string::npos && colon > 0 && only(st.source, "._-/:"), field,
         "source is no NFS export", "write it as \"server:/export\"");
    need(makes_pods(launcher_), field, "this launcher does not mount NFS",
         "mount it on the hosts and use host-path");
  }

  void both_storages() {
    const Storage &model = s_.model_storage, &logs = s_.log_storage;
    if (model.kind == StorageKind::None || logs.kind == StorageKind::None) return;
    need(model.path != logs.path, "logs", "path is that of storage");
    need(model.kind != StorageKind::Pvc || logs.kind != StorageKind::Pvc ||
             model.source != logs.source || (model.size + logs.size).empty(),
         "logs", "source is the claim of storage, and a size would create it twice");
  }

  void places() {
    if (launcher_ == Launcher::Docker || launcher_ == Launcher::Compose ||
        launcher_ == Launcher::Ssh) {
      need(s_.hosts.size() == static_cast<size_t>(s_.nodes), "hosts",
           fmt::format("names {} hosts for {} nodes", s_.hosts.size(), s_.nodes),
           "one address for each node, the leader first");
    }
    for (const std::string& host : s_.hosts) {
      need(!host.empty() && only(host, "._-:@") && host.front() != '-' &&
               std::count(host.begin(), host.end(), '@') <= (launcher_ == Launcher::Ssh ? 1 : 0),
           "hosts", "holds something that is no host name or address");
    }
    const size_t equals = s_.rdma_resource.find('=');
    need(s_.rdma_resource.empty() ||
             (equals != std::string::npos && equals > 0 && only(s_.rdma_resource, "._-/=") &&
              parse_int<int>(s_.rdma_resource.substr(equals + 1)).value_or(0) > 0),
         "rdma_resource", "is no resource", "write it as \"rdma/hca_shared_devices_a=1\"");
  }

  void texts() {
    need(!has_control(s_.served_name) && !s_.served_name.starts_with('-'), "served_name",
         "begins with '-' or holds a control character");
    for (const std::string& arg : s_.extra_args) {
      need(!has_control(arg, "\n\t"), "extra_args", "hold a control character");
      const std::string flag = arg.substr(0, arg.find('='));
      need(!is_owned_flag(flag), "extra_args", flag + " has a key of its own in launch.toml");
      if (serve_flag_is_gone(flag, s_.vllm_version)) {
        say("extra_args", fmt::format("vLLM {} has no {}", s_.vllm_version, flag),
            "it does not start with a flag that it does not know");
      }
    }
    for (const auto& [name, value] : s_.env) {
      need(!name.empty() && only(name, "_") && !is_digit(name.front()), "env",
           "holds a name that is no variable's");
      need(!has_control(value, "\n\t"), "env", name + " holds a control character");
      need(!is_owned_variable(name), "env", name + " is set by the launcher for each node");
    }
  }

  const LaunchSpec& s_;
  Launcher launcher_;
  std::vector<Error> errors_;
};

}  // namespace

std::vector<std::string> advice_for(const LaunchSpec& s, Launcher launcher) {
  std::vector<std::string> out;
  const bool container = in_container(s, launcher);
  if (s.vllm_version.empty()) {
    out.emplace_back(
        "the version of vLLM is not known: flags are those of the newest (say vllm_version)");
  }
  if (container && (s.image.ends_with(":latest") ||
                    s.image.find_first_of(":@", s.image.rfind('/') + 1) == s.image.npos)) {
    out.emplace_back("the image has no fixed tag: nodes may run different versions");
  }
  if (container && is_rdma(s.network) && s.uid.value_or(0) != 0) {
    out.emplace_back(
        "IPC_LOCK does nothing for a process that is not root: raise memlock in the container "
        "runtime");
  }
  if (s.nodes > 1 && s.tensor_parallel > s.gpus_per_node && s.network == NetworkKind::Ethernet) {
    out.emplace_back(
        "tensor parallelism over Ethernet is slow: prefer pipeline parallelism between nodes");
  }
  if (s.host_network && s.replicas > 1) {
    out.emplace_back(
        "groups on one host would take the same ports: host_network with replicas needs whole "
        "hosts");
  }
  for (const auto& [name, value] : s.env) {
    if (engine_variable_is_gone(name, s.vllm_version)) {
      out.push_back(fmt::format("vLLM {} no longer reads {}", s.vllm_version, name));
    }
  }
  return out;
}

std::vector<Error> check_spec(const LaunchSpec& spec, Launcher launcher) {
  return Checker(spec, launcher).run();
}

}  // namespace rankdx
