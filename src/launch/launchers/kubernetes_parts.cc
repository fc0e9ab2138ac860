#include "launch/launchers/kubernetes_parts.h"

#include "base/text.h"

namespace rankdx {
namespace {

constexpr int kProbePeriodSeconds = 10;
constexpr std::string_view kMarkPrefix = "rankdx/";

Value strings(const std::vector<std::string>& texts) {
  Value list = Value::list();
  for (const std::string& text : texts) list.push(text);
  return list;
}

Value volume_source(const Storage& st, bool read_only) {
  switch (st.kind) {
    case StorageKind::Pvc: {
      Value claim = Value::map({{"claimName", st.source}});
      if (read_only) claim.set("readOnly", true);
      return Value::map({{"persistentVolumeClaim", claim}});
    }
    case StorageKind::HostPath:
      return Value::map(
          {{"hostPath", Value::map({{"path", st.source}, {"type", "DirectoryOrCreate"}})}});
    default: {
      const size_t colon = st.source.find(":/");
      Value nfs = Value::map(
          {{"server", st.source.substr(0, colon)}, {"path", st.source.substr(colon + 1)}});
      if (read_only) nfs.set("readOnly", true);
      return Value::map({{"nfs", nfs}});
    }
  }
}

/// The volume of that name and its place in the container.
void add_storage(Value& volumes, Value& mounts, const char* name, const Storage& st,
                 bool read_only) {
  if (st.kind == StorageKind::None) return;
  Value volume = Value::map({{"name", name}});
  const Value source = volume_source(st, read_only);
  volume.set(source.members()[0].first, source.members()[0].second);
  volumes.push(volume);
  Value mount = Value::map({{"name", name}, {"mountPath", st.path}});
  if (read_only) mount.set("readOnly", true);
  mounts.push(mount);
}

Value health(int failures, int timeout_seconds) {
  return Value::map({{"httpGet", Value::map({{"path", "/health"}, {"port", "http"}})},
                     {"periodSeconds", kProbePeriodSeconds},
                     {"timeoutSeconds", timeout_seconds},
                     {"failureThreshold", failures}});
}

/// vLLM opens its port only after loading: without a startup probe as long as that, the others kill
/// a slow load.
void add_probes(Value& container, const LaunchSpec& spec) {
  container.set("startupProbe", health(spec.load_minutes * 60 / kProbePeriodSeconds, 5));
  container.set("readinessProbe", health(3, 5));
  // A probe that kills a hanging server destroys what debugging is after.
  if (spec.profile == Profile::Production) container.set("livenessProbe", health(6, 10));
}

Value resources(const LaunchSpec& spec) {
  Value limits = Value::map({{"nvidia.com/gpu", std::to_string(spec.gpus_per_node)}});
  if (!spec.rdma_resource.empty()) {
    const size_t equals = spec.rdma_resource.find('=');
    limits.set(spec.rdma_resource.substr(0, equals), spec.rdma_resource.substr(equals + 1));
  }
  if (!spec.memory.empty()) limits.set("memory", spec.memory);
  return Value::map({{"requests", limits}, {"limits", limits}});
}

Value environment(const LaunchSpec& spec, Launcher launcher) {
  Value env = Value::list();
  // Each node's own address; vLLM's guess needs a default route.
  env.push(Value::map(
      {{"name", "VLLM_HOST_IP"},
       {"valueFrom", Value::map({{"fieldRef", Value::map({{"fieldPath", "status.podIP"}})}})}}));
  for (const auto& [name, value] : environment_for(spec, launcher)) {
    env.push(Value::map({{"name", name}, {"value", kubernetes_word(literal(value))}}));
  }
  return env;
}

Value claim(const LaunchSpec& spec, const Storage& st) {
  const bool shared = spec.nodes > 1 || spec.replicas > 1;
  Value claim_spec =
      Value::map({{"accessModes", strings({shared ? "ReadWriteMany" : "ReadWriteOnce"})},
                  {"resources", Value::map({{"requests", Value::map({{"storage", st.size}})}})}});
  if (!st.storage_class.empty()) claim_spec.set("storageClassName", st.storage_class);
  return Value::map({{"apiVersion", "v1"},
                     {"kind", "PersistentVolumeClaim"},
                     {"metadata", metadata(spec, st.source)},
                     {"spec", claim_spec}});
}

Value service(const LaunchSpec& spec, const Value& leader_labels) {
  const Value port = Value::map({{"name", "http"}, {"port", spec.port}, {"targetPort", "http"}});
  return Value::map(
      {{"apiVersion", "v1"},
       {"kind", "Service"},
       {"metadata", metadata(spec, spec.name + "-api")},
       {"spec", Value::map({{"selector", leader_labels}, {"ports", Value::list({port})}})}});
}

/// NCCL, gloo and vLLM's queues take random ports, so pods of the group must reach each other on
/// all of them.
Value network_policy(const LaunchSpec& spec, const Value& group_labels) {
  const Value group = Value::map({{"podSelector", Value::map({{"matchLabels", group_labels}})}});
  const Value among = Value::map({{"from", Value::list({group})}});
  const Value api = Value::map(
      {{"ports", Value::list({Value::map({{"protocol", "TCP"}, {"port", spec.port}})})}});
  Value rules = Value::map({{"podSelector", Value::map({{"matchLabels", group_labels}})},
                            {"policyTypes", strings({"Ingress"})},
                            {"ingress", Value::list({among, api})}});
  if (spec.air_gapped) {
    const auto dns = [](const char* protocol) {
      return Value::map({{"protocol", protocol}, {"port", 53}});
    };
    rules = Value::map(
        {{"podSelector", Value::map({{"matchLabels", group_labels}})},
         {"policyTypes", strings({"Ingress", "Egress"})},
         {"ingress", Value::list({among, api})},
         {"egress",
          Value::list({Value::map({{"to", Value::list({group})}}),
                       Value::map({{"ports", Value::list({dns("UDP"), dns("TCP")})}})})}});
  }
  return Value::map({{"apiVersion", "networking.k8s.io/v1"},
                     {"kind", "NetworkPolicy"},
                     {"metadata", metadata(spec, spec.name + "-group")},
                     {"spec", rules}});
}

void read_environment(const Value& container, LaunchSpec& spec) {
  for (const Value& entry : container["env"].items()) {
    if (entry["value"].kind() == Value::Kind::Null) continue;
    const std::string& name = entry["name"].text();
    if (!is_owned_variable(name)) spec.env[name] = kubernetes_unescaped(entry["value"].text());
  }
}

Storage read_storage(const Value& pod, const Value& mount) {
  Storage st;
  const Value& volume = pod["volumes"].item_with("name", mount["name"].text());
  st.path = mount["mountPath"].text();
  if (const Value& v = volume["persistentVolumeClaim"]; !v.empty()) {
    st.kind = StorageKind::Pvc;
    st.source = v["claimName"].text();
  } else if (const Value& host = volume["hostPath"]; !host.empty()) {
    st.kind = StorageKind::HostPath;
    st.source = host["path"].text();
  } else if (const Value& nfs = volume["nfs"]; !nfs.empty()) {
    st.kind = StorageKind::Nfs;
    st.source = nfs["server"].text() + ":" + nfs["path"].text();
  } else {
    return {};
  }
  return st;
}

void read_resources(const Value& container, LaunchSpec& spec) {
  for (const auto& [name, quantity] : container.at("resources.limits").members()) {
    if (name == "nvidia.com/gpu") {
      spec.gpus_per_node = parse_int<int>(quantity.text()).value_or(spec.gpus_per_node);
    } else if (name == "memory") {
      spec.memory = quantity.text();
    } else if (name.find('/') != std::string::npos) {
      spec.rdma_resource = name + "=" + quantity.text();
    }
  }
}

void read_claim(const std::vector<Value>& documents, Storage& st) {
  if (st.kind != StorageKind::Pvc) return;
  for (const Value& document : documents) {
    if (document["kind"].text() != "PersistentVolumeClaim") continue;
    if (document.at("metadata.name").text() != st.source) continue;
    st.size = document.at("spec.resources.requests.storage").text();
    st.storage_class = document.at("spec.storageClassName").text();
  }
}

}  // namespace

std::string kubernetes_word(const Word& word) {
  if (word.sort == Word::Sort::Reference) return word.text;
  const bool special =
      word.text.find("$(") != std::string::npos || word.text.find("$$") != std::string::npos;
  return special ? replace_all(word.text, "$", "$$") : word.text;
}

std::string kubernetes_unescaped(std::string_view text) { return replace_all(text, "$$", "$"); }

Value metadata(const LaunchSpec& spec, const std::string& name) {
  return Value::map({{"name", name},
                     {"namespace", spec.space},
                     {"labels", Value::map({{"app.kubernetes.io/name", "vllm"},
                                            {"app.kubernetes.io/instance", spec.name}})}});
}

Value mark_annotations(const LaunchSpec& spec) {
  Value annotations = Value::map();
  for (const auto& [name, value] : marks_of(spec)) {
    annotations.set(std::string(kMarkPrefix) + name, value);
  }
  return annotations;
}

Value pod_spec(const LaunchSpec& spec, Launcher launcher, const Words& command, Serves serves) {
  Value words = Value::list(), volumes = Value::list(), mounts = Value::list();
  for (const Word& word : command) words.push(kubernetes_word(word));
  volumes.push(
      Value::map({{"name", "shm"},
                  {"emptyDir", Value::map({{"medium", "Memory"}, {"sizeLimit", spec.shm_size}})}}));
  mounts.push(Value::map({{"name", "shm"}, {"mountPath", "/dev/shm"}}));
  add_storage(volumes, mounts, "model", spec.model_storage, model_is_read_only(spec));
  add_storage(volumes, mounts, "logs", spec.log_storage, false);

  Value container = Value::map({{"name", "vllm"},
                                {"image", spec.image},
                                {"command", words},
                                {"env", environment(spec, launcher)}});
  if (serves == Serves::Http) {
    container.set("ports",
                  Value::list({Value::map({{"name", "http"}, {"containerPort", spec.port}})}));
    add_probes(container, spec);
  }
  container.set("resources", resources(spec));
  if (is_rdma(spec.network)) {
    // Registering memory with the network card locks it.
    container.set("securityContext",
                  Value::map({{"capabilities", Value::map({{"add", strings({"IPC_LOCK"})}})}}));
  }
  container.set("volumeMounts", mounts);

  // Service links would inject VLLM_PORT=tcp://... for a Service called vllm, which vLLM refuses.
  Value pod = Value::map({{"enableServiceLinks", false}, {"terminationGracePeriodSeconds", 60}});
  if (spec.host_network) {
    pod.set("hostNetwork", true);
    pod.set("dnsPolicy", "ClusterFirstWithHostNet");
  }
  if (spec.uid) {
    Value context = Value::map({{"runAsUser", *spec.uid}});
    if (spec.gid) context.set("runAsGroup", *spec.gid);
    // Volumes belong to this group; without it only root may write to most of them.
    if (*spec.uid != 0) context.set("fsGroup", spec.gid.value_or(*spec.uid));
    context.set("runAsNonRoot", *spec.uid != 0);
    pod.set("securityContext", context);
  }
  pod.set("containers", Value::list({container}));
  pod.set("volumes", volumes);
  return pod;
}

std::vector<Value> supporting_objects(const LaunchSpec& spec, const PodSelector& pods) {
  std::vector<Value> objects;
  for (const Storage* st : {&spec.model_storage, &spec.log_storage}) {
    if (st->kind == StorageKind::Pvc && !st->size.empty()) objects.push_back(claim(spec, *st));
  }
  objects.push_back(service(spec, pods.leader));
  objects.push_back(network_policy(spec, pods.group));
  return objects;
}

Result<std::vector<Value>> all_documents(const LaunchFiles& files) {
  std::vector<Value> documents;
  for (const LaunchFile& file : files) {
    std::vector<Value> parsed = RANKDX_TRY(parse_yaml(file.text));
    for (Value& document : parsed) documents.push_back(std::move(document));
  }
  return documents;
}

std::vector<std::string> container_words(const Value& container) {
  std::vector<std::string> words;
  for (const char* part : {"command", "args"}) {
    for (const Value& word : container[part].items()) {
      words.push_back(kubernetes_unescaped(word.text()));
    }
  }
  return words;
}

const Value& vllm_container(const Value& pod) {
  for (const Value& container : pod["containers"].items()) {
    LaunchSpec ignored;
    if (read_serve_command(container_words(container), ignored)) return container;
  }
  return pod["containers"].items().empty() ? pod["containers"] : pod["containers"].items()[0];
}

void read_pod_spec(const Value& pod, LaunchSpec& spec) {
  const Value& container = vllm_container(pod);
  spec.image = container["image"].text();
  read_environment(container, spec);
  read_resources(container, spec);
  for (const Value& mount : container["volumeMounts"].items()) {
    const std::string& name = mount["name"].text();
    if (mount["mountPath"].text() == "/dev/shm") {
      const auto& size = pod["volumes"].item_with("name", name).at("emptyDir.sizeLimit").text();
      if (!size.empty()) spec.shm_size = size;
    } else if (name == "logs") {
      spec.log_storage = read_storage(pod, mount);
    } else if (spec.model_storage.kind == StorageKind::None) {
      spec.model_storage = read_storage(pod, mount);
    }
  }
  spec.host_network = pod["hostNetwork"].text() == "true";
  const Value& context = pod["securityContext"];
  spec.uid = parse_int<int64_t>(context["runAsUser"].text());
  spec.gid = parse_int<int64_t>(context["runAsGroup"].text());
}

void read_objects(const Value& workload, const std::vector<Value>& documents, LaunchSpec& spec) {
  const Value& meta = workload["metadata"];
  spec.name = meta["name"].text();
  spec.space = meta["namespace"].empty() ? LaunchSpec().space : meta["namespace"].text();
  const Value& annotations = meta["annotations"];
  read_marks(
      [&](std::string_view name) -> std::optional<std::string> {
        const Value& v = annotations[std::string(kMarkPrefix) + std::string(name)];
        if (v.empty()) return std::nullopt;
        return v.text();
      },
      spec);
  read_claim(documents, spec.model_storage);
  read_claim(documents, spec.log_storage);
}

}  // namespace rankdx
