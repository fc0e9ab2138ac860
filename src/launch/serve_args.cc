#include "launch/serve_args.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "catalogue/data.h"
#include "launch/settings.h"

namespace rankdx {
namespace {

/// How an owned flag is read. `alias` is the short form that people write.
struct OwnedFlag {
  std::string_view name, alias;
  enum class Takes : uint8_t { Value, Nothing } takes;
  void (*read)(LaunchSpec& spec, std::string_view value);
};

void number(int& target, std::string_view text) {
  // What is no number ("$(LWS_GROUP_SIZE)") is known from elsewhere.
  if (const auto n = parse_int<int>(text)) target = *n;
}

constexpr auto kValue = OwnedFlag::Takes::Value;
constexpr auto kNothing = OwnedFlag::Takes::Nothing;
void ignored(LaunchSpec&, std::string_view) {}

const std::array<OwnedFlag, 18> kOwned = {{
    {"--data-parallel-address", "-dpa", kValue, ignored},
    {"--data-parallel-rpc-port", "-dpp", kValue, ignored},
    {"--data-parallel-size", "-dp", kValue,
     [](LaunchSpec& s, std::string_view v) { number(s.data_parallel, v); }},
    {"--data-parallel-size-local", "-dpl", kValue, ignored},
    {"--data-parallel-start-rank", "-dpr", kValue, ignored},
    {"--distributed-executor-backend", "", kValue,
     [](LaunchSpec& s, std::string_view v) { s.executor = executor_from(v).value_or(s.executor); }},
    {"--enable-expert-parallel", "-ep", kNothing,
     [](LaunchSpec& s, std::string_view) { s.expert_parallel = true; }},
    {"--headless", "", kNothing, ignored},
    {"--master-addr", "", kValue, ignored},
    {"--master-port", "", kValue,
     [](LaunchSpec& s, std::string_view v) { number(s.master_port, v); }},
    {"--model", "", kValue, [](LaunchSpec& s, std::string_view v) { s.model = v; }},
    {"--nnodes", "-n", kValue, [](LaunchSpec& s, std::string_view v) { number(s.nodes, v); }},
    {"--node-rank", "-r", kValue, ignored},
    {"--pipeline-parallel-size", "-pp", kValue,
     [](LaunchSpec& s, std::string_view v) { number(s.pipeline_parallel, v); }},
    {"--port", "", kValue, [](LaunchSpec& s, std::string_view v) { number(s.port, v); }},
    {"--served-model-name", "", kValue,
     [](LaunchSpec& s, std::string_view v) { s.served_name = v; }},
    {"--tensor-parallel-size", "-tp", kValue,
     [](LaunchSpec& s, std::string_view v) { number(s.tensor_parallel, v); }},
    {"--worker-use-ray", "", kNothing,
     [](LaunchSpec& s, std::string_view) { s.executor = Executor::Ray; }},
}};

const OwnedFlag* owned(std::string_view flag) {
  for (const OwnedFlag& o : kOwned) {
    if (o.name == flag || (!o.alias.empty() && o.alias == flag)) return &o;
  }
  return nullptr;
}

bool spans_nodes_by_mp(const LaunchSpec& s) { return s.nodes > 1 && s.executor == Executor::Mp; }

/// Nothing for an empty value: the launcher's own script adds the flag then.
void add(Words& words, std::string_view flag, Word value) {
  if (value.text.empty()) return;
  words.push_back(literal(std::string(flag)));
  words.push_back(std::move(value));
}
void add(Words& words, std::string_view flag, int64_t value) {
  add(words, flag, literal(std::to_string(value)));
}

void add_node_flags(Words& words, const LaunchSpec& s, const NodeWords& node) {
  if (s.nodes > 1 && s.executor == Executor::Ray) {
    add(words, "--distributed-executor-backend", literal("ray"));
  }
  if (!spans_nodes_by_mp(s)) return;
  if (s.data_parallel > 1) {
    add(words, "--data-parallel-size-local", local_data_parallel(s));
    add(words, "--data-parallel-address", node.leader);
    add(words, "--data-parallel-rpc-port", 29550);
    if (node.role == NodeRole::Worker) add(words, "--data-parallel-start-rank", node.first_dp_rank);
  } else {
    add(words, "--nnodes", s.nodes);
    add(words, "--node-rank", node.rank);
    add(words, "--master-addr", node.leader);
    if (s.master_port != LaunchSpec().master_port) add(words, "--master-port", s.master_port);
  }
  if (node.role == NodeRole::Worker) words.push_back(literal("--headless"));
}

bool is_vllm(std::string_view word) { return word == "vllm" || word.ends_with("/vllm"); }

/// Where the arguments begin, and whether the first one is the model.
size_t first_argument(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (is_vllm(words[i]) && i + 1 < words.size() && words[i + 1] == "serve") return i + 2;
    if (words[i] == "vllm.entrypoints.openai.api_server") return i + 1;
  }
  return words.size();
}

/// The releases in the table's row of that name; nothing for a name that it does not know.
std::optional<VersionRange> releases_of(std::string_view name, const std::vector<TsvRow>& table) {
  for (const TsvRow& row : table) {
    if (row.size() >= 2 && row[0] == name) return VersionRange::parse(row[1]);
  }
  return std::nullopt;
}

std::optional<VersionRange> releases_of_flag(std::string_view flag) {
  static const std::vector<TsvRow> rows = tsv_rows(data_file("vllm-flags"));
  return releases_of(flag, rows);
}

}  // namespace

int local_data_parallel(const LaunchSpec& spec) {
  const int64_t replica = int64_t{spec.tensor_parallel} * spec.pipeline_parallel;
  return static_cast<int>(std::max<int64_t>(1, spec.gpus_per_node / std::max<int64_t>(1, replica)));
}

Words serve_command(const LaunchSpec& s, Launcher launcher, const NodeWords& node) {
  Words words = {literal("vllm"), literal("serve"), literal(s.model)};
  if (!s.served_name.empty()) add(words, "--served-model-name", literal(s.served_name));
  add(words, "--port", s.port);
  add(words, "--tensor-parallel-size", s.tensor_parallel);
  if (s.pipeline_parallel > 1) add(words, "--pipeline-parallel-size", s.pipeline_parallel);
  if (s.data_parallel > 1) add(words, "--data-parallel-size", s.data_parallel);
  if (s.expert_parallel) words.push_back(literal("--enable-expert-parallel"));
  for (const Setting& setting : settings_for(s, launcher)) {
    if (setting.kind != SettingKind::Flag) continue;
    words.push_back(literal(setting.name));
    if (!setting.value.empty()) words.push_back(literal(setting.value));
  }
  for (const std::string& arg : s.extra_args) words.push_back(literal(arg));
  add_node_flags(words, s, node);
  return words;
}

bool read_serve_command(const std::vector<std::string>& words, LaunchSpec& spec) {
  size_t i = first_argument(words);
  if (i == words.size() && (words.empty() || !words[0].starts_with("--"))) return false;
  if (i == words.size()) i = 0;  // arguments only: the image's entry point runs them
  for (; i < words.size(); ++i) {
    const std::string& word = words[i];
    const size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const OwnedFlag* flag = owned(std::string_view(word).substr(0, equals));
    if (!flag && spec.model.empty() && !word.starts_with('-')) {
      spec.model = word;
    } else if (!flag) {
      spec.extra_args.push_back(word);
    } else if (flag->takes == OwnedFlag::Takes::Nothing) {
      flag->read(spec, "");
    } else if (equals != std::string::npos) {
      flag->read(spec, std::string_view(word).substr(equals + 1));
    } else if (i + 1 < words.size()) {
      flag->read(spec, words[++i]);
    }
  }
  if (spec.executor == Executor::Auto) spec.executor = Executor::Mp;
  return true;
}

void drop_profile_settings(LaunchSpec& spec, Launcher launcher) {
  // Rows are left out where the user gives the name, so they are asked for a spec without any.
  LaunchSpec bare = spec;
  bare.env.clear();
  bare.extra_args.clear();
  for (const Setting& s : settings_for(bare, launcher)) {
    if (s.kind == SettingKind::Variable) {
      const auto found = spec.env.find(s.name);
      if (found != spec.env.end() && found->second == s.value) spec.env.erase(found);
      continue;
    }
    auto& args = spec.extra_args;
    const auto at = std::find(args.begin(), args.end(), s.name);
    if (at == args.end()) continue;
    const auto width = s.value.empty() ? 1 : 2;
    if (s.value.empty()) {
      args.erase(at);
    } else if (at + 1 != args.end() && *(at + 1) == s.value) {
      args.erase(at, at + width);
    }
  }
}

bool is_owned_flag(std::string_view flag) { return owned(flag) != nullptr; }

bool is_owned_variable(std::string_view name) { return name == "VLLM_HOST_IP"; }

std::vector<std::string> owned_flags_in_use(const LaunchSpec& spec) {
  LaunchSpec bare = spec;
  bare.extra_args.clear();
  std::vector<std::string> flags;
  const NodeWords worker{NodeRole::Worker, literal("1"), literal("leader"), literal("1")};
  for (const Word& word : serve_command(bare, Launcher::Lws, worker)) {
    if (is_owned_flag(word.text) && word.text.starts_with("--")) flags.push_back(word.text);
  }
  return flags;
}

bool serve_flag_exists(std::string_view flag, std::string_view vllm_version) {
  const auto version = parse_version(vllm_version);
  if (!version) return true;
  const auto range = releases_of_flag(flag);
  return range && range->contains(*version);
}

bool serve_flag_is_gone(std::string_view flag, std::string_view vllm_version) {
  return releases_of_flag(flag) && !serve_flag_exists(flag, vllm_version);
}

bool engine_variable_is_gone(std::string_view name, std::string_view vllm_version) {
  static const std::vector<TsvRow> rows = tsv_rows(data_file("vllm-envs"));
  const auto version = parse_version(vllm_version);
  const auto range = releases_of(name, rows);
  return version && range && !range->contains(*version);
}

}  // namespace rankdx
