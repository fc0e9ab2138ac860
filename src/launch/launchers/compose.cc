// A compose file for each host. Nodes do not share a network of docker's, so containers use the
// host's.
#include <fmt/format.h>

#include "base/text.h"
#include "launch/launchers/docker_parts.h"
#include "launch/value.h"

namespace rankdx {
namespace {

const Launcher kThis = Launcher::Compose;
constexpr std::string_view kMarkPrefix = "rankdx.";

/// Compose replaces $NAME and ${NAME}; $$ is a dollar.
std::string compose_word(std::string_view text) { return replace_all(text, "$", "$$"); }
std::string compose_unescaped(std::string_view text) { return replace_all(text, "$$", "$"); }

Value strings(std::initializer_list<const char*> texts) {
  Value list = Value::list();
  for (const char* text : texts) list.push(text);
  return list;
}

void add_bind(Value& volumes, const Storage& st, bool read_only) {
  if (st.kind == StorageKind::None) return;
  Value bind = Value::map({{"type", "bind"}, {"source", st.source}, {"target", st.path}});
  if (read_only) bind.set("read_only", true);
  volumes.push(bind);
}

Value healthcheck(const LaunchSpec& spec) {
  const std::string probe = fmt::format(
      "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{}/health', timeout=5)",
      spec.port);
  return Value::map({{"test", Value::list({"CMD", "python3", "-c", probe})},
                     {"interval", "10s"},
                     {"timeout", "10s"},
                     {"retries", 6},
                     {"start_period", fmt::format("{}m", spec.load_minutes)}});
}

Value service(const LaunchSpec& spec, size_t index) {
  const Words command = host_command(spec, kThis, index);
  Value arguments = Value::list(), environment = Value::map(), labels = Value::map();
  for (size_t i = 1; i < command.size(); ++i) arguments.push(compose_word(command[i].text));
  for (const auto& [name, value] : host_environment(spec, kThis, index)) {
    environment.set(name, compose_word(value));
  }
  for (const auto& [name, value] : host_marks(spec, index)) {
    labels.set(std::string(kMarkPrefix) + name, compose_word(value));
  }
  Value s = Value::map({{"image", spec.image},
                        {"container_name", spec.name},
                        {"labels", labels},
                        {"entrypoint", Value::list({command[0].text})},
                        {"command", arguments},
                        {"environment", environment},
                        {"network_mode", "host"},
                        {"shm_size", spec.shm_size},
                        {"ulimits", Value::map({{"memlock", -1}})},
                        {"restart", spec.profile == Profile::Production ? "unless-stopped" : "no"},
                        {"stop_grace_period", "60s"}});
  if (is_rdma(spec.network)) {
    s.set("cap_add", strings({"IPC_LOCK"}));
    s.set("devices", strings({"/dev/infiniband:/dev/infiniband"}));
  }
  if (!spec.memory.empty()) s.set("mem_limit", spec.memory);
  if (spec.uid) {
    s.set("user",
          spec.gid ? fmt::format("{}:{}", *spec.uid, *spec.gid) : std::to_string(*spec.uid));
  }
  Value volumes = Value::list();
  add_bind(volumes, spec.model_storage, model_is_read_only(spec));
  add_bind(volumes, spec.log_storage, false);
  if (!volumes.empty()) s.set("volumes", volumes);
  if (index == 0) s.set("healthcheck", healthcheck(spec));
  const Value gpus = Value::map(
      {{"driver", "nvidia"}, {"count", spec.gpus_per_node}, {"capabilities", strings({"gpu"})}});
  s.set("deploy",
        Value::map(
            {{"resources",
              Value::map({{"reservations", Value::map({{"devices", Value::list({gpus})}})}})}}));
  return s;
}

Result<HostFacts> read_service(const Value& s) {
  HostFacts facts;
  LaunchSpec& spec = facts.spec;
  std::vector<std::string> words;
  for (const char* part : {"entrypoint", "command"}) {
    for (const Value& word : s[part].items()) words.push_back(compose_unescaped(word.text()));
  }
  facts.has_serve = read_serve_command(words, spec);
  facts.leader = facts.has_serve;
  for (const std::string& word : words) facts.leader = facts.leader && word != "--headless";
  spec.image = s["image"].text();
  if (!s["container_name"].empty()) spec.name = s["container_name"].text();
  if (!s["shm_size"].empty()) spec.shm_size = s["shm_size"].text();
  spec.memory = s["mem_limit"].text();
  std::string_view gid;
  spec.uid = parse_int<int64_t>(take_until(s["user"].text(), ':', gid));
  spec.gid = parse_int<int64_t>(gid);
  for (const Value& device : s.at("deploy.resources.reservations.devices").items()) {
    spec.gpus_per_node = parse_int<int>(device["count"].text()).value_or(spec.gpus_per_node);
  }
  for (const auto& [name, value] : s["environment"].members()) {
    if (!is_owned_variable(name)) spec.env[name] = compose_unescaped(value.text());
  }
  std::map<std::string, std::string> marks;
  for (const auto& [name, value] : s["labels"].members()) {
    if (name.starts_with(kMarkPrefix))
      marks[name.substr(kMarkPrefix.size())] = compose_unescaped(value.text());
  }
  std::vector<Storage> mounts;
  for (const Value& v : s["volumes"].items()) {
    mounts.push_back({StorageKind::HostPath, v["source"].text(), v["target"].text(), "", ""});
  }
  read_host_marks(marks, mounts, facts);
  return facts;
}

}  // namespace

LaunchFiles write_compose(const LaunchSpec& spec) {
  LaunchFiles files;
  for (size_t i = 0; i < spec.hosts.size(); ++i) {
    const Value file = Value::map({{"services", Value::map({{"vllm", service(spec, i)}})}});
    files.push_back({fmt::format("{}-node{}.compose.yaml", spec.name, i),
                     fmt::format("# Node {} of {}: docker compose -f THIS up, on {}.\n", i,
                                 spec.nodes, spec.hosts[i]) +
                         to_yaml({file})});
  }
  return files;
}

Result<LaunchSpec> read_compose(const LaunchFiles& files) {
  std::vector<HostFacts> nodes;
  for (const LaunchFile& file : files) {
    const std::vector<Value> documents = RANKDX_TRY(parse_yaml(file.text));
    for (const Value& document : documents) {
      for (const auto& [name, s] : document["services"].members()) {
        nodes.push_back(RANKDX_TRY(read_service(s)));
      }
    }
  }
  if (nodes.empty()) return fail(ErrorCode::Usage, "there is no service in it");
  return merged(std::move(nodes), kThis);
}

}  // namespace rankdx
