// What a class of models needs beside weights and tokenizer: processors of multimodal models,
// custom code, how the weights are quantised.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "base/text.h"
#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

constexpr std::array<std::string_view, 3> kProcessorFiles = {
    "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json"};

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

/// auto_map: {"AutoConfig": "module.Class", "AutoTokenizer": ["module.Slow", null], "AutoModel":
/// "org/repo--module.Class"}.
void collect_code(const JsonValue* root, std::set<std::string>& references) {
  const JsonValue* map = root != nullptr ? root->find("auto_map") : nullptr;
  if (map == nullptr) return;
  for (const auto& [name, value] : map->members()) {
    if (!value.text().empty()) references.insert(value.text());
    for (const JsonValue& item : value.items())
      if (!item.text().empty()) references.insert(item.text());
  }
}

void check_custom_code(ModelCheck& check) {
  std::set<std::string> references;
  std::string source;
  for (const char* name : {"config.json", "tokenizer_config.json", "preprocessor_config.json",
                           "processor_config.json"}) {
    const size_t before = references.size();
    collect_code(check.root(name), references);
    if (references.size() > before && source.empty()) source = name;
  }
  if (references.empty()) return;
  bool local = false;
  for (const std::string& reference : references) {
    const size_t other = reference.find("--");
    if (other != std::string::npos) {
      check.add("custom-code-from-other-repo", source, "auto_map: " + reference);
      continue;
    }
    local = true;
    const std::string module = reference.substr(0, reference.rfind('.')) + ".py";
    if (module.find('/') == std::string::npos && !check.has(module))
      check.add("custom-code-missing", module, "is named by auto_map: " + reference);
  }
  if (local && !check.problems.has("custom-code-missing"))
    check.add("custom-code-needs-trust", source, fmt::format("auto_map: {}", *references.begin()));
  check.check_by("custom-code", {"custom-code-missing", "custom-code-from-other-repo"},
                 std::to_string(references.size()) + " classes in auto_map");
}

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

void check_processors_and_code(ModelCheck& check) {
  check_processors(check);
  check_custom_code(check);
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
