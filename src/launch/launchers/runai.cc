// `runai inference distributed submit` (CLI v2). It makes a LeaderWorkerSet: --workers counts the
// pods beside the leader, and a worker runs the leader's command unless it has its own.
#include <fmt/format.h>

#include "base/text.h"
#include "launch/launchers/kubernetes_parts.h"
#include "launch/launchers/launchers.h"
#include "launch/launchers/shell_script.h"
#include "launch/shell_words.h"

namespace rankdx {
namespace {

const Launcher kThis = Launcher::Runai;
constexpr std::string_view kMarkPrefix = "rankdx/";

/// Run:ai takes a command as one text and cuts it into words; Kubernetes then replaces $(NAME) in
/// them.
std::string command_text(const Words& words) {
  std::string text;
  for (const Word& word : words) {
    if (!text.empty()) text += ' ';
    // A reference holds no blank, and must not stand in single quotes should a shell see it.
    text += word.sort == Word::Sort::Reference ? word.text : shell_quote(kubernetes_word(word));
  }
  return text;
}

std::string leader_command(const LaunchSpec& spec) {
  return command_text(node_command(
      spec, kThis, {NodeRole::Leader, literal("0"), reference("$(LWS_LEADER_ADDRESS)"), {}}));
}

std::string worker_command(const LaunchSpec& spec) {
  NodeWords node{
      NodeRole::Worker, reference("$(LWS_WORKER_INDEX)"), reference("$(LWS_LEADER_ADDRESS)"), {}};
  const int local = local_data_parallel(spec);
  std::string start_rank;
  if (local == 1) node.first_dp_rank = node.rank;
  if (spec.data_parallel > 1 && local > 1) {
    start_rank = fmt::format("$((LWS_WORKER_INDEX * {}))", local);
  }
  return command_text(node_command(spec, kThis, node, start_rank));
}

void add_storage(LongCommand& c, const Storage& st, const char* write) {
  switch (st.kind) {
    case StorageKind::None:
      return;
    case StorageKind::Pvc:
      if (st.size.empty()) {
        c.line({"--existing-pvc", fmt::format("claimname={},path={}", st.source, st.path)});
      } else {
        c.line(
            {"--new-pvc",
             fmt::format("claimname={},{}size={},path={},accessmode-rwm", st.source,
                         st.storage_class.empty() ? "" : "storageclass=" + st.storage_class + ",",
                         st.size, st.path)});
      }
      return;
    case StorageKind::HostPath:
      c.line({"--host-path", fmt::format("path={},mount={}{}", st.source, st.path, write)});
      return;
    case StorageKind::Nfs: {
      const size_t colon = st.source.find(":/");
      c.line({"--nfs", fmt::format("path={},server={},mountpath={}{}", st.source.substr(colon + 1),
                                   st.source.substr(0, colon), st.path, write)});
    }
  }
}

void add_environment(LongCommand& c, const LaunchSpec& spec) {
  c.line({"--env-pod-field-ref", "VLLM_HOST_IP=status.podIP"});
  for (const auto& [name, value] : environment_for(spec, kThis)) {
    c.line({"--environment-variable", name + "=" + kubernetes_word(literal(value))});
  }
}

/// "claimname=a,path=/b,readwrite" as names and values.
std::string part(std::string_view list, std::string_view name) {
  for (std::string_view item : split(list, ',')) {
    std::string_view value;
    if (take_until(item, '=', value) == name) return std::string(value);
  }
  return "";
}

/// Reads one flag; `value` is "" for switches.
class FlagReader {
 public:
  explicit FlagReader(LaunchSpec& spec) : s_(spec) {}

  void read(std::string_view flag, const std::string& value) {
    if (flag == "-i" || flag == "--image") s_.image = value;
    if (flag == "-p" || flag == "--project") s_.space = value;
    if (flag == "--workers") s_.nodes = parse_int<int>(value).value_or(0) + 1;
    if (flag == "--replicas") s_.replicas = parse_int<int>(value).value_or(1);
    if (flag == "-g" || flag == "--gpu-devices-request") {
      s_.gpus_per_node = parse_int<int>(value).value_or(1);
    }
    if (flag == "--cpu-memory-limit") s_.memory = value;
    if (flag == "--run-as-uid") s_.uid = parse_int<int64_t>(value);
    if (flag == "--run-as-gid") s_.gid = parse_int<int64_t>(value);
    if (flag == "--host-network") s_.host_network = value != "false";
    if (flag == "--extended-resource") s_.rdma_resource = value;
    if (flag == "--annotation") annotation(value);
    if (flag == "-e" || flag == "--environment-variable" || flag == "--environment")
      variable(value);
    if (flag == "--command") command_ = value;
    if (flag == "--arguments" && arguments_.empty()) arguments_ = value;
    storage(flag, value);
  }

  Result<LaunchSpec> finish(const std::vector<std::string>& after_dashes) {
    std::vector<std::string> words;
    for (const std::string& text : {command_, arguments_}) {
      const std::vector<std::string> more = RANKDX_TRY(shell_words(text));
      words.insert(words.end(), more.begin(), more.end());
    }
    words.insert(words.end(), after_dashes.begin(), after_dashes.end());
    for (std::string& word : words) word = kubernetes_unescaped(word);
    if (!read_serve_command(words, s_)) return fail(ErrorCode::Usage, "its command runs no vLLM");
    read_marks(
        [&](std::string_view name) -> std::optional<std::string> {
          const auto found = marks_.find(std::string(name));
          if (found == marks_.end()) return std::nullopt;
          return found->second;
        },
        s_);
    for (Storage& st : mounts_) {
      const bool logs = marks_.count("logs") > 0 && marks_["logs"] == st.path;
      (logs ? s_.log_storage : s_.model_storage) = st;
    }
    return finished(std::move(s_), kThis);
  }

 private:
  void annotation(std::string_view text) {
    std::string_view value;
    const std::string_view name = take_until(text, '=', value);
    if (name.starts_with(kMarkPrefix)) marks_[std::string(name.substr(kMarkPrefix.size()))] = value;
  }
  void variable(std::string_view text) {
    std::string_view value;
    const std::string name(take_until(text, '=', value));
    if (!is_owned_variable(name)) s_.env[name] = kubernetes_unescaped(value);
  }
  void storage(std::string_view flag, std::string_view v) {
    if (flag == "--existing-pvc" || flag == "--new-pvc") {
      mounts_.push_back({StorageKind::Pvc, part(v, "claimname"), part(v, "path"), part(v, "size"),
                         part(v, "storageclass")});
    } else if (flag == "--host-path") {
      mounts_.push_back({StorageKind::HostPath, part(v, "path"), part(v, "mount"), "", ""});
    } else if (flag == "--nfs") {
      mounts_.push_back({StorageKind::Nfs, part(v, "server") + ":" + part(v, "path"),
                         part(v, "mountpath"), "", ""});
    }
  }

  LaunchSpec& s_;
  std::map<std::string, std::string> marks_;
  std::vector<Storage> mounts_;
  std::string command_, arguments_;
};

/// Flags of the command that stand alone; every other one takes a value.
bool is_switch(std::string_view flag) {
  for (std::string_view name :
       {"--large-shm", "--host-network", "--host-ipc", "--privileged", "--run-as-non-root",
        "--create-home-dir", "--wait-for-submit", "--image-pull-my-credentials", "--debug",
        "--quiet", "--verbose", "-d", "-q", "--worker-as-leader"}) {
    if (flag == name) return true;
  }
  return false;
}

Result<LaunchSpec> read_submit(const std::vector<std::string>& words) {
  LaunchSpec spec;
  FlagReader reader(spec);
  size_t i = 4;
  for (; i < words.size() && words[i] != "--"; ++i) {
    const std::string& word = words[i];
    if (!word.starts_with('-')) {
      spec.name = word;
      continue;
    }
    const size_t equals = word.find('=');
    if (word.starts_with("--") && equals != std::string::npos) {
      reader.read(std::string_view(word).substr(0, equals), word.substr(equals + 1));
    } else if (is_switch(word)) {
      reader.read(word, "");
    } else if (i + 1 < words.size()) {
      ++i;
      reader.read(word, words[i]);
    }
  }
  std::vector<std::string> rest;
  for (++i; i < words.size(); ++i) rest.push_back(words[i]);
  return reader.finish(rest);
}

}  // namespace

LaunchFiles write_runai(const LaunchSpec& spec) {
  LongCommand c("runai inference distributed submit " + shell_quote(spec.name));
  c.line({"--project", spec.space}).line({"--image", spec.image});
  c.line({"--replicas", std::to_string(spec.replicas)});
  c.line({"--workers", std::to_string(spec.nodes - 1)});
  c.line({"--gpu-devices-request", std::to_string(spec.gpus_per_node)}).line({"--large-shm"});
  if (!spec.memory.empty()) c.line({"--cpu-memory-limit", spec.memory});
  if (is_rdma(spec.network)) c.line({"--capability", "IPC_LOCK"});
  if (!spec.rdma_resource.empty()) c.line({"--extended-resource", spec.rdma_resource});
  if (spec.host_network) c.line({"--host-network"});
  if (spec.uid) {
    c.line({"--run-as-uid", std::to_string(*spec.uid)});
    if (spec.gid) c.line({"--run-as-gid", std::to_string(*spec.gid)});
    if (*spec.uid != 0) c.line({"--run-as-non-root"});
  }
  add_storage(c, spec.model_storage, model_is_read_only(spec) ? "" : ",readwrite");
  add_storage(c, spec.log_storage, ",readwrite");
  c.line({"--preemptibility", "non-preemptible"});
  c.line({"--startup-policy", "LeaderCreated"});
  c.line({"--restart-policy", "RecreateGroupOnPodRestart"});
  c.line({"--serving-port", std::to_string(spec.port)});
  for (const auto& [name, value] : marks_of(spec)) {
    c.line({"--annotation", std::string(kMarkPrefix) + name + "=" + value});
  }
  add_environment(c, spec);
  c.line({"--command", leader_command(spec)});
  if (spec.nodes > 1) c.line({"--worker-command", worker_command(spec)});
  return {{spec.name + "-runai.sh",
           "#!/bin/bash\n"
           "# --workers counts the pods beside the leader. $(NAME) is replaced by Kubernetes in "
           "the pod.\n"
           "set -euo pipefail\n"
           "# shellcheck disable=SC1003,SC2016\n" +
               c.text()}};
}

Result<LaunchSpec> read_runai(const LaunchFiles& files) {
  for (const LaunchFile& file : files) {
    const std::vector<ShellCommand> commands = RANKDX_TRY(shell_commands(file.text));
    for (const ShellCommand& command : commands) {
      const auto& w = command.words;
      if (w.size() > 4 && w[0] == "runai" && w[1] == "inference" && w[2] == "distributed" &&
          w[3] == "submit") {
        return read_submit(w);
      }
    }
  }
  return fail(ErrorCode::Usage, "there is no `runai inference distributed submit` in it");
}

}  // namespace rankdx
