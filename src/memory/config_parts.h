// The parts of a model configuration, each read on its own. Only model_config.cc calls these.
#pragma once

#include "memory/model_config.h"

namespace rankdx {

/// params.json in the names of config.json.
Fields mistral_as_hugging_face(const Fields& params);
Quantisation quantisation_of(const Fields& root, const Fields& text);
Experts experts_of(const Fields& text, const ModelConfig& config);
std::optional<Latent> latent_of(const Fields& text, const ModelConfig& config);
std::optional<StateSpace> state_of(const Fields& text, ModelConfig& config);
int64_t layer_count(const Fields& text);
/// Reads the pattern of layers: which attend to all tokens, to a window, or keep a state; which
/// have experts.
std::vector<ModelLayer> layers_of(const Fields& text, const ModelConfig& config, int64_t count);

}  // namespace rankdx
