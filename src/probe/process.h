// Processes below a root's /proc. Environments hold secrets: values leave this room only through
// safe_value().
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/host_view.h"

namespace rankdx {

using Variables = std::map<std::string, std::string, std::less<>>;

struct HostProcess {
  int pid = 0;
  std::string command;  ///< arguments joined by blanks; may hold secrets
  std::string name;     ///< short: "VLLM::Worker_TP0", "python3"
};

/// Numeric entries of /proc, ascending.
std::vector<int> process_ids(const HostView& host);
HostProcess read_process(const HostView& host, int pid);
/// Processes of a vLLM launch: servers, engines, workers, Ray.
std::vector<HostProcess> serving_processes(const HostView& host);
/// The process whose environment decides: a worker before an engine before the server.
std::optional<HostProcess> server_process(const HostView& host);

Result<Variables> process_environment(const HostView& host, int pid);
Variables own_environment();

/// "NAME=value" lines of /etc/nccl.conf and ~/.nccl.conf as NCCL reads them: '#' lines and lines
/// without '=' are skipped.
Variables parse_nccl_conf(std::string_view text);

/// The files that NCCL reads with these variables, that of the user before that of the system: the
/// first one that sets a name wins.
std::vector<std::string> nccl_files(const Variables& environment);

/// Whether a launch or what runs below it (NCCL, vLLM, PyTorch, Hugging Face, CUDA, gloo, UCX, Ray)
/// reads a variable of this name.
bool is_launch_variable(std::string_view name);

/// Value for a report: as it is for variables that the tables know (NCCL_*, GLOO_SOCKET_IFNAME,
/// MASTER_ADDR ...), unless it looks like a secret; "(set)" for everything else.
std::string safe_value(std::string_view name, std::string_view value);

}  // namespace rankdx
