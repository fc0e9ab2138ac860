// LeaderWorkerSet (leaderworkerset.x-k8s.io/v1): one group of pods per replica, the leader included
// in its size.
#include "base/text.h"
#include "launch/launchers/kubernetes_parts.h"

namespace rankdx {
namespace {

const Launcher kThis = Launcher::Lws;
constexpr const char* kNameLabel = "leaderworkerset.sigs.k8s.io/name";
constexpr const char* kIndexLabel = "leaderworkerset.sigs.k8s.io/worker-index";

Value pod_template(const LaunchSpec& spec, NodeRole role) {
  NodeWords node{role, literal("0"), reference("$(LWS_LEADER_ADDRESS)"), {}};
  std::string start_rank;
  if (role == NodeRole::Worker) {
    node.rank = reference("$(LWS_WORKER_INDEX)");
    // Kubernetes does no arithmetic; a shell does.
    const int local = local_data_parallel(spec);
    if (local == 1) node.first_dp_rank = node.rank;
    if (spec.data_parallel > 1 && local > 1) {
      start_rank = "$((LWS_WORKER_INDEX * " + std::to_string(local) + "))";
    }
  }
  const Words command = node_command(spec, kThis, node, start_rank);
  const Value labels =
      Value::map({{"app.kubernetes.io/name", "vllm"}, {"app.kubernetes.io/instance", spec.name}});
  return Value::map(
      {{"metadata", Value::map({{"labels", labels}})},
       {"spec", pod_spec(spec, kThis, command,
                         role == NodeRole::Leader ? Serves::Http : Serves::Nothing)}});
}

}  // namespace

LaunchFiles write_lws(const LaunchSpec& spec) {
  Value group = Value::map({{"size", spec.nodes}, {"restartPolicy", "RecreateGroupOnPodRestart"}});
  if (spec.nodes > 1) group.set("leaderTemplate", pod_template(spec, NodeRole::Leader));
  group.set("workerTemplate",
            pod_template(spec, spec.nodes > 1 ? NodeRole::Worker : NodeRole::Leader));
  Value meta = metadata(spec, spec.name);
  meta.set("annotations", mark_annotations(spec));
  // LeaderReady would wait for ever: the leader is ready only after its workers have joined.
  const Value lws = Value::map({{"apiVersion", "leaderworkerset.x-k8s.io/v1"},
                                {"kind", "LeaderWorkerSet"},
                                {"metadata", meta},
                                {"spec", Value::map({{"replicas", spec.replicas},
                                                     {"startupPolicy", "LeaderCreated"},
                                                     {"leaderWorkerTemplate", group}})}});
  const PodSelector pods{Value::map({{kNameLabel, spec.name}}),
                         Value::map({{kNameLabel, spec.name}, {kIndexLabel, "0"}})};
  std::vector<Value> documents = supporting_objects(spec, pods);
  documents.push_back(lws);
  return {{spec.name + "-lws.yaml", to_yaml(documents)}};
}

Result<LaunchSpec> read_lws(const LaunchFiles& files) {
  const std::vector<Value> documents = RANKDX_TRY(all_documents(files));
  for (const Value& lws : documents) {
    if (lws["kind"].text() != "LeaderWorkerSet") continue;
    const Value& group = lws.at("spec.leaderWorkerTemplate");
    const Value& leader =
        group["leaderTemplate"].empty() ? group["workerTemplate"] : group["leaderTemplate"];
    LaunchSpec spec;
    read_pod_spec(leader["spec"], spec);
    if (!read_serve_command(container_words(vllm_container(leader["spec"])), spec)) {
      return fail(ErrorCode::Usage, "no container of the leader runs vLLM");
    }
    spec.nodes = parse_int<int>(group["size"].text()).value_or(1);
    spec.replicas = parse_int<int>(lws.at("spec.replicas").text()).value_or(1);
    read_objects(lws, documents, spec);
    return finished(std::move(spec), kThis);
  }
  return fail(ErrorCode::Usage, "there is no LeaderWorkerSet in it");
}

}  // namespace rankdx
