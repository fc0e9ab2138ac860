// One script that starts every node over ssh and stops all when one ends: `docker run` with an
// image, else vLLM as it is installed on the hosts.
#include <fmt/format.h>

#include "launch/launchers/docker_parts.h"
#include "launch/launchers/shell_script.h"
#include "launch/shell_words.h"

namespace rankdx {
namespace {

const Launcher kThis = Launcher::Ssh;

/// What the remote shell runs, quoted once for it.
std::string remote_command(const LaunchSpec& spec, size_t index) {
  std::vector<std::string> words = {"exec"};
  if (!spec.image.empty()) {
    for (const Word& word : docker_run(spec, kThis, index)) words.push_back(word.text);
    return make_log_directory(spec) + shell_join(words);
  }
  words.push_back("env");
  for (const auto& [name, value] : host_environment(spec, kThis, index)) {
    words.push_back(name + "=" + value);
  }
  for (const Word& word : host_command(spec, kThis, index)) words.push_back(word.text);
  return shell_join(words);
}

Result<HostFacts> read_remote(const std::vector<std::string>& ssh) {
  std::vector<ShellCommand> commands = RANKDX_TRY(shell_commands(ssh.back()));
  if (commands.empty()) return fail(ErrorCode::Usage, "an ssh in it runs nothing");
  std::vector<std::string> words = std::move(commands.back().words);
  if (!words.empty() && words[0] == "exec") words.erase(words.begin());
  if (words.size() > 2 && words[0] == "docker" && words[1] == "run") return read_docker_run(words);
  HostFacts facts;
  size_t i = !words.empty() && words[0] == "env" ? 1 : 0;
  for (; i < words.size() && words[i].find('=') != std::string::npos && words[i][0] != '-'; ++i) {
    const size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    if (!is_owned_variable(name)) facts.spec.env[name] = words[i].substr(equals + 1);
  }
  words.erase(words.begin(), words.begin() + static_cast<ptrdiff_t>(i));
  facts.has_serve = read_serve_command(words, facts.spec);
  facts.leader = facts.has_serve;
  for (const std::string& word : words) facts.leader = facts.leader && word != "--headless";
  return facts;
}

}  // namespace

LaunchFiles write_ssh(const LaunchSpec& spec) {
  std::string text =
      "#!/bin/bash\n"
      "# Starts every node and stops all when one ends. What they print is in logs/HOST.log.\n"
      "set -euo pipefail\n" +
      mark_comments(spec) + fmt::format("# rankdx: name={}\n", spec.name) +
      "mkdir -p logs\n"
      "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
      // A terminal of its own: the remote side ends with the connection, and NCCL's lines come out
      // at once.
      "# shellcheck disable=SC1003,SC2016\n";
  for (size_t i = 0; i < spec.hosts.size(); ++i) {
    text +=
        fmt::format("ssh -tt -o BatchMode=yes {} \\\n  {} \\\n  </dev/null >logs/{}.log 2>&1 &\n",
                    shell_quote(spec.hosts[i]), shell_quote(remote_command(spec, i)),
                    shell_quote(address_of(spec.hosts[i])));
  }
  text += "wait -n\n";
  return {{spec.name + "-ssh.sh", text}};
}

Result<LaunchSpec> read_ssh(const LaunchFiles& files) {
  std::vector<HostFacts> nodes;
  for (const LaunchFile& file : files) {
    const std::vector<ShellCommand> commands = RANKDX_TRY(shell_commands(file.text));
    for (const ShellCommand& command : commands) {
      if (command.words.size() < 3 || command.words[0] != "ssh") continue;
      HostFacts facts = RANKDX_TRY(read_remote(command.words));
      read_marks([&](std::string_view name) { return mark_comment(file.text, name); }, facts.spec);
      facts.spec.name = mark_comment(file.text, "name").value_or(facts.spec.name);
      if (facts.spec.image.empty()) {
        if (const auto logs = mark_comment(file.text, "logs")) {
          facts.spec.log_storage = {StorageKind::HostPath, *logs, *logs, "", ""};
        }
      }
      facts.host = command.words[command.words.size() - 2];
      nodes.push_back(std::move(facts));
    }
  }
  if (nodes.empty()) return fail(ErrorCode::Usage, "there is no ssh command in it");
  if (nodes[0].spec.image.empty()) {
    // GPUs are not said anywhere: all ranks share the hosts evenly.
    for (HostFacts& node : nodes) {
      node.spec.gpus_per_node = even_share(node.spec, static_cast<int64_t>(nodes.size()));
    }
  }
  return merged(std::move(nodes), kThis);
}

}  // namespace rankdx
