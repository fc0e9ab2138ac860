// Configurations of well-known public models (data/models/models.tsv), by name or by shape.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memory/json_fields.h"

namespace rankdx {

struct KnownModel {
  std::string_view name;    ///< as on the Hugging Face hub
  std::string_view config;  ///< the fields of its config.json that sizes depend on
};

/// Sorted by name, without regard to case.
const std::vector<KnownModel>& known_models();

/// "meta-llama/Llama-3.1-8B-Instruct", or without the organisation; case does not count.
std::optional<KnownModel> known_model(std::string_view name);

/// The one shape among the known models that agrees with all of `config`'s own values and has more
/// of them; nothing when several differ, or when fewer than layers, hidden size and heads are
/// given.
std::optional<KnownModel> known_model_like(const Fields& config);

}  // namespace rankdx
