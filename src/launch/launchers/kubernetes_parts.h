// The parts of Kubernetes objects that LeaderWorkerSet and KubeRay launches share, written and
// read. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "launch/launchers/commands.h"
#include "launch/launchers/launchers.h"
#include "launch/value.h"

namespace rankdx {

/// A word as it must stand in `command` or `env`, where Kubernetes replaces $(NAME) and $$:
/// references stay, literals are escaped.
std::string kubernetes_word(const Word& word);
/// What the container sees, with $(NAME) left as it is.
std::string kubernetes_unescaped(std::string_view text);

/// Where the pods of one launch are found.
struct PodSelector {
  Value group;   ///< labels that all pods of the launch carry
  Value leader;  ///< labels of the leaders only
};

/// metadata of an object of the launch.
Value metadata(const LaunchSpec& spec, const std::string& name);
/// The annotations that carry the marks.
Value mark_annotations(const LaunchSpec& spec);

enum class Serves : uint8_t { Http, Nothing };
/// spec of a pod that runs the command.
Value pod_spec(const LaunchSpec& spec, Launcher launcher, const Words& command, Serves serves);

/// Claims, Service and NetworkPolicy that stand before the workload.
std::vector<Value> supporting_objects(const LaunchSpec& spec, const PodSelector& pods);

/// The documents of all files, in order.
Result<std::vector<Value>> all_documents(const LaunchFiles& files);
/// Reads what pod_spec() and supporting_objects() wrote; `documents` are all objects of the file.
void read_pod_spec(const Value& pod, LaunchSpec& spec);
/// After the pods: metadata, annotations, claims.
void read_objects(const Value& workload, const std::vector<Value>& documents, LaunchSpec& spec);
/// The words of a container, escapes taken away.
std::vector<std::string> container_words(const Value& container);
/// The container that runs vLLM: the first one with a vLLM command, else the first.
const Value& vllm_container(const Value& pod);

}  // namespace rankdx
