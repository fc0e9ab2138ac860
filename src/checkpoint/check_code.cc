// What a class of models needs beside weights and tokenizer: processors of multimodal models, the
// pooling of embedding models, how the weights are quantised.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/text.h"
#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

constexpr std::array<std::string_view, 3> kProcessorFiles = {
    "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json"};

/// The types of which at least one must occur where a method quantises the weights. Only methods
/// whose stored form is certain; the others pass.
struct Method {
  std::string_view name;
  std::array<std::string_view, 3> dtypes;
};
constexpr std::array<Method, 5> kMethods = {{{"awq", {"I32", "", ""}},
                                             {"fbgemm_fp8", {"F8_E4M3", "", ""}},
                                             {"fp8", {"F8_E4M3", "F8_E5M2", "U8"}},
                                             {"gptq", {"I32", "", ""}},
                                             {"mxfp4", {"U8", "F4", ""}}}};

/// In the first `files` files.
bool any_tensor(const ModelCheck& check, size_t files,
                const std::function<bool(const HeaderTensor&)>& is) {
  const auto end =
      check.weights.begin() + static_cast<std::ptrdiff_t>(std::min(files, check.weights.size()));
  return std::any_of(check.weights.begin(), end, [&](const WeightFile& f) {
    return f.header && std::any_of(f.header->tensors.begin(), f.header->tensors.end(), is);
  });
}

}  // namespace

void check_processors(ModelCheck& check) {
  const JsonValue* config = check.config();
  if (config == nullptr || check.layout.config != ConfigFormat::HuggingFace) return;
  std::string kinds;
  for (const char* key : {"vision_config", "audio_config"})
    if (const JsonValue* part = config->find(key); part != nullptr && part->is_object())
      kinds += std::string(kinds.empty() ? "" : ", ") + key;
  if (kinds.empty()) return;
  std::string found;
  for (const std::string_view name : kProcessorFiles)
    if (check.has(name)) found += (found.empty() ? "" : ", ") + std::string(name);
  if (found.empty())
    check.add("processor-config-missing", "preprocessor_config.json",
              "is missing; config.json has " + kinds);
  check.check_by("processor", {"processor-config-missing"},
                 found.empty() ? kinds : found + " for " + kinds);
}

/// sentence-transformers: modules.json lists folders, each with a configuration of its own. Without
/// the one of the pooling, vLLM takes the model's default.
void check_pooling(ModelCheck& check) {
  const JsonValue* modules = check.root("modules.json");
  if (modules == nullptr) return;
  size_t folders = 0;
  for (const JsonValue& module : modules->items()) {
    const std::string folder(module.text("path"));
    const bool pooling = module.text("type").ends_with(".Pooling");
    if (!pooling || folder.empty() || folder.find("..") != std::string::npos) continue;
    ++folders;
    const std::string file = path_join(folder, "config.json");
    if (!check.files.stat(path_join(check.directory, file)))
      check.add("pooling-config-missing", file, "is named by modules.json and is missing");
  }
  if (folders > 0)
    check.check_by("pooling", {"pooling-config-missing"},
                   std::to_string(folders) + " in modules.json");
}

void check_quantization(ModelCheck& check) {
  const JsonValue* config = check.config();
  const JsonValue* own = config != nullptr ? config->find("quantization_config") : nullptr;
  std::string method = own != nullptr ? lower(own->text("quant_method")) : "";
  std::string where = own != nullptr && own->is_object() ? "config.json" : "";
  for (const char* name : {"hf_quant_config.json", "quantize_config.json", "quant_config.json"})
    if (where.empty() && check.has(name)) where = name;
  // Every shard of a quantised model has such names.
  const bool packed = any_tensor(check, 2, [](const HeaderTensor& t) {
    return t.name.ends_with(".qweight") || t.name.ends_with(".weight_packed") ||
           t.name.ends_with(".qzeros");
  });
  if (where.empty() && packed && check.layout.config == ConfigFormat::HuggingFace)
    check.add("quantization-config-missing", "config.json",
              "has no quantization_config, but tensors are named .qweight or .weight_packed");
  const auto it = std::find_if(kMethods.begin(), kMethods.end(),
                               [&](const Method& m) { return m.name == method; });
  const bool any_header =
      any_tensor(check, check.weights.size(), [](const HeaderTensor&) { return true; });
  const bool complete = !check.problems.has("model-shard-missing") &&
                        std::all_of(check.weights.begin(), check.weights.end(),
                                    [](const WeightFile& f) { return f.header.has_value(); });
  if (it != kMethods.end() && any_header && complete &&
      !any_tensor(check, check.weights.size(), [&](const HeaderTensor& t) {
        return std::find(it->dtypes.begin(), it->dtypes.end(), t.dtype->name) != it->dtypes.end();
      }))
    check.add("quantization-dtype-mismatch", "config.json",
              "quant_method " + method + ", but no tensor is " + std::string(it->dtypes[0]),
              {{"method", method}});
  if (where.empty() && !packed) return;
  check.check_by("quantization", {"quantization-config-missing", "quantization-dtype-mismatch"},
                 method.empty() ? where : method + " (" + where + ")");
}

}  // namespace rankdx
