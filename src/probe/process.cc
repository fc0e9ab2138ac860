#include "probe/process.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "catalogue/nccl_variables.h"
#include "catalogue/vllm_variables.h"

namespace rankdx {
namespace {

Variables parse_block(std::string_view block) {
  Variables out;
  for (const std::string_view entry : split(block, '\0')) {
    std::string_view value;
    const std::string_view name = take_until(entry, '=', value);
    if (!name.empty() && name.size() < entry.size()) out.emplace(name, value);
  }
  return out;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// 0: no part of a launch. Workers hold the variables that count, also those a launcher exports
/// late.
int rank_of(const HostProcess& p) {
  if (p.name.starts_with("VLLM::Worker") || has(p.command, "VLLM::Worker")) return 4;
  if (p.name.starts_with("VLLM::Engine") || has(p.command, "VLLM::Engine")) return 3;
  if (has(p.command, "RayWorkerWrapper")) return 3;
  if (has(p.command, "vllm.entrypoints") || has(p.command, "vllm serve")) return 2;
  return 0;
}

/// Names whose values say how a launch is wired and nothing else. Sorted.
constexpr std::array<std::string_view, 20> kPlainNames = {"CUDA_VISIBLE_DEVICES",
                                                          "GLOO_SOCKET_IFNAME",
                                                          "HF_HOME",
                                                          "HF_HUB_CACHE",
                                                          "HF_HUB_OFFLINE",
                                                          "HOME",
                                                          "LD_LIBRARY_PATH",
                                                          "LD_PRELOAD",
                                                          "LOCAL_RANK",
                                                          "MASTER_ADDR",
                                                          "MASTER_PORT",
                                                          "NVIDIA_VISIBLE_DEVICES",
                                                          "RANK",
                                                          "TP_SOCKET_IFNAME",
                                                          "TRANSFORMERS_OFFLINE",
                                                          "UCX_NET_DEVICES",
                                                          "UCX_TLS",
                                                          "VLLM_HOST_IP",
                                                          "VLLM_NCCL_SO_PATH",
                                                          "WORLD_SIZE"};

}  // namespace

std::vector<int> process_ids(const HostView& host) {
  std::vector<int> out;
  const auto names = host.list("/proc");
  if (!names) return out;
  for (const std::string& name : *names) {
    if (const auto pid = parse_int<int>(name)) out.push_back(*pid);
  }
  std::sort(out.begin(), out.end());
  return out;
}

HostProcess read_process(const HostView& host, int pid) {
  const std::string dir = "/proc/" + std::to_string(pid);
  HostProcess p;
  p.pid = pid;
  p.name = host.line(dir + "/comm").value_or("");
  p.command = host.read(dir + "/cmdline", 16384).value_or("");
  std::replace(p.command.begin(), p.command.end(), '\0', ' ');
  p.command = trim(p.command);
  return p;
}

std::vector<HostProcess> serving_processes(const HostView& host) {
  std::vector<HostProcess> out;
  for (const int pid : process_ids(host)) {
    HostProcess p = read_process(host, pid);
    if (rank_of(p) > 0) out.push_back(std::move(p));
  }
  return out;
}

std::optional<HostProcess> server_process(const HostView& host) {
  const auto all = serving_processes(host);
  const auto best = std::max_element(
      all.begin(), all.end(),
      [](const HostProcess& a, const HostProcess& b) { return rank_of(a) < rank_of(b); });
  return best == all.end() ? std::nullopt : std::optional(*best);
}

Result<Variables> process_environment(const HostView& host, int pid) {
  return parse_block(RANKDX_TRY(host.read("/proc/" + std::to_string(pid) + "/environ")));
}

Variables own_environment() {
  Variables out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view value;
    const std::string_view name = take_until(*entry, '=', value);
    out.emplace(name, value);
  }
  return out;
}

Variables parse_nccl_conf(std::string_view text) {
  Variables out;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.starts_with('#')) continue;
    std::string_view value;
    const std::string_view name = trim(take_until(line, '=', value));
    if (!name.empty() && name.size() < line.size()) out.emplace(name, trim(value));
  }
  return out;
}

std::vector<std::string> nccl_files(const Variables& environment) {
  // misc/param.cc: NCCL_CONF_FILE (2.23) instead of ~/.nccl.conf, then /etc/nccl.conf.
  std::vector<std::string> out;
  const auto named = environment.find("NCCL_CONF_FILE");
  const auto home = environment.find("HOME");
  if (named != environment.end() && !named->second.empty())
    out.push_back(named->second);
  else if (home != environment.end())
    out.push_back(home->second + "/.nccl.conf");
  out.emplace_back("/etc/nccl.conf");
  return out;
}

bool is_launch_variable(std::string_view name) {
  constexpr std::array<std::string_view, 22> kFamilies = {
      "CUDA_",   "FI_",    "GLOO_", "HF_",           "HUGGING",  "IBV_", "LOCAL_", "LWS_",
      "MASTER_", "MLX5_",  "NCCL_", "NVIDIA_",       "NVSHMEM_", "OFI_", "OMPI_",  "PYTORCH_",
      "RAY_",    "SLURM_", "TORCH", "TRANSFORMERS_", "UCX_",     "VLLM_"};
  return find_nccl_variable(name) != nullptr || find_launch_variable(name) != nullptr ||
         std::binary_search(kPlainNames.begin(), kPlainNames.end(), name) ||
         std::any_of(kFamilies.begin(), kFamilies.end(),
                     [&](std::string_view f) { return name.starts_with(f); });
}

std::string safe_value(std::string_view name, std::string_view value) {
  const bool plain = std::binary_search(kPlainNames.begin(), kPlainNames.end(), name) ||
                     find_nccl_variable(name) != nullptr;
  const std::string low = lower(value);
  constexpr std::array<std::string_view, 7> kMarks = {"hf_",    "sk-",    "token",  "password",
                                                      "secret", "bearer", "api_key"};
  const bool suspicious =
      value.size() > 1024 || has(value, "@") ||
      std::any_of(kMarks.begin(), kMarks.end(), [&](std::string_view m) { return has(low, m); });
  return plain && !suspicious ? std::string(value) : "(set)";
}

}  // namespace rankdx
