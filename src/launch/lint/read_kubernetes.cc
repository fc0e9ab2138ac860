// Kubernetes objects: everything that holds a pod template, and Services.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "launch/lint/manifest_fields.h"
#include "launch/lint/manifest_words.h"
#include "launch/lint/readers.h"

namespace rankdx::lint {
namespace {

constexpr int kMaxSearchDepth = 12;

class Manifest {
 public:
  Manifest(const SourceText& source, Launch& launch) : source_(source), launch_(launch) {}

  void document(const YamlNode& doc) {
    const std::string_view kind = doc["kind"].text();
    if (kind == "List") {
      for (const YamlNode& item : doc["items"].items()) document(item);
      return;
    }
    if (kind == "Service") return service(doc);
    if (kind == "NetworkPolicy") return policy(doc);
    const size_t before = launch_.groups.size();
    if (kind == "Pod") {
      pods(doc, GroupKind::Pod, {{doc, Role::Any}}, 1);
    } else if (kind == "LeaderWorkerSet") {
      leader_worker_set(doc);
    } else if (kind == "RayCluster") {
      ray(doc, doc["spec"]);
    } else if (kind == "RayService") {
      ray(doc, doc.at("spec.rayClusterConfig"));
    } else if (kind == "RayJob") {
      ray(doc, doc.at("spec.rayClusterSpec"));
    } else {
      templated(doc, kind);
    }
    launch_.other_documents += launch_.groups.size() == before;
  }

 private:
  struct Template {
    YamlNode node;
    Role role;
  };

  void templated(const YamlNode& doc, std::string_view kind) {
    const YamlNode spec = doc["spec"];
    const auto replicas = spec["replicas"].number();
    if (kind == "Deployment" || kind == "ReplicaSet" || kind == "DaemonSet") {
      const size_t before = launch_.groups.size();
      pods(doc, GroupKind::Deployment, {{spec["template"], Role::Any}}, 1);
      if (launch_.groups.size() > before) launch_.groups.back().replicas = replicas;
      selector(spec);
    } else if (kind == "StatefulSet") {
      pods(doc, GroupKind::StatefulSet, {{spec["template"], Role::Any}}, replicas.value_or(1),
           spec["replicas"]);
      selector(spec);
    } else if (kind == "Job") {
      const bool indexed = spec["completionMode"].text() == "Indexed";
      pods(doc, GroupKind::Job, {{spec["template"], Role::Any}},
           indexed ? spec["parallelism"].number().value_or(1) : 1, spec["parallelism"]);
    } else if (kind == "CronJob") {
      pods(doc, GroupKind::Job, {{spec.at("jobTemplate.spec.template"), Role::Any}}, 1);
    } else {
      search(doc, doc, 0);
    }
  }

  /// Kinds of operators that are not known here: each pod template in them is looked at by itself.
  void search(const YamlNode& doc, const YamlNode& node, int depth) {
    if (depth > kMaxSearchDepth) return;
    if (node["containers"].is_sequence()) {
      group_of(doc, GroupKind::Pod, std::nullopt);
      add_pod(node, Role::Any, YamlNode{});
      finish_group();
      return;
    }
    for (const auto& [key, value] : node.members()) {
      if (value.is_map()) search(doc, value, depth + 1);
      for (const YamlNode& item : value.items()) {
        if (item.is_map()) search(doc, item, depth + 1);
      }
    }
  }

  void leader_worker_set(const YamlNode& doc) {
    const YamlNode lws = doc.at("spec.leaderWorkerTemplate");
    const int64_t size = lws["size"].number().value_or(1);
    std::vector<Template> templates;
    if (lws["leaderTemplate"]) {
      templates.push_back({lws["leaderTemplate"], Role::Leader});
      if (size > 1) templates.push_back({lws["workerTemplate"], Role::Worker});
    } else {
      templates.push_back({lws["workerTemplate"], Role::Any});
    }
    fields_of_lws(doc["spec"], lws);
    const size_t before = launch_.groups.size();
    pods(doc, GroupKind::LeaderWorkerSet, templates, size, lws["size"]);
    if (launch_.groups.size() == before) return;
    launch_.groups.back().replicas = doc.at("spec.replicas").number();
    launch_.groups.back().start_policy = text_of(doc.at("spec.startupPolicy"));
  }

  void ray(const YamlNode& doc, const YamlNode& cluster) {
    std::vector<Template> templates = {{cluster.at("headGroupSpec.template"), Role::Leader}};
    int64_t nodes = 1;
    for (const YamlNode& group : cluster["workerGroupSpecs"].items()) {
      templates.push_back({group["template"], Role::Worker});
      nodes += group["replicas"].number().value_or(1) * group["numOfHosts"].number().value_or(1);
    }
    pods(doc, GroupKind::RayCluster, templates, nodes, cluster.key("workerGroupSpecs"));
    ray_entry_point(doc);
  }

  /// RayJob and RayService start their program by a text of their own.
  void ray_entry_point(const YamlNode& doc) {
    const YamlNode entry = doc.at("spec.entrypoint");
    if (!entry.is_scalar() || launch_.groups.empty()) return;
    read_shell_text(entry.mapped(), launch_.groups.back().containers.front(), launch_);
  }

  void pods(const YamlNode& doc, GroupKind kind, const std::vector<Template>& templates,
            int64_t nodes, const YamlNode& nodes_node = {}) {
    group_of(doc, kind, nodes);
    group_.nodes_text = text_of(nodes_node);
    for (const Template& t : templates) add_pod(t.node["spec"], t.role, t.node["metadata"]);
    finish_group();
  }

  void group_of(const YamlNode& doc, GroupKind kind, std::optional<int64_t> nodes) {
    group_ = {};
    group_.kind = kind;
    group_.nodes = nodes;
    const YamlNode meta = doc["metadata"];
    group_.name = meta["name"].text();
    group_.space = meta["namespace"].text();
    group_.span = doc.key("kind").span();
  }

  void finish_group() {
    if (!group_.containers.empty()) launch_.groups.push_back(std::move(group_));
    group_ = {};
  }

  void add_pod(const YamlNode& pod, Role role, const YamlNode& meta) {
    if (!pod.is_map()) return;
    fields_of_pod(pod);
    if (!pod.flow()) group_.containers_keys.push_back(pod.key("containers").span());
    for (const auto& [key, value] : meta["labels"].members())
      group_.labels.emplace_back(key.text(), value.text());
    if (pod["hostNetwork"].truth().value_or(false)) {
      group_.host_network = true;
      group_.host_network_span = pod.key("hostNetwork").span();
    }
    group_.dns_policy = pod["dnsPolicy"].text();
    group_.service_links = group_.service_links && pod["enableServiceLinks"].truth().value_or(true);
    const YamlNode context = pod["securityContext"];
    if (const auto id = context["fsGroup"].number()) group_.fs_group = id;
    group_.fs_group_known = true;
    preemptible(pod);
    volumes(pod);
    for (const YamlNode& c : pod["containers"].items()) {
      if (c.is_map()) container(c, pod, role);
    }
  }

  void preemptible(const YamlNode& pod) {
    const YamlNode priority = pod["priorityClassName"];
    const std::string word = lower(priority.text());
    if (word.find("preempt") != word.npos || word.find("spot") != word.npos)
      group_.preemptible = text_of(priority);
    for (const auto& [key, value] : pod["nodeSelector"].members()) {
      const std::string name = lower(key.text()), text = lower(value.text());
      const bool spot = (name.find("spot") != name.npos || name.find("preemptible") != name.npos)
                            ? text != "false"
                            : text == "spot" && name.find("capacity") != name.npos;
      if (spot || (text == "spot" && name.find("priority") != name.npos))
        group_.preemptible = {std::string(value.text()), key.span(), false};
    }
  }

  void volumes(const YamlNode& pod) {
    memory_volumes_.clear();
    for (const YamlNode& v : pod["volumes"].items()) {
      const std::string name(v["name"].text());
      if (v["emptyDir"]) {
        const bool memory = v.at("emptyDir.medium").text() == "Memory";
        memory_volumes_.push_back({name, memory ? v.at("emptyDir.sizeLimit") : YamlNode{}, memory});
      }
      if (v["persistentVolumeClaim"] || v["hostPath"] || v["nfs"]) group_.writable.push_back(name);
      if (const YamlNode limit = v.at("emptyDir.sizeLimit"); limit && !quantity(limit.text()))
        bad_quantity(limit);
    }
  }

  void bad_quantity(const YamlNode& node) {
    std::string detail =
        "\"" + std::string(node.text()) +
        "\" is no quantity of Kubernetes: Gi, Mi and Ki count in 1024, G, M and k in 1000.";
    std::vector<Edit> edits;
    const std::string_view t = node.text();
    for (const auto& [wrong, right] : {std::pair<std::string_view, std::string_view>{"GB", "G"},
                                       {"GiB", "Gi"},
                                       {"MB", "M"},
                                       {"MiB", "Mi"},
                                       {"gb", "G"},
                                       {"g", "G"},
                                       {"gi", "Gi"}}) {
      if (edits.empty() && t.ends_with(wrong) &&
          quantity(std::string(t.substr(0, t.size() - wrong.size())) + std::string(right))) {
        const Span s = node.mapped().span();
        edits.push_back({{s.end - static_cast<uint32_t>(wrong.size()), s.end}, std::string(right)});
      }
    }
    launch_.remarks.push_back(
        {"quantity-invalid", node.span(), std::move(detail), std::move(edits)});
  }

  void container(const YamlNode& node, const YamlNode& pod, Role role) {
    fields_of_container(node);
    Container c;
    c.role = role;
    c.name = node["name"].text();
    c.span = node["name"] ? node["name"].span() : node.span();
    c.image = text_of(node["image"]);
    environment(node, c);
    resources(node["resources"], c);
    security(node, pod, c);
    mounts(node, pod, c);
    c.startup = probe(node, "startupProbe");
    c.readiness = probe(node, "readinessProbe");
    c.liveness = probe(node, "livenessProbe");
    for (const YamlNode& p : node["ports"].items()) {
      if (p["containerPort"]) c.ports.push_back(text_of(p["containerPort"]));
    }
    command(node, c);
    group_.containers.push_back(std::move(c));
  }

  void environment(const YamlNode& node, Container& c) {
    const YamlNode env = node["env"];
    c.more_env = static_cast<bool>(node["envFrom"]);
    if (env.is_sequence() && !env.flow() && !env.items().empty()) {
      c.add_env = item_span(source_, env.items().back().span().begin);
      c.env_form = c.add_env.end > 0 ? Form::BlockList : Form::None;
    }
    for (const YamlNode& e : env.items()) {
      const YamlNode name = e["name"], value = e["value"];
      if (!name.is_scalar()) continue;
      EnvVar v;
      v.name = name.text();
      v.name_span = name.span();
      v.whole = env.flow() || e.flow() ? Span{} : item_span(source_, e.span().begin);
      v.form = v.whole.end > 0 ? Form::BlockList : Form::None;
      if (value.is_scalar()) {
        v.value = text_of(value);
        v.value.dynamic = is_reference(value.text());
        v.yaml_number = !value.quoted() && looks_like_number_or_truth(value.text());
      } else if (e["valueFrom"]) {
        v.value.dynamic = v.from_reference = true;
        v.own_of_pod = static_cast<bool>(e.at("valueFrom.fieldRef"));
        v.value.span = e.key("valueFrom").span();
      } else {
        v.value.span = name.span();
      }
      c.env.push_back(std::move(v));
    }
  }

  void resources(const YamlNode& node, Container& c) {
    for (std::string_view part : {"requests", "limits"}) {
      for (const auto& [key, value] : node[part].members()) {
        const std::string_view name = key.text();
        if (!quantity(value.text()) && value.is_scalar() &&
            value.text().find("{{") == std::string_view::npos)
          bad_quantity(value);
        if (is_gpu_resource(name)) {
          if (c.gpu_count && value.number() && part == "limits" &&
              *c.gpu_count != *value.number()) {
            launch_.remarks.push_back({"gpu-request-differs",
                                       value.span(),
                                       "requests say " + std::to_string(*c.gpu_count) +
                                           ", limits " + std::string(value.text()) + ".",
                                       {}});
          }
          c.gpus = text_of(value);
          c.gpu_count = value.number();
        }
        if (name.starts_with("rdma/")) {
          c.rdma = Known::Yes;
          c.rdma_span = key.span();
        }
      }
    }
  }

  void security(const YamlNode& node, const YamlNode& pod, Container& c) {
    const YamlNode own = node["securityContext"], of_pod = pod["securityContext"];
    c.privileged = own["privileged"].truth().value_or(false);
    c.ipc_lock = Known::No;
    for (const YamlNode& cap : own.at("capabilities.add").items()) {
      const std::string_view t = cap.text();
      if (t == "IPC_LOCK" || t == "ALL" || t == "CAP_IPC_LOCK") c.ipc_lock = Known::Yes;
    }
    const YamlNode user = own["runAsUser"] ? own["runAsUser"] : of_pod["runAsUser"];
    c.run_as_user = user.number();
    c.run_as_user_span = user.span();
  }

  void mounts(const YamlNode& node, const YamlNode& pod, Container& c) {
    c.shm = pod["hostIPC"].truth().value_or(false) ? Known::Yes : Known::No;
    c.shm_span = c.span;
    for (const YamlNode& m : node["volumeMounts"].items()) {
      Mount mount{std::string(m["name"].text()), std::string(m["mountPath"].text()),
                  m["readOnly"].truth().value_or(false)};
      if (trim(mount.path) == "/dev/shm" || mount.path == "/dev/shm/") {
        c.shm = Known::Yes;
        for (const MemoryVolume& v : memory_volumes_) {
          if (v.name != mount.volume) continue;
          // On disk it works, slowly, unless a limit is hit.
          if (v.limit) {
            c.shm_bytes = quantity(v.limit.text());
            c.shm_span = v.limit.span();
          }
        }
      }
      c.mounts.push_back(std::move(mount));
    }
  }

  std::optional<Probe> probe(const YamlNode& container, std::string_view name) const {
    const YamlNode node = container[name];
    if (!node.is_map()) return std::nullopt;
    Probe p;
    p.span = container.key(name).span();
    p.initial_delay_s = node["initialDelaySeconds"].number().value_or(0);
    p.period_s = std::max<int64_t>(1, node["periodSeconds"].number().value_or(10));
    p.failures = node["failureThreshold"].number().value_or(3);
    p.http = static_cast<bool>(node["httpGet"]);
    p.tcp = static_cast<bool>(node["tcpSocket"]);
    p.exec = static_cast<bool>(node["exec"]);
    p.path = node.at("httpGet.path").text();
    p.port = text_of(p.http ? node.at("httpGet.port") : node.at("tcpSocket.port"));
    return p;
  }

  void command(const YamlNode& node, Container& c) {
    CommandWords words;
    const YamlNode args = node["args"], program = node["command"];
    for (const YamlNode& list : {program, args}) {
      for (const YamlNode& item : list.items()) {
        if (!item.is_scalar()) continue;
        words.words.push_back({item.mapped(), item.span(), is_reference(item.text()), true});
      }
    }
    const YamlNode last = args.items().empty() ? program : args;
    words.form = last.flow() ? Form::FlowList : Form::BlockList;
    if (words.words.empty()) {
      c.other_program = !is_vllm_image(c.image.text);
      return;
    }
    const bool server = !program && is_vllm_image(c.image.text);
    read_command(words, server ? EntryPoint::VllmServe : EntryPoint::Unknown, c, launch_);
  }

  void service(const YamlNode& doc) {
    Service s;
    const YamlNode name = doc.at("metadata.name");
    s.name = name.text();
    s.name_span = name.span();
    s.space = doc.at("metadata.namespace").text();
    for (const YamlNode& p : doc.at("spec.ports").items()) {
      const YamlNode target = p["targetPort"] ? p["targetPort"] : p["port"];
      s.target_ports.push_back(text_of(target));
    }
    for (const auto& [key, value] : doc.at("spec.selector").members())
      s.selector.emplace_back(key.text(), value.text());
    launch_.services.push_back(std::move(s));
    ++launch_.other_documents;
  }

  void policy(const YamlNode& doc) {
    Policy p;
    p.span = doc.key("kind").span();
    for (const auto& [key, value] : doc.at("spec.podSelector.matchLabels").members())
      p.selector.emplace_back(key.text(), value.text());
    const auto rules = doc.at("spec.ingress").items();
    p.only_ports = !rules.empty() && std::all_of(rules.begin(), rules.end(), [](const YamlNode& r) {
      return r["ports"].size() > 0;
    });
    launch_.policies.push_back(std::move(p));
    ++launch_.other_documents;
  }

  void selector(const YamlNode& spec) {
    const YamlNode labels = spec.at("template.metadata.labels");
    for (const auto& [key, value] : spec.at("selector.matchLabels").members()) {
      const YamlNode label = labels[key.text()];
      if (label.text() == value.text()) continue;
      launch_.remarks.push_back({"selector-matches-nothing",
                                 value.span(),
                                 "The template's label " + std::string(key.text()) + " is \"" +
                                     std::string(label.text()) + "\", the selector asks for \"" +
                                     std::string(value.text()) + "\".",
                                 {}});
    }
  }

  void fields(const YamlNode& node, FieldTable table) {
    for (const auto& [key, value] : node.members()) {
      if (!key.is_scalar()) continue;
      const FieldVerdict verdict = judge_field(table, key.text());
      if (verdict.known) continue;
      Remark r{"manifest-field-unknown",
               key.span(),
               "Kubernetes knows no field \"" + std::string(key.text()) + "\" here",
               {}};
      if (!verdict.nearest.empty()) {
        r.detail += "; \"" + std::string(verdict.nearest) + "\" is near";
        if (!node[verdict.nearest]) r.edits.push_back({key.span(), std::string(verdict.nearest)});
      }
      r.detail += ".";
      launch_.remarks.push_back(std::move(r));
    }
  }
  void fields_of_pod(const YamlNode& pod) {
    fields(pod, FieldTable::Pod);
    fields(pod["securityContext"], FieldTable::PodSecurity);
    for (const YamlNode& v : pod["volumes"].items()) fields(v, FieldTable::Volume);
  }
  void fields_of_container(const YamlNode& c) {
    fields(c, FieldTable::Container);
    fields(c["resources"], FieldTable::Resources);
    fields(c["securityContext"], FieldTable::ContainerSecurity);
    for (std::string_view p : {"startupProbe", "readinessProbe", "livenessProbe"})
      fields(c[p], FieldTable::Probe);
    for (const YamlNode& m : c["volumeMounts"].items()) fields(m, FieldTable::VolumeMount);
    for (const YamlNode& e : c["env"].items()) fields(e, FieldTable::Env);
  }
  void fields_of_lws(const YamlNode& spec, const YamlNode& lws) {
    fields(spec, FieldTable::LwsSpec);
    fields(lws, FieldTable::LwsTemplate);
  }

  struct MemoryVolume {
    std::string name;
    YamlNode limit;
    bool memory = false;
  };

  const SourceText& source_;
  Launch& launch_;
  Group group_;
  std::vector<MemoryVolume> memory_volumes_;
};

}  // namespace

Text text_of(const YamlNode& node) {
  if (!node.is_scalar()) return {};
  return {std::string(node.text()), node.span(), is_reference(node.text())};
}

void read_kubernetes(const YamlStream& stream, Launch& launch) {
  Manifest manifest(stream.source(), launch);
  for (const YamlNode& doc : stream.documents()) {
    if (!doc.is_map()) continue;
    ++launch.documents;
    manifest.document(doc);
  }
}

}  // namespace rankdx::lint
