#include "launch/launchers/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "catalogue/version.h"

namespace rankdx {
namespace {

// Words of `python3 -c`: one line, so that it stands well in YAML and in scripts.
constexpr std::string_view kEnoughNodes =
    R"(python3 -c 'import ray, sys; ray.init(address="auto"); )"
    R"(sys.exit(sum(n["Alive"] for n in ray.nodes()) < int(sys.argv[1]))')";

constexpr std::string_view kNodeAddress = R"(${VLLM_HOST_IP:+--node-ip-address="$VLLM_HOST_IP"})";

Words behind_bash(std::string script, Word first, Words rest) {
  Words words = {literal("bash"), literal("-c"), literal(std::move(script)), std::move(first)};
  for (Word& word : rest) words.push_back(std::move(word));
  return words;
}

bool is_offline(const LaunchSpec& spec) {
  const auto found = spec.env.find("HF_HUB_OFFLINE");
  return found != spec.env.end() && found->second == "1";
}

Profile guessed_profile(const LaunchSpec& spec) {
  const auto found = spec.env.find("NCCL_DEBUG");
  if (found == spec.env.end()) return Profile::Production;
  const std::string level = lower(found->second);
  return level == "info" || level == "trace" || level == "abort" ? Profile::Debug
                                                                 : Profile::Production;
}

}  // namespace

std::string ray_worker_script(std::string_view leader) {
  return fmt::format(R"(until ray health-check --address "{0}:6379"; do sleep 5; done; )"
                     R"(exec ray start --address="{0}:6379" {1} --block)",
                     leader, kNodeAddress);
}

std::string ray_leader_script(std::string_view nodes) {
  return fmt::format(R"(ray start --head --port=6379 {} && until {} "{}"; do sleep 5; done && )",
                     kNodeAddress, kEnoughNodes, nodes);
}

std::string exec_script(const LaunchSpec& spec, std::string_view more_words) {
  const std::string run =
      fmt::format(R"(exec "$@"{}{})", more_words.empty() ? "" : " ", more_words);
  if (spec.profile != Profile::Debug) return run;
  const std::string& dir = spec.log_storage.path;
  // NCCL truncates its file when a container starts again under the same name and pid: the old one
  // is moved away first.
  return fmt::format(R"({{ mkdir -p {0}; shopt -s nullglob; printf -v now "%(%s)T"; )"
                     R"(for f in {0}/nccl."$HOSTNAME".*.log; do mv "$f" "$f.$now"; done; }} && )"
                     R"({1} > >(exec tee -a "{0}/vllm.$HOSTNAME.log") 2>&1)",
                     dir, run);
}

Words node_command(const LaunchSpec& spec, Launcher launcher, const NodeWords& node,
                   std::string_view start_rank_script) {
  const bool ray = spec.executor == Executor::Ray;
  if (ray && node.role == NodeRole::Worker) {
    return behind_bash(ray_worker_script("$0"), node.leader, {});
  }
  Words serve = serve_command(spec, launcher, node);
  if (ray) {
    return behind_bash(ray_leader_script("$0") + exec_script(spec),
                       literal(std::to_string(spec.nodes)), std::move(serve));
  }
  if (spec.profile != Profile::Debug && start_rank_script.empty()) return serve;
  std::string more;
  if (!start_rank_script.empty()) {
    more = fmt::format(R"(--data-parallel-start-rank "{}")", start_rank_script);
  }
  return behind_bash(exec_script(spec, more), literal(spec.name), std::move(serve));
}

Marks marks_of(const LaunchSpec& spec) {
  Marks marks = {{"profile", std::string(to_string(spec.profile))},
                 {"network", std::string(to_string(spec.network))}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) marks.emplace_back(name, value);
  };
  add("vllm", spec.vllm_version);
  add("nccl", spec.nccl_version);
  add("interface", spec.interface);
  add("air-gapped", spec.air_gapped ? "yes" : "");
  add("logs", spec.log_storage.path);
  add("load-minutes", std::to_string(spec.load_minutes));
  return marks;
}

void read_marks(const std::function<std::optional<std::string>(std::string_view)>& find,
                LaunchSpec& spec) {
  const auto profile = find("profile");
  spec.profile =
      profile ? profile_from(*profile).value_or(Profile::Production) : guessed_profile(spec);
  if (const auto network = find("network")) {
    spec.network = network_from(*network).value_or(NetworkKind::Ethernet);
  } else if (spec.rdma_resource.find("efa") != std::string::npos) {
    spec.network = NetworkKind::Efa;
  } else if (!spec.rdma_resource.empty()) {
    spec.network = NetworkKind::Roce;
  }
  spec.vllm_version = find("vllm").value_or("");
  if (!parse_version(spec.vllm_version)) spec.vllm_version = version_of_image(spec.image);
  spec.nccl_version = find("nccl").value_or("");
  if (!parse_version(spec.nccl_version)) spec.nccl_version.clear();
  spec.interface = find("interface").value_or("");
  spec.air_gapped = profile ? find("air-gapped") == "yes" : is_offline(spec);
  spec.load_minutes = parse_int<int>(find("load-minutes").value_or("")).value_or(spec.load_minutes);
}

std::string mark_comments(const LaunchSpec& spec) {
  std::string out;
  for (const auto& [name, value] : marks_of(spec))
    out += fmt::format("# rankdx: {}={}\n", name, value);
  return out;
}

std::optional<std::string> mark_comment(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n', text);
    if (!line.starts_with("# rankdx: ")) continue;
    std::string_view value;
    if (take_until(line.substr(10), '=', value) == name) return std::string(trim(value));
  }
  return std::nullopt;
}

int even_share(const LaunchSpec& spec, int64_t parts) {
  constexpr int64_t kMost = 1 << 16;
  int64_t gpus = 1;
  for (const int ways : {spec.tensor_parallel, spec.pipeline_parallel, spec.data_parallel})
    gpus = std::min(gpus * std::clamp<int64_t>(ways, 1, kMost), kMost);
  return static_cast<int>(std::max<int64_t>(1, gpus / std::max<int64_t>(1, parts)));
}

LaunchSpec finished(LaunchSpec spec, Launcher launcher) {
  return normalised(std::move(spec), launcher);
}

bool model_is_read_only(const LaunchSpec& spec) {
  return spec.model.starts_with(spec.model_storage.path + "/") ||
         spec.model == spec.model_storage.path;
}

}  // namespace rankdx
