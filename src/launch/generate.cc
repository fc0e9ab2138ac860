#include "launch/generate.h"

#include <array>

namespace rankdx {
namespace {

struct Row {
  Launcher launcher;
  LaunchFiles (*write)(const LaunchSpec&);
  Result<LaunchSpec> (*read)(const LaunchFiles&);
  std::string_view sign;  ///< text that only its files hold
};

/// In the order in which a file is asked for its launcher: a Slurm or ssh script may hold `docker
/// run`.
constexpr std::array<Row, 7> kRows = {{
    {Launcher::Runai, write_runai, read_runai, "runai inference distributed submit"},
    {Launcher::Lws, write_lws, read_lws, "kind: LeaderWorkerSet"},
    {Launcher::Kuberay, write_kuberay, read_kuberay, "kind: RayCluster"},
    {Launcher::Slurm, write_slurm, read_slurm, "#SBATCH"},
    {Launcher::Ssh, write_ssh, read_ssh, "\nssh "},
    {Launcher::Docker, write_docker, read_docker, "docker run"},
    {Launcher::Compose, write_compose, read_compose, "services:"},
}};

const Row& row_of(Launcher launcher) {
  for (const Row& row : kRows) {
    if (row.launcher == launcher) return row;
  }
  return kRows[0];
}

}  // namespace

Result<LaunchFiles> generate(const LaunchSpec& spec, Launcher launcher) {
  const LaunchSpec ready = normalised(spec, launcher);
  const std::vector<Error> errors = check_spec(ready, launcher);
  if (errors.empty()) return row_of(launcher).write(ready);
  Error all = errors[0];
  for (size_t i = 1; i < errors.size(); ++i) all.text += "\n" + to_string(errors[i]);
  return tl::unexpected(all);
}

Result<LaunchSpec> read_back(const LaunchFiles& files, Launcher launcher) {
  return row_of(launcher).read(files);
}

std::optional<Launcher> launcher_of(std::string_view text) {
  for (const Row& row : kRows) {
    if (text.find(row.sign) != std::string_view::npos) return row.launcher;
  }
  return std::nullopt;
}

}  // namespace rankdx
