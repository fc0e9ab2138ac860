// What each launcher gives to the table in ../generate.cc: files from a normalised, checked spec,
// and a spec from such files. Pure functions. Readers take what they understand and refuse what is
// no launch of theirs; they do not judge.
#pragma once

#include <string>
#include <vector>

#include "launch/spec.h"

namespace rankdx {

struct LaunchFile {
  std::string name;  ///< without a directory: "vllm-node0.sh"
  std::string text;
};
using LaunchFiles = std::vector<LaunchFile>;

LaunchFiles write_runai(const LaunchSpec& spec);
LaunchFiles write_lws(const LaunchSpec& spec);
LaunchFiles write_kuberay(const LaunchSpec& spec);
LaunchFiles write_docker(const LaunchSpec& spec);
LaunchFiles write_compose(const LaunchSpec& spec);
LaunchFiles write_slurm(const LaunchSpec& spec);
LaunchFiles write_ssh(const LaunchSpec& spec);

Result<LaunchSpec> read_runai(const LaunchFiles& files);
Result<LaunchSpec> read_lws(const LaunchFiles& files);
Result<LaunchSpec> read_kuberay(const LaunchFiles& files);
Result<LaunchSpec> read_docker(const LaunchFiles& files);
Result<LaunchSpec> read_compose(const LaunchFiles& files);
Result<LaunchSpec> read_slurm(const LaunchFiles& files);
Result<LaunchSpec> read_ssh(const LaunchFiles& files);

}  // namespace rankdx
