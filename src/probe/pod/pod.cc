#include "probe/pod/pod.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "probe/pod/checks.h"
#include "probe/within.h"

namespace rankdx {
namespace {

/// `shared`: sees the same from another container of the pod that shares its network and processes.
struct Topic {
  std::string_view name;
  PodCheck check;
  bool shared;
};

/// In the order of the report: hardware, container, network, configuration.
constexpr std::array<Topic, 20> kTopics = {{
    {"gpus", check_gpus, false},
    {"gpu-health", check_gpu_health, false},
    {"gpu-links", check_gpu_links, false},
    {"xid", check_xid, false},
    {"libraries", check_libraries, false},
    {"shm", check_shm, false},
    {"limits", check_limits, true},
    {"memory", check_memory_limit, false},
    {"interfaces", check_interfaces, true},
    {"names", check_name_resolution, true},
    {"rdma", check_rdma, false},
    {"pcie", check_pcie, false},
    {"numa", check_numa, false},
    {"model", check_model_files, false},
    {"cache", check_cache_dirs, false},
    {"user", check_user, false},
    {"environment", check_environment, true},
    {"preload", check_preload, false},
    {"clock", check_clock, false},
    {"ports", check_ports, true},
}};

bool is_wanted(const Topic& topic, const std::vector<std::string>& only) {
  return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& word) {
           return word == topic.name || (word == "shared" && topic.shared);
         });
}

void choose_environment(PodContext& ctx) {
  if (ctx.options.server_pid) {
    ctx.server = read_process(ctx.host, static_cast<int>(*ctx.options.server_pid));
  } else {
    ctx.server = server_process(ctx.host);
  }
  ctx.environment = ctx.options.environment;
  ctx.environment_source = "this process";
  if (!ctx.server) return;
  auto environment = process_environment(ctx.host, ctx.server->pid);
  const std::string source = fmt::format("/proc/{}/environ", ctx.server->pid);
  if (environment) {
    ctx.environment = std::move(*environment);
    ctx.environment_source = source;
  } else {
    ctx.environment_error = source + ": " + environment.error().text;
  }
}

void read_settings_files(PodContext& ctx) {
  for (const std::string& path : nccl_files(ctx.environment)) {
    if (const auto text = ctx.host.read(path)) ctx.file_settings.merge(parse_nccl_conf(*text));
  }
}

NvmlSnapshot nvml_for(const PodContext& ctx) {
  if (!ctx.options.nvml_library.empty()) return read_nvml(ctx.options.nvml_library);
  if (ctx.host.is_this_machine()) return read_nvml();
  NvmlSnapshot none;
  none.error = "not loaded from below another root";
  return none;
}

/// What the topics look at. Owns all of it: one that hangs outlives its caller.
struct Ground {
  Ground(const HostView& view, const PodOptions& wanted) : host(view), options(wanted) {}
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;
  const HostView host;
  const PodOptions options;
  PodContext context{host, options, {}, {}, {}, {}, {}, {}};
};

void prepare(PodContext& ctx) {
  choose_environment(ctx);
  read_settings_files(ctx);
  ctx.nvml = nvml_for(ctx);
}

std::string_view subject(const PodOptions& options) {
  return options.scope == Scope::Pod ? "this pod" : "this host";
}

}  // namespace

std::vector<std::string> pod_topics() {
  std::vector<std::string> out = {"shared"};
  for (const Topic& t : kTopics) out.emplace_back(t.name);
  return out;
}

std::optional<std::string> PodContext::variable(std::string_view name) const {
  for (const Variables* e : {&environment, &file_settings}) {
    if (const auto it = e->find(name); it != e->end()) return it->second;
  }
  return std::nullopt;
}

std::string PodContext::process_dir() const {
  return server ? fmt::format("/proc/{}/", server->pid) : "/proc/self/";
}

CheckReport check_pod(const HostView& host, const PodOptions& options) {
  PodContext ctx{host, options, {}, {}, {}, {}, {}, {}};
  prepare(ctx);
  Checklist list;
  for (const Topic& t : kTopics) {
    if (is_wanted(t, options.only)) t.check(ctx, list);
  }
  return list.take(subject(options));
}

CheckReport check_pod_within(const PodLimits& limits, const HostView& host,
                             const PodOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + limits.all;
  const auto ground = std::make_shared<Ground>(host, options);
  const bool prepared =
      within(limits.all, [ground] { return prepare(ground->context), true; }).has_value();
  Checklist list;
  for (const Topic& t : kTopics) {
    if (!is_wanted(t, options.only)) continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    const auto limit = std::max(std::min(limits.topic, left), std::chrono::milliseconds(0));
    auto part = prepared ? within(limit,
                                  [ground, &t] {
                                    Checklist one;
                                    t.check(ground->context, one);
                                    return one;
                                  })
                         : std::nullopt;
    if (!part) {
      list.unknown(std::string(t.name), fmt::format("{}{} ms", kNoAnswer, limit.count()), "");
      continue;
    }
    for (const CheckResult& c : part->checks()) list.add(c);
    for (const Finding& f : part->findings()) list.add(f);
  }
  return list.take(subject(options));
}

bool is_container(const HostView& host, const Variables& environment) {
  return environment.contains("KUBERNETES_SERVICE_HOST") || host.exists("/.dockerenv") ||
         host.exists("/run/.containerenv");
}

}  // namespace rankdx
