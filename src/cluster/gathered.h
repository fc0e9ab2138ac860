// Everything that was read of one group of pods; judge_cluster() looks at nothing else. Plain
// values, no threads.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "cluster/api.h"
#include "cluster/inside.h"
#include "cluster/network_policy.h"
#include "cluster/pods.h"
#include "diagnose/diagnose.h"

namespace rankdx {

/// A log that was read or could not be.
struct LogSeen {
  std::string container;
  bool previous = false;
  uint64_t lines = 0;
  bool starts_late = false;
  std::string problem;  ///< empty: whole
};

struct PodData {
  PodInfo pod;
  std::vector<EventInfo> events;
  size_t main =
      0;  ///< index of the container with the GPUs, else the first one that is no init container
  bool asked_inside = false;
  ExecEnd inside_end = ExecEnd::Failed;
  std::string inside_why;  ///< why nothing could be seen inside
  Inside inside;
  bool injected = false;   ///< `inside.report` comes from an injected container
  std::string inject_why;  ///< why the injected container gave nothing; empty: not asked, or it did
  std::string network_why;
  std::vector<LogSeen> logs;

  const ContainerInfo* container() const {
    return main < pod.containers.size() ? &pod.containers[main] : nullptr;
  }
};

/// A right that a check lacked: "list events" and what could not be seen without it.
struct MissingRight {
  std::string right, check, text;
  auto operator<=>(const MissingRight&) const = default;
};

struct Gathered {
  std::string ns, way, server_version;
  std::vector<PodData> pods;
  std::set<MissingRight> missing_rights;
  std::map<std::string, std::string>
      failed;  ///< check -> why it could not be done, other than rights
  std::vector<PolicyCut> policy_cuts;
  bool policies_read = false;
  std::optional<Diagnosis> diagnosis;
  std::optional<CheckReport> ras;
  std::optional<CheckReport> mesh;  ///< of `mesh_pods`; its hosts are names of pods
  std::set<std::string> mesh_pods;
  double clock_offset_s = 0;  ///< API server's clock against ours
};

}  // namespace rankdx
