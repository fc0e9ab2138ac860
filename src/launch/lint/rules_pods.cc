// Containers and pods: shared memory, limits, probes, ports, images, Services.
#include <algorithm>

#include "base/text.h"
#include "catalogue/vllm_releases.h"
#include "launch/lint/judge.h"
#include "launch/lint/readers.h"

namespace rankdx::lint {
namespace {

constexpr int64_t kSmallShmBytes = int64_t{1} << 30;
constexpr int64_t kShortLoad_s = 60, kUsualLoad_s = 600, kUsualStart_s = 300;
constexpr int64_t kDefaultPort = 8000;

bool runs_several_gpus(const Container& c) {
  if (c.gpu_count && *c.gpu_count > 1) return true;
  for (const Serve& s : c.serves) {
    for (std::string_view name :
         {"--tensor-parallel-size", "--pipeline-parallel-size", "--nnodes"}) {
      const auto n = flag_number(s, name);
      if (n && *n > 1) return true;
      const Flag* f = find_flag(s, name);
      if (f != nullptr && f->value && f->value->dynamic) return true;
    }
  }
  return false;
}

std::optional<int64_t> port_of(const Serve& s) {
  const Flag* f = find_flag(s, "--port");
  if (f == nullptr) return s.unknown_words ? std::nullopt : std::optional<int64_t>(kDefaultPort);
  return f->value && !f->value->dynamic ? parse_int<int64_t>(f->value->text) : std::nullopt;
}

bool matches(const std::vector<std::pair<std::string, std::string>>& selector, const Group& g) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& s) {
    return std::find(g.labels.begin(), g.labels.end(), s) != g.labels.end();
  });
}

class PodJudge {
 public:
  PodJudge(Judge& judge, const Group& group) : j_(judge), g_(group) {}

  void run() {
    for (const Container& c : g_.containers) {
      image(c);
      // KubeRay starts Ray by itself.
      const bool ray = g_.kind == GroupKind::RayCluster;
      if (c.serves.empty() && c.rays.empty() && !(ray && c.gpus)) continue;
      shared_memory(c);
      memlock(c);
      probes(c);
      volumes(c);
    }
    if (g_.preemptible && serves()) {
      std::vector<Edit> edits;
      if (g_.kind == GroupKind::Runai) {
        const std::string_view word = j_.source.part(g_.preemptible.span);
        const size_t at = word.rfind("preemptible");
        const uint32_t begin = g_.preemptible.span.begin + static_cast<uint32_t>(at);
        if (at != word.npos) edits = {{{begin, begin + 11}, "non-preemptible"}};
      }
      j_.add("preemptible-server", g_.preemptible.span, "", std::move(edits));
    }
    network();
    services();
  }

 private:
  bool serves() const {
    return std::any_of(g_.containers.begin(), g_.containers.end(), [](const Container& c) {
      return !c.serves.empty() || !c.rays.empty() || is_vllm_image(c.image.text);
    });
  }

  void shared_memory(const Container& c) {
    const bool asked = c.shm != Known::Unknown &&
                       (runs_several_gpus(c) || !c.rays.empty() || g_.kind == GroupKind::Runai);
    if (!asked) return;
    if (c.shm == Known::No) {
      j_.add("shm-too-small", c.shm_span,
             c.name.empty() ? "" : "Container " + c.name + " has no /dev/shm of its own.",
             more_shm(c));
    } else if (c.shm_bytes && *c.shm_bytes < kSmallShmBytes) {
      Issue& i = j_.add("shm-too-small", c.shm_span,
                        "It has " + std::to_string(*c.shm_bytes >> 20) + " MiB.");
      if (*c.shm_bytes <= int64_t{64} << 20) i.severity = Severity::Error;
    }
  }

  std::vector<Edit> more_shm(const Container& c) const {
    if (g_.kind == GroupKind::Runai && c.role != Role::Worker)
      return {{{g_.add_flag.end, g_.add_flag.end}, " --large-shm"}};
    if (g_.kind == GroupKind::Docker) return {{{g_.add_flag.end, g_.add_flag.end}, " --ipc=host"}};
    if (g_.kind == GroupKind::Compose) {
      const uint32_t end = j_.source.line_end(c.span.begin);
      const std::string_view next = j_.source.part({end, j_.source.line_end(end)});
      const size_t indent = next.find_first_not_of(' ');
      if (indent != next.npos && indent > 0 && next[indent] != '-')
        return {{{end, end}, std::string(indent, ' ') + "shm_size: 16gb\n"}};
    }
    return {};
  }

  void memlock(const Container& c) {
    if (c.rdma != Known::Yes || c.ipc_lock != Known::No || c.privileged) return;
    j_.add("memlock-limit", c.rdma_span, c.name.empty() ? "" : "Container " + c.name + ".");
  }

  void probes(const Container& c) {
    const bool headless = c.serves.size() == 1 && find_flag(c.serves[0], "--headless") != nullptr;
    for (const auto* p : {&c.startup, &c.readiness, &c.liveness}) {
      if (!*p || (!(*p)->http && !(*p)->tcp)) continue;
      if (headless) {
        j_.add("probe-on-worker", (*p)->span, "This container runs with --headless.");
        continue;
      }
      port((*p)->port, c, "The probe asks");
    }
    if (c.serves.empty() || headless) return;
    if (c.startup) {
      budget(*c.startup, kUsualStart_s, "startupProbe");
    } else if (c.liveness) {
      budget(*c.liveness, kUsualLoad_s, "livenessProbe", startup_probe(c));
    }
  }

  void budget(const Probe& p, int64_t enough_s, std::string_view name,
              std::vector<Edit> edits = {}) {
    const int64_t seconds = std::clamp<int64_t>(p.initial_delay_s, 0, 1'000'000) +
                            std::clamp<int64_t>(p.period_s, 0, 1'000'000) *
                                std::clamp<int64_t>(p.failures, 0, 1'000'000);
    if (seconds >= enough_s) return;
    Issue& i =
        j_.add("probe-kills-slow-load", p.span,
               "The " + std::string(name) + " gives up after " + std::to_string(seconds) + " s.",
               std::move(edits));
    if (seconds >= kShortLoad_s) i.severity = Severity::Warning;
    i.confidence = Confidence::Likely;
  }

  std::vector<Edit> startup_probe(const Container& c) const {
    const Probe& p = *c.liveness;
    if (!p.http || !p.port) return {};
    const uint32_t line = j_.source.line_begin(p.span.begin);
    const std::string indent(p.span.begin - line, ' ');
    if (j_.source.part({line, p.span.begin}) != indent) return {};
    const std::string path = p.path.empty() ? "/health" : p.path;
    if (path.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.") !=
        std::string::npos)
      return {};
    return {{{line, line},
             indent + "startupProbe:\n" + indent + "  httpGet:\n" + indent + "    path: " + path +
                 "\n" + indent + "    port: " + p.port.text + "\n" + indent +
                 "  periodSeconds: 10\n" + indent + "  failureThreshold: 360\n"}};
  }

  void port(const Text& port, const Container& c, std::string_view who) {
    const auto number = parse_int<int64_t>(port.text);
    if (!number || c.serves.size() != 1) return;
    const auto listens = port_of(c.serves[0]);
    if (!listens || *listens == *number || c.other_program) return;
    // Another program of the container may have the port that it declares.
    if (std::any_of(c.ports.begin(), c.ports.end(),
                    [&](const Text& p) {
                      return p.text == port.text && p.text != std::to_string(*listens);
                    }) &&
        c.ports.size() > 1)
      return;
    j_.add("port-mismatch", port.span,
           std::string(who) + " for port " + port.text + ", vLLM listens on " +
               std::to_string(*listens) + ".",
           {{port.span, std::to_string(*listens)}});
  }

  void volumes(const Container& c) {
    if (!c.run_as_user || *c.run_as_user == 0 || g_.fs_group || !g_.fs_group_known) return;
    for (const Mount& m : c.mounts) {
      const bool writable =
          std::find(g_.writable.begin(), g_.writable.end(), m.volume) != g_.writable.end();
      if (!writable || m.read_only) continue;
      j_.add("volume-not-writable", c.run_as_user_span,
             "runAsUser " + std::to_string(*c.run_as_user) + ", no fsGroup, and " + m.path +
                 " is mounted for writing.")
          .confidence = Confidence::Likely;
      return;
    }
  }

  void image(const Container& c) {
    const std::string& text = c.image.text;
    if (text.empty() || c.image.dynamic || text.find('@') != std::string::npos ||
        text.find("{{") != std::string::npos || text.find('$') != std::string::npos)
      return;
    if (c.serves.empty() && c.rays.empty() && !is_vllm_image(text)) return;
    const size_t slash = text.rfind('/');
    const size_t colon = text.find(':', slash == std::string::npos ? 0 : slash);
    const std::string tag = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (!tag.empty() && tag != "latest" && tag != "nightly") return;
    std::vector<Edit> edits;
    const std::string name = text.substr(0, colon);
    const std::string version = j_.options.vllm ? "v" + to_string(*j_.options.vllm)
                                                : std::string(vllm_releases().back().name);
    if (name.ends_with("vllm/vllm-openai")) {
      const std::string_view written = j_.source.part(c.image.span);
      const size_t at = written.find(text);
      const uint32_t begin = c.image.span.begin + static_cast<uint32_t>(at);
      if (at != written.npos)
        edits = {{{begin, begin + static_cast<uint32_t>(text.size())}, name + ":" + version}};
    }
    j_.add("image-tag-latest", c.image.span,
           text + (tag.empty() ? " has no tag: it means latest." : "."), std::move(edits));
  }

  void network() {
    if (!g_.host_network) return;
    const bool kubernetes = g_.kind != GroupKind::Docker && g_.kind != GroupKind::Compose &&
                            g_.kind != GroupKind::Runai;
    if (kubernetes && g_.dns_policy != "ClusterFirstWithHostNet") {
      std::vector<Edit> edits;
      if (g_.dns_policy.empty()) edits = beside_containers("dnsPolicy: ClusterFirstWithHostNet");
      j_.add("host-network-dns", g_.host_network_span, "", std::move(edits));
    }
    if (kubernetes && serves() && g_.replicas.value_or(1) > 1)
      j_.add("host-network-port-clash", g_.host_network_span,
             std::to_string(*g_.replicas) + " replicas.")
          .confidence = Confidence::Possible;
  }

  /// A line in each pod spec, before its containers.
  std::vector<Edit> beside_containers(std::string_view text) const {
    std::vector<Edit> edits;
    for (Span key : g_.containers_keys) {
      const uint32_t line = j_.source.line_begin(key.begin);
      const std::string indent(key.begin - line, ' ');
      if (j_.source.part({line, key.begin}) == indent)
        edits.push_back({{line, line}, indent + std::string(text) + "\n"});
    }
    return edits;
  }

  void services() {
    if (g_.kind == GroupKind::Docker || g_.kind == GroupKind::Compose ||
        g_.kind == GroupKind::Script)
      return;
    const auto ports = listening();
    for (const Service& s : j_.launch.services) {
      const bool same_space = s.space.empty() || g_.space.empty() || s.space == g_.space;
      if (s.name == "vllm" && same_space && g_.service_links && serves()) {
        bool own = false;
        for (const Container& c : g_.containers) own |= find_variable(c, "VLLM_PORT") != nullptr;
        if (!own)
          j_.add("vllm-port-from-service", s.name_span,
                 "Pods of " + g_.name + " get VLLM_PORT from it.",
                 beside_containers("enableServiceLinks: false"));
      }
      if (same_space && ports && !s.selector.empty() && matches(s.selector, g_)) {
        targets(s, *ports);
      }
    }
    for (const Policy& p : j_.launch.policies) {
      if (p.only_ports && over_nodes(g_) && matches(p.selector, g_))
        j_.add("network-policy-blocks-group", p.span, "");
    }
  }

  /// Ports that something listens on, as far as that can be told; nothing when it cannot.
  std::optional<std::vector<std::string>> listening() const {
    std::vector<std::string> ports;
    bool any = false;
    for (const Container& c : g_.containers) {
      if (!c.rays.empty() || c.serves.empty()) return std::nullopt;
      for (const Text& p : c.ports) ports.push_back(p.text);
      for (const Serve& serve : c.serves) {
        const auto port = port_of(serve);
        if (!port) return std::nullopt;
        ports.push_back(std::to_string(*port));
        any = true;
      }
    }
    return any ? std::optional(ports) : std::nullopt;
  }

  void targets(const Service& s, const std::vector<std::string>& ports) {
    for (const Text& t : s.target_ports) {
      const bool named = !parse_int<int64_t>(t.text);
      if (named || std::find(ports.begin(), ports.end(), t.text) != ports.end()) continue;
      j_.add("port-mismatch", t.span,
             "Service " + s.name + " sends to port " + t.text + "; nothing listens there.");
    }
  }

  Judge& j_;
  const Group& g_;
};

}  // namespace

void judge_pods(Judge& judge) {
  for (const Group& g : judge.launch.groups) {
    if (g.kind != GroupKind::Environment) PodJudge(judge, g).run();
  }
}

}  // namespace rankdx::lint
