#include "live/collect_here.h"

#include <fmt/format.h>

#include <algorithm>

#include "live/live_json.h"
#include "present/check_report.h"
#include "probe/within.h"

namespace rankdx {
namespace {

constexpr size_t kMostProcesses = 64;

SeenVariables of_process(const HostView& host, const HostProcess& p, const std::string& name) {
  SeenVariables out{name, fmt::format("process {} ({})", p.pid, p.name), {}, {}};
  if (auto variables = process_environment(host, p.pid))
    out.variables = std::move(*variables);
  else
    out.why_not = variables.error().text;
  return out;
}

/// What a command started here would inherit, what the processes of a launch have, and what NCCL
/// reads from its files.
std::vector<SeenVariables> variables_here(const HostView& host, const std::string& name) {
  const Variables own = own_environment();
  std::vector<SeenVariables> all = {{name, "rankdx itself", own, {}}};
  std::vector<HostProcess> processes = serving_processes(host);
  const size_t more = processes.size() - std::min(processes.size(), kMostProcesses);
  processes.resize(processes.size() - more);
  for (const HostProcess& p : processes) all.push_back(of_process(host, p, name));
  if (more > 0) all.push_back({name, fmt::format("{} more processes", more), {}, "too many"});
  for (const std::string& path : nccl_files(own)) {
    if (const auto text = host.read(path)) all.push_back({name, path, parse_nccl_conf(*text), {}});
  }
  return all;
}

}  // namespace

CollectedTexts collect_here(const HostView& host, const std::string& name,
                            const PodLimits& limits) {
  CollectedTexts out;
  PodOptions options;
  options.environment = own_environment();
  options.scope = is_container(host, options.environment) ? Scope::Pod : Scope::Host;
  const std::string what = options.scope == Scope::Pod ? "pod" : "host";
  const CheckReport report = check_pod_within(limits, host, options);
  out.texts.push_back({fmt::format("checks/{}.json", what),
                       fmt::format("check {} on {}, where this bundle was made", what, name),
                       check_json(report)});
  for (const CheckResult& c : report.checks) {
    if (c.status == CheckStatus::Unknown && c.why.starts_with(kNoAnswer))
      out.losses.push_back({fmt::format("check {}: {}", what, c.id), c.why});
  }
  const std::string source = "variables on " + name;
  if (const auto seen = within(limits.all, [host, name] { return variables_here(host, name); }))
    out.texts.push_back({"checks/environment.json", source, environment_json(*seen)});
  else
    out.losses.push_back({source, "no answer in time"});
  return out;
}

}  // namespace rankdx
