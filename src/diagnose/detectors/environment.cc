// Variables that differ between ranks which must agree, or that contradict each other.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "diagnose/context.h"

namespace rankdx {
namespace {

/// What happens when ranks of one communicator carry different values.
enum class Effect { Hang, Fail, Slow };

struct MustAgree {
  std::string_view name;
  Effect effect;
};

/// Variables that take part in decisions which all ranks must make alike (NCCL graph/tuning.cc,
/// init.cc, transport/*.cc; lab runs with one value per node). Sorted by name.
constexpr std::array<MustAgree, 22> kMustAgree = {{
    {"NCCL_ALGO", Effect::Hang},
    {"NCCL_BUFFSIZE", Effect::Slow},
    {"NCCL_COLLNET_ENABLE", Effect::Fail},
    {"NCCL_CROSS_NIC", Effect::Slow},
    {"NCCL_CUMEM_ENABLE", Effect::Fail},
    {"NCCL_CUMEM_HOST_ENABLE", Effect::Fail},
    {"NCCL_IB_DISABLE", Effect::Fail},
    {"NCCL_LL128_BUFFSIZE", Effect::Slow},
    {"NCCL_LL_BUFFSIZE", Effect::Slow},
    {"NCCL_MAX_CTAS", Effect::Fail},
    {"NCCL_MAX_NCHANNELS", Effect::Fail},
    {"NCCL_MIN_CTAS", Effect::Fail},
    {"NCCL_MIN_NCHANNELS", Effect::Fail},
    {"NCCL_MNNVL_ENABLE", Effect::Fail},
    {"NCCL_NET", Effect::Fail},
    {"NCCL_NSOCKS_PERTHREAD", Effect::Slow},
    {"NCCL_NTHREADS", Effect::Hang},
    {"NCCL_NVLS_ENABLE", Effect::Fail},
    {"NCCL_P2P_DISABLE", Effect::Slow},
    {"NCCL_PROTO", Effect::Hang},
    {"NCCL_SHM_DISABLE", Effect::Slow},
    {"NCCL_SOCKET_NTHREADS", Effect::Slow},
}};

/// The values that each host's processes printed for one variable.
std::map<std::string, std::set<int>> hosts_by_value(const Job& job, std::string_view name) {
  std::map<std::string, std::set<int>> by_value;
  for (const EnvSeen& e : job.environment) {
    if (e.name != name) continue;
    for (int p : e.processes) by_value[e.value].insert(job.processes[p].host_index);
  }
  return by_value;
}

/// Processes of a host, in some communicator over several processes.
bool whole_host(const Job& job, int host, const std::set<int>& processes) {
  for (size_t i = 0; i < job.processes.size(); ++i) {
    if (job.processes[i].host_index == host && !processes.count(static_cast<int>(i))) return false;
  }
  return true;
}

/// Does the process print environment lines at all? Without the ENV subsystem their absence says
/// nothing.
bool prints_env(const Process& p) {
  return std::any_of(p.facts.begin(), p.facts.end(),
                     [](const ProcessFacts* f) { return !f->env.empty(); });
}

/// Some hosts have the variable on all their processes, others on none although they print
/// environment lines and got as far. Variables that only some ranks read (sockets, buffers) are
/// left out: their absence is normal.
bool one_sided(const Context& context, const MustAgree& rule, const EnvSeen& only,
               std::set<int>& without) {
  if (rule.effect == Effect::Slow) return false;
  const std::set<int> with(only.processes.begin(), only.processes.end());
  Stage reached = Stage::Seen;
  for (int p : with) reached = std::max(reached, context.job.processes[p].facts.front()->stage);
  for (size_t i = 0; i < context.job.processes.size(); ++i) {
    const Process& p = context.job.processes[i];
    if (p.host.empty() || with.count(static_cast<int>(i))) continue;
    if (!prints_env(p) || p.facts.front()->stage < std::min(reached, Stage::Topology)) continue;
    without.insert(static_cast<int>(i));
  }
  if (without.empty()) return false;
  return std::all_of(with.begin(), with.end(), [&](int p) {
    return rule.name == "NCCL_CUMEM_ENABLE" ||
           whole_host(context.job, context.job.processes[p].host_index, with);
  });
}

std::string value_list(const Context& context, const std::map<std::string, std::set<int>>& values) {
  std::string text;
  for (const auto& [value, hosts] : values) {
    text += fmt::format("{}{} on {}", text.empty() ? "" : ", ", value, context.host_list(hosts));
  }
  return text;
}

void add_difference(const Context& context, const MustAgree& rule, std::string text,
                    const std::set<int>& processes, FindingSet& findings) {
  Draft draft{.id = "nccl-env-differs-between-ranks"};
  static constexpr std::string_view kEffects[] = {
      "the first collective that the choice concerns never ends",
      "the ranks cannot agree while the communicator is set up",
      "the job may run slower or use more memory on some ranks"};
  draft.captures = {{"name", std::string(rule.name)},
                    {"values", std::move(text)},
                    {"effect", std::string(kEffects[static_cast<int>(rule.effect)])}};
  for (int p : processes) draft.where.push_back(context.where(p));
  for (const EnvSeen& e : context.job.environment) {
    if (e.name == rule.name) draft.evidence.push_back({e.source, e.at.line, e.at.text});
  }
  const bool harmful =
      rule.effect == Effect::Hang || (rule.effect == Effect::Fail && context.any_failure_sign());
  draft.severity = harmful ? Severity::Error : Severity::Warning;
  draft.confidence = Confidence::Likely;
  findings.add(std::move(draft));
}

/// "8MB": digits that strtoll takes, and a unit that it drops. Empty when the value is no such
/// thing.
std::string_view number_before_unit(std::string_view value) {
  const size_t digits = std::min(value.find_first_not_of("0123456789"), value.size());
  std::string_view unit = trim(value.substr(digits));
  if (digits == 0 || unit.empty() || unit.size() > 5) return {};
  const bool size_unit = std::string_view("kKmMgGbB").find(unit.front()) != std::string_view::npos;
  return size_unit && unit.find_first_not_of("kKmMgGiIbByYtTeEsS") == std::string_view::npos
             ? value.substr(0, digits)
             : std::string_view();
}

/// Sizes in bytes; strtoll ends at the unit (misc/param.cc).
void units_in_numbers(const Context& context, FindingSet& findings) {
  for (const EnvSeen& e : context.job.environment) {
    const bool size =
        e.name.ends_with("SIZE") || e.name.ends_with("THRESHOLD") || e.name.ends_with("BYTES");
    const std::string_view number = number_before_unit(e.value);
    if (!e.name.starts_with("NCCL_") || !size || number.empty()) continue;
    Draft draft{.id = "nccl-env-value-invalid"};
    draft.rule = findings.pack().find("nccl-env-value-invalid", "plain-number-with-unit");
    draft.captures = {{"name", e.name}, {"value", e.value}, {"number", std::string(number)}};
    for (int p : e.processes) draft.where.push_back(context.where(p));
    draft.evidence = {{e.source, e.at.line, e.at.text}};
    findings.add(std::move(draft));
  }
}

}  // namespace

void detect_environment(const Context& context, FindingSet& findings) {
  units_in_numbers(context, findings);
  if (context.job.processes.size() < 2) return;
  for (const MustAgree& rule : kMustAgree) {
    const auto values = hosts_by_value(context.job, rule.name);
    if (values.empty()) continue;
    std::set<int> concerned;
    for (const EnvSeen& e : context.job.environment) {
      if (e.name == rule.name) concerned.insert(e.processes.begin(), e.processes.end());
    }
    if (values.size() > 1) {
      add_difference(context, rule, value_list(context, values), concerned, findings);
      continue;
    }
    std::set<int> without;
    if (!one_sided(context, rule, *context.env(rule.name), without)) continue;
    std::set<int> hosts;
    for (int p : without) hosts.insert(context.job.processes[p].host_index);
    add_difference(context, rule,
                   value_list(context, values) + ", unset on " + context.host_list(hosts),
                   concerned, findings);
  }
}

}  // namespace rankdx
