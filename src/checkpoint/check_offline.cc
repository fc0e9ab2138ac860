// What would still go to the network with this environment, and the variables that stop it.
#include <fmt/format.h>

#include "base/text.h"
#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

struct Offline {
  ModelCheck& check;
  size_t uses = 0;

  /// Notes by default; with --offline each is a warning, those that stop a start an error.
  void add(std::string_view id, std::string what, std::string detail, Severity if_required) {
    ++uses;
    if (check.options.network == NetworkUse::MustBeOffline) {
      check.problems.add_as(if_required, id, std::move(what), std::move(detail), check.names());
    } else {
      check.add(id, std::move(what), std::move(detail));
    }
  }
};

/// Only transformers reads the old name; vLLM fetches weights through the hub's cache.
void check_old_cache(ModelCheck& check, const Environment& env) {
  const std::string old = env.get("TRANSFORMERS_CACHE");
  const std::string cache = hub_cache_directory(env);
  if (check.repo.empty() || old.empty() || old == cache) return;
  check.add("transformers-cache-elsewhere", "TRANSFORMERS_CACHE", "is " + old, {{"cache", cache}});
}

/// What is wrong with the place of the tiktoken vocabularies, or "".
std::string tiktoken_trouble(const ModelCheck& check, const Environment& env) {
  constexpr const char* kVocabulary = "o200k_base.tiktoken";
  const std::string base = env.get("TIKTOKEN_ENCODINGS_BASE");
  if (base.empty()) return env.get("TIKTOKEN_RS_CACHE_DIR").empty() ? "is not set" : "";
  if (base.starts_with("http")) return "is an address: " + base;
  if (check.files.stat(path_join(base, kVocabulary))) return "";
  return "is " + base + ", where there is no " + kVocabulary;
}

bool is_gpt_oss(const ModelCheck& check) {
  const JsonValue* config = check.config();
  return config != nullptr && config->text("model_type") == "gpt_oss";
}

void check_switches(Offline& offline, const Environment& env) {
  const bool is_offline = hub_is_offline(env);
  if (!is_offline && env.is_on("TRANSFORMERS_OFFLINE"))
    offline.add("offline-switch-overruled", "HF_HUB_OFFLINE=" + env.get("HF_HUB_OFFLINE"),
                "is looked at first, so TRANSFORMERS_OFFLINE=" + env.get("TRANSFORMERS_OFFLINE") +
                    " has no effect",
                Severity::Error);
  if (!is_offline && is_repo_id(offline.check.options.model) && !offline.check.repo.empty())
    offline.add("offline-switch-missing", "HF_HUB_OFFLINE",
                "is not set; the model is named " + offline.check.repo, Severity::Error);
}

}  // namespace

void check_offline(ModelCheck& check) {
  const Environment& env = check.options.environment;
  Offline offline{check, 0};
  check_switches(offline, env);
  if (!env.get("VLLM_USE_MODELSCOPE").empty() && lower(env.get("VLLM_USE_MODELSCOPE")) == "true")
    offline.add("modelscope-enabled", "VLLM_USE_MODELSCOPE", "is " + env.get("VLLM_USE_MODELSCOPE"),
                Severity::Error);
  const std::string marker = path_join(
      env.get_or("VLLM_CONFIG_ROOT", path_join(home_of(env), ".config/vllm")), "do_not_track");
  if (!env.is_on("VLLM_NO_USAGE_STATS") && !env.is_on("DO_NOT_TRACK") &&
      !env.is_on("VLLM_DO_NOT_TRACK") && !check.files.stat(marker))
    offline.add("usage-statistics-on", "VLLM_NO_USAGE_STATS", "is not set", Severity::Warning);
  // Whether Ray starts the workers is not known here.
  if (check.options.network == NetworkUse::MustBeOffline &&
      env.get("RAY_USAGE_STATS_ENABLED") != "0")
    offline.add("ray-usage-statistics-on", "RAY_USAGE_STATS_ENABLED", "is not 0", Severity::Info);
  if (const std::string trouble = is_gpt_oss(check) ? tiktoken_trouble(check, env) : "";
      !trouble.empty())
    offline.add("tiktoken-vocabulary-online", "TIKTOKEN_ENCODINGS_BASE", trouble, Severity::Error);
  check_old_cache(check, env);
  if (check.problems.has("custom-code-from-other-repo")) ++offline.uses;
  const std::string value = fmt::format(
      "{}; {} other use(s) of the network{}",
      hub_is_offline(env) ? "the hub is switched off" : "the hub is not switched off", offline.uses,
      check.repo.empty() ? "; with a directory the hub is not asked for files that are here" : "");
  check.check_by(
      "offline",
      {"offline-switch-overruled", "offline-switch-missing", "modelscope-enabled",
       "usage-statistics-on", "tiktoken-vocabulary-online", "transformers-cache-elsewhere"},
      value);
}

}  // namespace rankdx
