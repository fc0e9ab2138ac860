// From what the user names (a directory, a config.json or params.json, the name of a known model)
// to configuration and weights. Reads files, nothing else.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "memory/fit.h"
#include "memory/model_config.h"
#include "memory/vllm_version.h"

namespace rankdx {

struct ModelSource {
  ModelConfig config;
  WeightSource weights;
  std::string place;  ///< the file that the configuration came from
};

/// `quantization`: vLLM's --quantization, for checkpoints that are quantised while loading; may be
/// empty. `known`: name of a known model (data/models/models.tsv) whose values complete the
/// configuration; may be empty.
Result<ModelSource> open_model(const std::string& path, const std::string& known,
                               const std::string& quantization, const VllmVersion& version);

/// The configuration alone, from its text; completed from the known models where it is an excerpt.
/// For diagnosis, where the values stand in a log, and for the fuzzer.
Result<ModelSource> model_from_text(std::string_view json, std::string_view place,
                                    const std::string& known, const std::string& quantization);

}  // namespace rankdx
