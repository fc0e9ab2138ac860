// Pods, containers and events as the API server describes them, cut down to what the checks look
// at. Parsed from JSON of API servers 1.20 to 1.35; fields that are absent stay empty. Plain
// values, no threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/api.h"

namespace rankdx {

/// A container that has ended, now or before its last restart.
struct ContainerExit {
  int exit_code = 0;
  std::optional<int> signal;
  std::string reason, message, finished_at;
  std::string started_at;  ///< 1970-01-01 after a StartError
};

struct ContainerInfo {
  enum class Kind : uint8_t { Main, Init, Ephemeral };
  enum class State : uint8_t { None, Waiting, Running, Ended };
  std::string name, image, image_id;  ///< image_id: with the digest that really runs
  Kind kind = Kind::Main;
  State state = State::None;
  std::string reason, message, started_at;     ///< of the waiting or running state
  std::optional<ContainerExit> ended, before;  ///< now, and the instance before
  bool ready = false;
  int restarts = 0;
  int64_t gpu_limit = 0, gpu_request = 0;
  std::string gpu_resource;  ///< nvidia.com/gpu, nvidia.com/mig-1g.10gb, amd.com/gpu ...
  std::vector<std::string> command, args, env_from;
  std::map<std::string, std::string> env;  ///< literal values
  std::vector<std::string>
      env_refs;  ///< names whose value comes from a secret, a config map or a field
  std::map<std::string, std::string> mounts;  ///< mount path -> volume
  std::optional<int64_t> run_as_user, run_as_group;
  std::optional<bool> privileged;
  std::vector<std::string> capabilities;
  std::string memory_limit;
  std::string liveness, readiness, startup;  ///< probes in a few words
  std::optional<int64_t> liveness_gives_up_s, startup_gives_up_s;
};

struct VolumeInfo {
  std::string name, kind, detail;  ///< "emptyDir", "Memory 16Gi"; "persistentVolumeClaim", "models"
};

struct PodInfo {
  std::string ns, name, uid, node, ip, host_ip, phase, reason, message, created_at, scheduler;
  std::string service_account, restart_policy, owner, runtime_class;
  std::map<std::string, std::string> labels, annotations;
  bool deleting = false, ready = false, host_network = false, host_ipc = false;
  std::string not_scheduled;  ///< message of the condition PodScheduled = False
  std::string disrupted;      ///< reason and message of the condition DisruptionTarget
  std::optional<int64_t> run_as_user, run_as_group, fs_group;
  std::vector<VolumeInfo> volumes;
  std::vector<ContainerInfo> containers;  ///< init containers first
};

struct EventInfo {
  std::string kind, name, uid;  ///< of the object
  std::string type, reason, message, last_seen;
  int64_t count = 1;
};

/// What the user wants to look at. Exactly one of the last four, or none for the whole namespace.
struct PodSelection {
  std::string ns;  ///< empty: that of the context
  std::string selector, runai, lws;
  std::vector<std::string> names;
};

Result<std::vector<PodInfo>> parse_pods(std::string_view json);
Result<std::vector<EventInfo>> parse_events(std::string_view json);

/// All pages of a list, the items as one JSON array text each. Starts again when the server has
/// forgotten the list (410). A reply that is no 200 comes back as an Error with the server's text;
/// its hint names the right that is missing.
Result<std::vector<std::string>> list_pages(ClusterApi& api, const std::string& path);

/// The selected pods, by name. Run:ai labels pods in more than one way: all known ones are tried.
Result<std::vector<PodInfo>> list_pods(ClusterApi& api, const PodSelection& selection);

/// STATUS as kubectl prints it: "CrashLoopBackOff", "Init:Error", "Terminating" ...
std::string status_word(const PodInfo& pod);

}  // namespace rankdx
