#include "memory/known_models.h"

#include <algorithm>
#include <array>

#include "base/text.h"

extern "C" const char rankdx_data_models_begin[], rankdx_data_models_end[];

namespace rankdx {
namespace {

/// Sizes that tell models apart.
constexpr std::array<std::string_view, 12> kShape = {
    "num_hidden_layers", "hidden_size",      "num_attention_heads", "num_key_value_heads",
    "head_dim",          "vocab_size",       "intermediate_size",   "num_experts",
    "num_local_experts", "n_routed_experts", "kv_lora_rank",        "moe_intermediate_size"};

Fields text_of(const Fields& config) {
  const Fields text = config.object("text_config");
  return text.empty() ? config : text;
}

/// Values that both name agree, and enough are named to tell a model.
bool agrees(const Fields& given, const Fields& known) {
  for (const std::string_view key : kShape) {
    const auto mine = given.integer(key), theirs = known.integer(key);
    if (mine && theirs && *mine != *theirs) return false;
    // An expert or latent size that the known model lacks is another model.
    if (mine && !theirs && key != "head_dim" && key != "num_key_value_heads") return false;
  }
  return given.integer("num_hidden_layers") && given.integer("hidden_size") &&
         given.integer("num_attention_heads");
}

}  // namespace

const std::vector<KnownModel>& known_models() {
  static const std::vector<KnownModel> models = [] {
    std::vector<KnownModel> result;
    std::string_view rest(rankdx_data_models_begin,
                          static_cast<size_t>(rankdx_data_models_end - rankdx_data_models_begin));
    take_until(rest, '\n', rest);  // header
    while (!rest.empty()) {
      std::string_view config;
      const std::string_view name = take_until(take_until(rest, '\n', rest), '\t', config);
      if (!name.empty()) result.push_back({name, config});
    }
    return result;
  }();
  return models;
}

std::optional<KnownModel> known_model(std::string_view name) {
  const std::string wanted = lower(name);
  for (const KnownModel& m : known_models()) {
    const std::string full = lower(m.name);
    if (full == wanted || full.substr(full.find('/') + 1) == wanted) return m;
  }
  return std::nullopt;
}

std::optional<KnownModel> known_model_like(const Fields& config) {
  const Fields given = text_of(config);
  std::optional<KnownModel> found;
  Fields found_fields;
  for (const KnownModel& m : known_models()) {
    const auto fields = Fields::parse(m.config, m.name);
    if (!fields || !agrees(given, text_of(*fields))) continue;
    const Fields text = text_of(*fields);
    // Variants of one shape (base and instruct) count as one.
    const bool same = found && std::all_of(kShape.begin(), kShape.end(), [&](std::string_view key) {
                        return text.integer(key) == found_fields.integer(key);
                      });
    if (found && !same) return std::nullopt;
    if (!found) found = m, found_fields = text;
  }
  return found;
}

}  // namespace rankdx
