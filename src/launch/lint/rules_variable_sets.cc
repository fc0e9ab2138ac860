// Variables that go together: contradictions, output that gets lost, values that must differ or
// must not.
#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "catalogue/nccl_variables.h"
#include "catalogue/vllm_variables.h"
#include "launch/lint/judge.h"

namespace rankdx::lint {
namespace {

std::optional<int64_t> number_of(const Container& c, std::string_view name) {
  return parse_int<int64_t>(value_of(c, name));
}

Span name_span(const Container& c, std::string_view name) {
  const EnvVar* v = find_variable(c, name);
  return v == nullptr ? Span{} : v->name_span;
}

std::vector<Edit> removal(Judge& j, const Container& c, std::string_view name) {
  const EnvVar* v = find_variable(c, name);
  return v == nullptr ? std::vector<Edit>{} : remove_variable(j.source, *v);
}

/// `name` does nothing while `by` has that value.
struct Ineffective {
  std::string_view name, by, value;
};
constexpr Ineffective kIneffective[] = {
    {"NCCL_IB_HCA", "NCCL_IB_DISABLE", "1"},
    {"NCCL_IB_GID_INDEX", "NCCL_IB_DISABLE", "1"},
    {"NCCL_IB_TC", "NCCL_IB_DISABLE", "1"},
    {"NCCL_IB_TIMEOUT", "NCCL_IB_DISABLE", "1"},
    {"NCCL_IB_SL", "NCCL_IB_DISABLE", "1"},
    {"NCCL_IB_QPS_PER_CONNECTION", "NCCL_IB_DISABLE", "1"},
    {"NCCL_P2P_LEVEL", "NCCL_P2P_DISABLE", "1"},
    {"NCCL_NVLS_NCHANNELS", "NCCL_NVLS_ENABLE", "0"},
    {"NCCL_RAS_ADDR", "NCCL_RAS_ENABLE", "0"},
    {"NCCL_SOCKET_NTHREADS", "NCCL_NET", "IB"},
};
struct Ordered {
  std::string_view least, most;
};
constexpr Ordered kOrdered[] = {{"NCCL_MIN_NCHANNELS", "NCCL_MAX_NCHANNELS"},
                                {"NCCL_MIN_CTAS", "NCCL_MAX_CTAS"},
                                {"NCCL_MIN_P2P_NCHANNELS", "NCCL_MAX_P2P_NCHANNELS"},
                                {"NCCL_MIN_NRINGS", "NCCL_MAX_NRINGS"}};

void conflicts(Judge& j, const Container& c) {
  for (const Ineffective& i : kIneffective) {
    if (value_of(c, i.name).empty() || lower(value_of(c, i.by)) != lower(i.value)) continue;
    j.add("nccl-env-values-conflict", name_span(c, i.name),
          std::string(i.name) + " does nothing while " + std::string(i.by) + "=" +
              std::string(i.value) + ".",
          removal(j, c, i.name));
  }
  for (const Ordered& o : kOrdered) {
    const auto least = number_of(c, o.least), most = number_of(c, o.most);
    if (least && most && *least > *most)
      j.add("nccl-env-values-conflict", name_span(c, o.least),
            std::string(o.least) + " is greater than " + std::string(o.most) + ".");
  }
  const auto threads = number_of(c, "NCCL_SOCKET_NTHREADS"),
             sockets = number_of(c, "NCCL_NSOCKS_PERTHREAD");
  if (threads && sockets && *threads > 0 && *sockets > 64 / *threads) {
    j.add("nccl-env-values-conflict", name_span(c, "NCCL_NSOCKS_PERTHREAD"),
          "NCCL_SOCKET_NTHREADS x NCCL_NSOCKS_PERTHREAD is " + std::to_string(*threads) + " x " +
              std::to_string(*sockets) + "; NCCL takes at most 64 and warns at each connection.");
  }
  if (value_of(c, "NCCL_IB_DISABLE") == "1" && lower(value_of(c, "NCCL_NET")) == "ib") {
    j.add("nccl-env-values-conflict", name_span(c, "NCCL_NET"),
          "NCCL_NET=IB asks for what NCCL_IB_DISABLE=1 switches off: init fails.")
        .severity = Severity::Error;
  }
  if (value_of(c, "NCCL_P2P_DISABLE") == "1" && value_of(c, "NCCL_SHM_DISABLE") == "1") {
    j.add("p2p-and-shm-disabled-by-env", name_span(c, "NCCL_SHM_DISABLE"), "",
          removal(j, c, "NCCL_SHM_DISABLE"));
  }
  if (value_of(c, "HF_HUB_OFFLINE") == "0" && value_of(c, "TRANSFORMERS_OFFLINE") == "1") {
    const EnvVar* v = find_variable(c, "HF_HUB_OFFLINE");
    j.add("offline-contradiction", v->name_span, "", set_variable(j.source, *v, "1"));
  }
}

bool may_lose_output(const Group& g) {
  return g.kind != GroupKind::Environment && g.kind != GroupKind::Script;
}

void output(Judge& j, const Group& g, const Container& c) {
  const std::string level = lower(value_of(c, "NCCL_DEBUG"));
  const bool logs = level == "info" || level == "trace";
  const EnvVar* file = find_variable(c, "NCCL_DEBUG_FILE");
  const EnvVar* subsys = find_variable(c, "NCCL_DEBUG_SUBSYS");
  const EnvVar* debug = find_variable(c, "NCCL_DEBUG");
  const bool unbuffered = find_variable(c, "PYTHONUNBUFFERED") != nullptr;
  if (logs && file == nullptr && !unbuffered && !c.more_env && may_lose_output(g)) {
    j.add("nccl-output-missing", debug->name_span,
          "NCCL_DEBUG=" + debug->value.text + " without NCCL_DEBUG_FILE or PYTHONUNBUFFERED.",
          j.options.purpose == Purpose::Debug ? add_variable(j.source, c, "PYTHONUNBUFFERED", "1")
                                              : std::vector<Edit>{});
  }
  if (subsys != nullptr && !subsys->value.dynamic && !logs && !c.more_env &&
      (debug == nullptr || !debug->value.dynamic)) {
    j.add("nccl-env-values-conflict", subsys->name_span,
          "NCCL_DEBUG_SUBSYS does nothing without NCCL_DEBUG=INFO.",
          remove_variable(j.source, *subsys));
  }
  if (file != nullptr && !file->value.dynamic && !file->value.text.empty() &&
      file->value.text.find('%') == std::string::npos && !file->value.text.starts_with("/dev/")) {
    j.add("debug-file-shared", file->value.span, "NCCL_DEBUG_FILE=" + file->value.text + ".",
          set_variable(j.source, *file, file->value.text + ".%h.%p"));
  }
}

void twice(Judge& j, const Container& c) {
  std::map<std::string_view, const EnvVar*> seen;
  for (const EnvVar& v : c.env) {
    const auto [at, is_new] = seen.try_emplace(v.name, &v);
    if (is_new) continue;
    const EnvVar& first = *at->second;
    const bool same = first.value.text == v.value.text && first.value.dynamic == v.value.dynamic;
    j.add(
        "variable-twice", v.name_span,
        v.name + (same ? " is set to the same value before." : " is set to another value before."),
        same ? remove_variable(j.source, v) : std::vector<Edit>{});
  }
}

/// Names that the kernel gives by slot or port: they differ between machine types.
bool names_one_device(std::string_view interface) {
  while (!interface.empty() && (interface[0] == '^' || interface[0] == '='))
    interface.remove_prefix(1);
  const bool by_slot = interface.starts_with("enp") || interface.starts_with("ens") ||
                       interface.starts_with("eno") || interface.starts_with("enx") ||
                       interface.starts_with("ibp") || interface.starts_with("ibs");
  return by_slot && std::any_of(interface.begin(), interface.end(), is_digit);
}

/// One text that several nodes run as it is; docker and compose files are written for one host
/// each.
bool of_many_pods(const Group& g) {
  return g.kind != GroupKind::Script && g.kind != GroupKind::Docker && g.kind != GroupKind::Compose;
}

void one_node(Judge& j, const Group& g, const Container& c) {
  const bool multi = over_nodes(g);
  for (const EnvVar* v : variables_of(c)) {
    if (v->value.dynamic || v->value.text.empty()) continue;
    const std::string_view value = v->value.text;
    const bool interface = v->name == "NCCL_SOCKET_IFNAME" || v->name == "GLOO_SOCKET_IFNAME" ||
                           v->name == "TP_SOCKET_IFNAME" || v->name == "NCCL_OOB_NET_IFNAME";
    if (interface && (value == "lo" || value == "=lo") && (multi || g.nodes.value_or(1) > 1)) {
      Issue& i = j.add("variable-fixed-to-one-node", v->value.span,
                       v->name + "=lo: other nodes cannot be reached over it.");
      i.severity = Severity::Error;
    } else if (interface && multi && names_one_device(value)) {
      j.add("variable-fixed-to-one-node", v->value.span,
            v->name + "=" + std::string(value) + " names a slot of one machine type.");
    } else if (multi && (v->name == "NCCL_IB_HCA" || v->name == "UCX_NET_DEVICES") &&
               std::any_of(value.begin(), value.end(), is_digit) && value.find('_') != value.npos &&
               !value.starts_with('^')) {
      j.add("variable-fixed-to-one-node", v->value.span,
            v->name + "=" + std::string(value) + " numbers the cards of one machine type.");
    } else if (multi && v->name == "NCCL_IB_GID_INDEX" && value != "-1") {
      j.add("variable-fixed-to-one-node", v->value.span,
            "The GID table differs between nodes; NCCL 2.21 and later choose by themselves.")
          .severity = Severity::Warning;
    } else if (v->name == "VLLM_HOST_IP" && multi && of_many_pods(g) &&
               value.find_first_of("0123456789") != value.npos) {
      j.add("wrong-host-ip-advertised", v->value.span,
            "VLLM_HOST_IP is " + std::string(value) + " on every node.",
            remove_variable(j.source, *v));
    } else if (v->name == "VLLM_HOST_IP" &&
               (value == "127.0.0.1" || value == "localhost" || value == "0.0.0.0") && multi) {
      j.add("wrong-host-ip-advertised", v->value.span,
            "VLLM_HOST_IP=" + std::string(value) + " cannot be reached from another node.");
    } else if (v->name == "HOST_IP" && find_variable(c, "VLLM_HOST_IP") == nullptr &&
               !c.serves.empty()) {
      j.add("host-ip-ignored", v->name_span, "", rename_variable(*v, "VLLM_HOST_IP"));
    } else if (v->name == "CUDA_VISIBLE_DEVICES" && uses_ray(g)) {
      j.add("cuda-visible-devices-under-ray", v->name_span,
            "CUDA_VISIBLE_DEVICES=" + std::string(value) + ".", remove_variable(j.source, *v));
    }
  }
}

bool must_be_equal(std::string_view name) {
  if (name == "NCCL_DEBUG" || name.starts_with("NCCL_DEBUG_")) return false;
  if (const LaunchVariable* v = find_launch_variable(name)) {
    return !v->own_of_node && v->use == LaunchVariableUse::Configuration &&
           (name.starts_with("GLOO_") || name.starts_with("VLLM_USE_") ||
            name.starts_with("VLLM_ALL") || name.starts_with("UCX_"));
  }
  return find_nccl_variable(name) != nullptr;
}

/// NCCL settings that make ranks hang when they differ; others only slow or confuse.
bool hangs_when_different(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames = {
      "NCCL_ALGO",          "NCCL_PROTO", "NCCL_CUMEM_ENABLE", "NCCL_MAX_NCHANNELS",
      "NCCL_MIN_NCHANNELS", "NCCL_NET",   "NCCL_BUFFSIZE",     "NCCL_COMM_ID"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

void differs(Judge& j, const Container& from, const Container& to, std::string_view to_name) {
  if (from.more_env || to.more_env) return;
  for (const EnvVar* v : variables_of(from)) {
    if (v->from_reference || v->value.dynamic || !must_be_equal(v->name)) continue;
    const EnvVar* other = find_variable(to, v->name);
    if (other != nullptr && (other->value.dynamic || other->value.text == v->value.text)) continue;
    if (other != nullptr && to_name == "leader") continue;  // reported from the other side
    std::string detail =
        v->name + (other == nullptr ? " is not set on the " + std::string(to_name) + "."
                                    : " is " + v->value.text + " here and " + other->value.text +
                                          " on the " + std::string(to_name) + ".");
    Issue& i = j.add("nccl-env-differs-between-ranks", v->name_span, std::move(detail),
                     other == nullptr ? add_variable(j.source, to, v->name, v->value.text)
                                      : set_variable(j.source, *other, v->value.text));
    if (hangs_when_different(v->name)) i.severity = Severity::Error;
  }
}

}  // namespace

void judge_variable_sets(Judge& judge) {
  for (const Group& g : judge.launch.groups) {
    const Container *leader = nullptr, *worker = nullptr;
    for (const Container& c : g.containers) {
      conflicts(judge, c);
      output(judge, g, c);
      twice(judge, c);
      one_node(judge, g, c);
      const bool runs = !c.serves.empty() || !c.rays.empty() || g.kind == GroupKind::RayCluster;
      if (c.role == Role::Leader && leader == nullptr && runs) leader = &c;
      if (c.role == Role::Worker && worker == nullptr && runs) worker = &c;
    }
    if (leader != nullptr && worker != nullptr) {
      differs(judge, *leader, *worker, "workers");
      differs(judge, *worker, *leader, "leader");
    }
  }
}

}  // namespace rankdx::lint
