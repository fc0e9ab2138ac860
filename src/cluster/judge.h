// What was gathered of a group of pods to one table (pods x checks), findings and one root cause.
// Plain functions.
#pragma once

#include <string>
#include <vector>

#include "base/check.h"
#include "cluster/gathered.h"

namespace rankdx {

struct PodCell {
  CheckStatus status = CheckStatus::Unknown;
  std::string value;
};

struct PodRow {
  std::string pod, node;
  std::vector<PodCell> cells;  ///< one per column
};

struct ClusterPicture {
  std::vector<std::string> columns;
  std::vector<PodRow> rows;
  CheckReport report;  ///< `checks` holds every cell, with "pod NS/NAME" as source
};

ClusterPicture judge_cluster(const Gathered& gathered);

/// The columns, in the order of the recipe that they replace.
const std::vector<std::string>& cluster_columns();

/// How bad the state of one pod is, in the words of kubectl.
PodCell state_cell(const PodInfo& pod);

/// Findings about single pods: not running, crashing, restarted, evicted ... One per pod;
/// judge_cluster() joins equal ones.
std::vector<Finding> pod_findings(const PodData& data);
/// Findings from pods compared with each other: images, environment, GPUs, shared memory, network.
std::vector<Finding> group_findings(const Gathered& gathered);

/// "exit code 137 (SIGKILL)".
std::string exit_text(const ContainerExit& exit);

}  // namespace rankdx
