// One script with `docker run` for each host.
#include <fmt/format.h>

#include "launch/launchers/docker_parts.h"
#include "launch/launchers/shell_script.h"
#include "launch/shell_words.h"

namespace rankdx {

LaunchFiles write_docker(const LaunchSpec& spec) {
  LaunchFiles files;
  for (size_t i = 0; i < spec.hosts.size(); ++i) {
    const Words words = docker_run(spec, Launcher::Docker, i);
    LongCommand c(make_log_directory(spec) + "docker run");
    c.command(Words(words.begin() + 2, words.end()));
    std::string text =
        fmt::format("#!/bin/bash\n# Node {} of {}: run it on {}.\nset -euo pipefail\n", i,
                    spec.nodes, spec.hosts[i]);
    text += "# shellcheck disable=SC2016\n" + c.text();
    files.push_back({fmt::format("{}-node{}.sh", spec.name, i), std::move(text)});
  }
  return files;
}

Result<LaunchSpec> read_docker(const LaunchFiles& files) {
  std::vector<HostFacts> nodes;
  for (const LaunchFile& file : files) {
    const std::vector<ShellCommand> commands = RANKDX_TRY(shell_commands(file.text));
    for (const ShellCommand& command : commands) {
      std::vector<std::string> words = command.words;
      if (!words.empty() && words[0] == "exec") words.erase(words.begin());
      if (words.size() < 3 || words[0] != "docker" || words[1] != "run") continue;
      nodes.push_back(RANKDX_TRY(read_docker_run(words)));
    }
  }
  if (nodes.empty()) return fail(ErrorCode::Usage, "there is no `docker run` in it");
  return merged(std::move(nodes), Launcher::Docker);
}

}  // namespace rankdx
