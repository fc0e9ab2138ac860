// `docker run` of one node, for the docker and ssh launchers, and what all launchers per host
// share. Pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "launch/launchers/commands.h"
#include "launch/launchers/launchers.h"
#include "launch/serve_args.h"

namespace rankdx {

/// "10.0.0.1" of "user@10.0.0.1".
std::string address_of(std::string_view host);
bool is_ip_address(std::string_view text);

/// The words of node `index` (leader 0): rank, leader and data parallel rank are known.
Words host_command(const LaunchSpec& spec, Launcher launcher, size_t index);
/// The profile's variables and VLLM_HOST_IP, where the host's address is one.
std::map<std::string, std::string> host_environment(const LaunchSpec& spec, Launcher launcher,
                                                    size_t index);
/// Marks and the host itself.
Marks host_marks(const LaunchSpec& spec, size_t index);

/// "install -d ...; " for a bind mount, which needs the directory; containers of any user may write
/// to it. Or "".
std::string make_log_directory(const LaunchSpec& spec);
/// "docker", "run", ... of node `index`.
Words docker_run(const LaunchSpec& spec, Launcher launcher, size_t index);

/// What one node's file or command said.
struct HostFacts {
  LaunchSpec spec;  ///< without hosts and nodes where only files together know them
  std::string host;
  bool leader = false;
  bool has_serve = false;
};
Result<HostFacts> read_docker_run(const std::vector<std::string>& words);
/// Marks into the spec; mounts split into model and logs.
void read_host_marks(const std::map<std::string, std::string>& marks,
                     const std::vector<Storage>& mounts, HostFacts& facts);
/// One spec of all nodes; the leader's first.
Result<LaunchSpec> merged(std::vector<HostFacts> nodes, Launcher launcher);

}  // namespace rankdx
