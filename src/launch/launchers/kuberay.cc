// KubeRay's RayCluster (ray.io/v1): the head runs vLLM over Ray, the workers only Ray.
#include "base/text.h"
#include "launch/launchers/kubernetes_parts.h"

namespace rankdx {
namespace {

const Launcher kThis = Launcher::Kuberay;

Value pod_template(const LaunchSpec& spec, NodeRole role) {
  // KubeRay tells workers the head's name in FQ_RAY_IP.
  const NodeWords node{role, literal("0"), reference("$(FQ_RAY_IP)"), {}};
  const bool head = role == NodeRole::Leader;
  Value pod =
      pod_spec(spec, kThis, node_command(spec, kThis, node), head ? Serves::Http : Serves::Nothing);
  const Value labels =
      Value::map({{"app.kubernetes.io/name", "vllm"}, {"app.kubernetes.io/instance", spec.name}});
  return Value::map({{"metadata", Value::map({{"labels", labels}})}, {"spec", pod}});
}

}  // namespace

LaunchFiles write_kuberay(const LaunchSpec& spec) {
  Value meta = metadata(spec, spec.name);
  Value annotations = mark_annotations(spec);
  // Without it KubeRay puts a `ray start` of its own around the commands (KubeRay 1.1.0 and later).
  annotations.set("ray.io/overwrite-container-cmd", "true");
  meta.set("annotations", annotations);
  Value cluster = Value::map(
      {{"headGroupSpec", Value::map({{"rayStartParams", Value::map()},
                                     {"template", pod_template(spec, NodeRole::Leader)}})}});
  if (spec.nodes > 1) {
    const int workers = spec.nodes - 1;
    cluster.set("workerGroupSpecs",
                Value::list({Value::map({{"groupName", "workers"},
                                         {"replicas", workers},
                                         {"minReplicas", workers},
                                         {"maxReplicas", workers},
                                         {"rayStartParams", Value::map()},
                                         {"template", pod_template(spec, NodeRole::Worker)}})}));
  }
  const Value ray = Value::map(
      {{"apiVersion", "ray.io/v1"}, {"kind", "RayCluster"}, {"metadata", meta}, {"spec", cluster}});
  const PodSelector pods{Value::map({{"ray.io/cluster", spec.name}}),
                         Value::map({{"ray.io/cluster", spec.name}, {"ray.io/node-type", "head"}})};
  std::vector<Value> documents = supporting_objects(spec, pods);
  documents.push_back(ray);
  return {{spec.name + "-kuberay.yaml", to_yaml(documents)}};
}

Result<LaunchSpec> read_kuberay(const LaunchFiles& files) {
  const std::vector<Value> documents = RANKDX_TRY(all_documents(files));
  for (const Value& ray : documents) {
    if (ray["kind"].text() != "RayCluster") continue;
    const Value& pod = ray.at("spec.headGroupSpec.template.spec");
    LaunchSpec spec;
    read_pod_spec(pod, spec);
    if (!read_serve_command(container_words(vllm_container(pod)), spec)) {
      return fail(ErrorCode::Usage, "no container of the head runs vLLM");
    }
    for (const Value& group : ray.at("spec.workerGroupSpecs").items()) {
      spec.nodes += parse_int<int>(group["replicas"].text()).value_or(0);
    }
    spec.executor = Executor::Ray;
    read_objects(ray, documents, spec);
    return finished(std::move(spec), kThis);
  }
  return fail(ErrorCode::Usage, "there is no RayCluster in it");
}

}  // namespace rankdx
