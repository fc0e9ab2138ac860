// An sbatch script with one task per node; a container by pyxis (`srun --container-image`) when the
// spec names an image.
#include <fmt/format.h>

#include "base/text.h"
#include "launch/launchers/commands.h"
#include "launch/launchers/launchers.h"
#include "launch/launchers/shell_script.h"
#include "launch/shell_words.h"

namespace rankdx {
namespace {

const Launcher kThis = Launcher::Slurm;

/// What each task runs with vLLM's words in "$@": only the task knows its node's number.
std::string task_script(const LaunchSpec& spec) {
  if (spec.nodes == 1) return exec_script(spec);
  if (spec.executor == Executor::Ray) {
    return R"(if [ "$SLURM_NODEID" -gt 0 ]; then )" + ray_worker_script("$head") + "; fi; " +
           ray_leader_script("$SLURM_NNODES") + exec_script(spec);
  }
  const std::string rank = R"(more=(--node-rank "$SLURM_NODEID"); )";
  const std::string start =
      fmt::format(R"x(more=(); if [ "$SLURM_NODEID" -gt 0 ]; then )x"
                  R"x(more=(--data-parallel-start-rank "$((SLURM_NODEID * {}))"); fi; )x",
                  local_data_parallel(spec));
  return (spec.data_parallel > 1 ? start : rank) +
         R"(if [ "$SLURM_NODEID" -gt 0 ]; then more+=(--headless); fi; )" +
         exec_script(spec, R"("${more[@]}")");
}

std::string directives(const LaunchSpec& spec) {
  std::string out = fmt::format(
      "#SBATCH --job-name={}\n#SBATCH --nodes={}\n#SBATCH --ntasks-per-node=1\n"
      "#SBATCH --gpus-per-node={}\n#SBATCH --output={}-%j.out\n",
      spec.name, spec.nodes, spec.gpus_per_node, spec.name);
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) out += fmt::format("#SBATCH --{}={}\n", name, value);
  };
  add("partition", spec.partition);
  add("account", spec.account);
  add("time", spec.time_limit);
  return out;
}

std::string mounts(const LaunchSpec& spec) {
  std::string out;
  for (const Storage* st : {&spec.model_storage, &spec.log_storage}) {
    if (st->kind == StorageKind::None) continue;
    if (!out.empty()) out += ',';
    out += st->source + ":" + st->path;
  }
  return out;
}

/// The value of "#SBATCH --name=value" or "--name value", or "".
std::string directive(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n', text);
    if (!line.starts_with("#SBATCH")) continue;
    line = trim(line.substr(7));
    if (!line.starts_with("--") || !line.substr(2).starts_with(name)) continue;
    line.remove_prefix(2 + name.size());
    if (!line.empty() && (line[0] == '=' || line[0] == ' '))
      return std::string(trim(line.substr(1)));
  }
  return "";
}

void read_srun(const std::vector<std::string>& words, LaunchSpec& spec,
               std::vector<Storage>& storage) {
  for (const std::string& word : words) {
    // What follows are the server's own arguments.
    if (word == "serve" || word == "vllm.entrypoints.openai.api_server") break;
    std::string_view value;
    const std::string_view name = take_until(word, '=', value);
    if (name == "--container-image") spec.image = value;
    if (name != "--container-mounts") continue;
    for (std::string_view mount : split(value, ',')) {
      const auto parts = split(mount, ':');
      if (parts.size() < 2) continue;
      storage.push_back(
          {StorageKind::HostPath, std::string(parts[0]), std::string(parts[1]), "", ""});
    }
  }
}

}  // namespace

LaunchFiles write_slurm(const LaunchSpec& spec) {
  std::string text =
      "#!/bin/bash\n" + directives(spec) + mark_comments(spec) + "set -euo pipefail\n";
  for (const auto& [name, value] : environment_for(spec, kThis)) {
    text += fmt::format("export {}={}\n", name, shell_quote(value));
  }
  // Not through a pipe: with pipefail, `head -n 1` would end the script by the signal that it
  // sends.
  text += "read -r head < <(scontrol show hostnames \"$SLURM_JOB_NODELIST\")\nexport head\n";
  const NodeWords node{NodeRole::Leader, literal(""), reference("$head"), literal("")};
  LongCommand c("srun --kill-on-bad-exit=1 --ntasks-per-node=1");
  if (!spec.image.empty()) {
    Words container = {literal("--container-image=" + spec.image)};
    if (!mounts(spec).empty()) container.push_back(literal("--container-mounts=" + mounts(spec)));
    c.line(container);
  }
  c.line({"bash", "-c", task_script(spec), spec.name});
  c.command(serve_command(spec, kThis, node));
  text += "# shellcheck disable=SC2016\n" + c.text();
  return {{spec.name + ".sbatch", text}};
}

Result<LaunchSpec> read_slurm(const LaunchFiles& files) {
  if (files.empty()) return fail(ErrorCode::Usage, "no file was given");
  const std::string& text = files[0].text;
  const std::vector<ShellCommand> commands = RANKDX_TRY(shell_commands(text));
  LaunchSpec spec;
  std::vector<Storage> storage;
  bool found = false;
  for (const ShellCommand& command : commands) {
    const auto& w = command.words;
    if (w.size() > 1 && w[0] == "export") {
      for (size_t i = 1; i < w.size(); ++i) {
        const size_t equals = w[i].find('=');
        if (equals != std::string::npos) spec.env[w[i].substr(0, equals)] = w[i].substr(equals + 1);
      }
    }
    if (found || w.empty() || w[0] != "srun") continue;
    found = read_serve_command(w, spec);
    read_srun(w, spec, storage);
  }
  if (!found) return fail(ErrorCode::Usage, "no srun in it runs vLLM");
  if (const std::string name = directive(text, "job-name"); !name.empty()) spec.name = name;
  spec.nodes = parse_int<int>(directive(text, "nodes")).value_or(spec.nodes);
  spec.gpus_per_node =
      parse_int<int>(directive(text, "gpus-per-node")).value_or(even_share(spec, spec.nodes));
  spec.partition = directive(text, "partition");
  spec.account = directive(text, "account");
  spec.time_limit = directive(text, "time");
  read_marks([&](std::string_view name) { return mark_comment(text, name); }, spec);
  const auto logs = mark_comment(text, "logs");
  for (const Storage& st : storage) {
    (logs == st.path ? spec.log_storage : spec.model_storage) = st;
  }
  if (spec.image.empty() && logs) spec.log_storage = {StorageKind::HostPath, *logs, *logs, "", ""};
  return finished(std::move(spec), kThis);
}

}  // namespace rankdx
