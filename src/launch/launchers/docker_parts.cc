#include "launch/launchers/docker_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "launch/shell_words.h"

namespace rankdx {
namespace {

constexpr std::string_view kMarkPrefix = "rankdx.";

void add(Words& words, std::string flag, std::string value) {
  words.push_back(literal(std::move(flag)));
  words.push_back(literal(std::move(value)));
}

void add_mount(Words& words, const Storage& st, std::string_view read_only) {
  if (st.kind == StorageKind::None) return;
  add(words, "--mount",
      fmt::format("type=bind,source={},target={}{}", st.source, st.path, read_only));
}

/// Flags of docker run that stand alone; every other one takes a value.
bool is_switch(std::string_view flag) {
  for (std::string_view name : {"--rm", "-d", "--detach", "-i", "--interactive", "-t", "--tty",
                                "-it", "--init", "--privileged", "--read-only"}) {
    if (flag == name) return true;
  }
  return false;
}

class RunReader {
 public:
  Result<HostFacts> read(const std::vector<std::string>& words) {
    size_t i = 2;
    for (; i < words.size() && words[i].starts_with('-'); ++i) {
      const std::string& word = words[i];
      const size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
      if (equals != std::string::npos) {
        flag(word.substr(0, equals), word.substr(equals + 1));
      } else if (!is_switch(word) && i + 1 < words.size()) {
        flag(word, words[++i]);
      }
    }
    if (i >= words.size()) return fail(ErrorCode::Usage, "docker run names no image");
    facts_.spec.image = words[i];
    std::vector<std::string> command;
    if (!entrypoint_.empty()) command.push_back(entrypoint_);
    command.insert(command.end(), words.begin() + static_cast<ptrdiff_t>(i) + 1, words.end());
    facts_.has_serve = read_serve_command(command, facts_.spec);
    facts_.leader = facts_.has_serve &&
                    std::find(command.begin(), command.end(), "--headless") == command.end();
    read_host_marks(marks_, mounts_, facts_);
    return std::move(facts_);
  }

 private:
  void flag(const std::string& name, const std::string& value) {
    LaunchSpec& s = facts_.spec;
    std::string_view rest;
    if (name == "--name") s.name = value;
    if (name == "--gpus") s.gpus_per_node = parse_int<int>(value).value_or(s.gpus_per_node);
    if (name == "--shm-size") s.shm_size = value;
    if (name == "--memory" || name == "-m") s.memory = value;
    if (name == "--entrypoint") entrypoint_ = value;
    if (name == "--user" || name == "-u") {
      s.uid = parse_int<int64_t>(take_until(value, ':', rest));
      s.gid = parse_int<int64_t>(rest);
    }
    if (name == "--label" || name == "-l") {
      const std::string_view key = take_until(value, '=', rest);
      if (key.starts_with(kMarkPrefix)) marks_[std::string(key.substr(kMarkPrefix.size()))] = rest;
    }
    if (name == "--env" || name == "-e") {
      const std::string key(take_until(value, '=', rest));
      if (!is_owned_variable(key)) s.env[key] = rest;
    }
    if (name == "--mount") mount(value);
    if (name == "-v" || name == "--volume") {
      const auto parts = split(value, ':');
      if (parts.size() >= 2) {
        mounts_.push_back(
            {StorageKind::HostPath, std::string(parts[0]), std::string(parts[1]), "", ""});
      }
    }
  }

  void mount(std::string_view text) {
    Storage st{StorageKind::HostPath, "", "", "", ""};
    for (std::string_view item : split(text, ',')) {
      std::string_view value;
      const std::string_view key = take_until(item, '=', value);
      if (key == "source" || key == "src") st.source = value;
      if (key == "target" || key == "dst") st.path = value;
    }
    mounts_.push_back(st);
  }

  HostFacts facts_;
  std::map<std::string, std::string> marks_;
  std::vector<Storage> mounts_;
  std::string entrypoint_;
};

}  // namespace

std::string address_of(std::string_view host) {
  return std::string(host.substr(host.find('@') + 1));
}

bool is_ip_address(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return true;
  const auto parts = split(text, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return parse_int<int>(part).value_or(256) <= 255;
         });
}

Words host_command(const LaunchSpec& spec, Launcher launcher, size_t index) {
  const std::string leader = spec.hosts.empty() ? "127.0.0.1" : address_of(spec.hosts[0]);
  const auto first_rank = static_cast<int64_t>(index) * local_data_parallel(spec);
  const NodeWords node{index == 0 ? NodeRole::Leader : NodeRole::Worker,
                       literal(std::to_string(index)), literal(leader),
                       literal(std::to_string(first_rank))};
  return node_command(spec, launcher, node);
}

std::map<std::string, std::string> host_environment(const LaunchSpec& spec, Launcher launcher,
                                                    size_t index) {
  std::map<std::string, std::string> env = environment_for(spec, launcher);
  const std::string address = address_of(spec.hosts[index]);
  if (is_ip_address(address)) env["VLLM_HOST_IP"] = address;
  return env;
}

Marks host_marks(const LaunchSpec& spec, size_t index) {
  Marks marks = marks_of(spec);
  marks.emplace_back("host", spec.hosts[index]);
  return marks;
}

std::string make_log_directory(const LaunchSpec& spec) {
  if (spec.log_storage.kind == StorageKind::None) return "";
  const std::string dir = shell_quote(spec.log_storage.source);
  return "[ -d " + dir + " ] || install -d -m 1777 " + dir + "; ";
}

Words docker_run(const LaunchSpec& spec, Launcher launcher, size_t index) {
  Words w = {literal("docker"), literal("run"), literal("--rm")};
  add(w, "--name", spec.name);
  for (const auto& [name, value] : host_marks(spec, index)) {
    add(w, "--label", std::string(kMarkPrefix) + name + "=" + value);
  }
  add(w, "--gpus", std::to_string(spec.gpus_per_node));
  // NCCL and gloo take random ports, and the other hosts must reach them.
  add(w, "--network", "host");
  add(w, "--shm-size", spec.shm_size);
  add(w, "--ulimit", "memlock=-1");
  if (is_rdma(spec.network)) {
    add(w, "--cap-add", "IPC_LOCK");
    add(w, "--device", "/dev/infiniband");
  }
  if (!spec.memory.empty()) add(w, "--memory", spec.memory);
  if (spec.uid) {
    add(w, "--user",
        spec.gid ? fmt::format("{}:{}", *spec.uid, *spec.gid) : std::to_string(*spec.uid));
  }
  add_mount(w, spec.model_storage, model_is_read_only(spec) ? ",readonly" : "");
  add_mount(w, spec.log_storage, "");
  for (const auto& [name, value] : host_environment(spec, launcher, index)) {
    add(w, "--env", name + "=" + value);
  }
  const Words command = host_command(spec, launcher, index);
  // The image's own entry point differs by version.
  add(w, "--entrypoint", command[0].text);
  w.push_back(literal(spec.image));
  w.insert(w.end(), command.begin() + 1, command.end());
  return w;
}

Result<HostFacts> read_docker_run(const std::vector<std::string>& words) {
  return RunReader().read(words);
}

void read_host_marks(const std::map<std::string, std::string>& marks,
                     const std::vector<Storage>& mounts, HostFacts& facts) {
  const auto find = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = marks.find(std::string(name));
    if (found == marks.end()) return std::nullopt;
    return found->second;
  };
  read_marks(find, facts.spec);
  facts.host = find("host").value_or("");
  for (const Storage& st : mounts) {
    (find("logs") == st.path ? facts.spec.log_storage : facts.spec.model_storage) = st;
  }
}

Result<LaunchSpec> merged(std::vector<HostFacts> nodes, Launcher launcher) {
  const auto leader =
      std::find_if(nodes.begin(), nodes.end(), [](const auto& n) { return n.leader; });
  if (leader == nodes.end()) {
    return fail(ErrorCode::Usage, "none of the files starts the leader", "",
                "give the files of all nodes");
  }
  std::rotate(nodes.begin(), leader, leader + 1);
  LaunchSpec spec = nodes[0].spec;
  for (const HostFacts& node : nodes) spec.hosts.push_back(node.host);
  if (nodes.size() > 1) {
    spec.nodes = static_cast<int>(nodes.size());
  } else if (spec.nodes == 1) {
    spec.nodes = even_share(spec, spec.gpus_per_node);
  }
  spec.hosts.resize(static_cast<size_t>(std::max(spec.nodes, 1)));
  return finished(std::move(spec), launcher);
}

}  // namespace rankdx
