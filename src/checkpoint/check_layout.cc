// Is everything there that vLLM of this version needs to begin with: a configuration, weights, one
// format of the two.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

void check_config(ModelCheck& check) {
  if (check.layout.config == ConfigFormat::None) {
    if (check.layout.weights == WeightFormatOnDisk::AdapterOnly) {
      check.add("adapter-only-directory", "adapter_config.json", "and no config.json");
    } else if (check.layout.weights != WeightFormatOnDisk::Gguf) {
      check.add("model-config-missing", "config.json", "is missing");
    }
    return;
  }
  const JsonValue* config = check.config();
  if (check.layout.config != ConfigFormat::HuggingFace || config == nullptr) return;
  const JsonValue* architectures = config->find("architectures");
  const bool named = architectures != nullptr && !architectures->items().empty();
  if (!named && config->text("model_type").empty())
    check.add("config-without-architecture", "config.json",
              "has neither `architectures` nor `model_type`");
}

std::string architecture_of(const ModelCheck& check) {
  const JsonValue* config = check.config();
  const JsonValue* list = config != nullptr ? config->find("architectures") : nullptr;
  return list != nullptr && !list->items().empty() ? list->items().front().text() : "";
}

/// The numbers that names of one set leave out; with an index the index says it.
void check_numbering(ModelCheck& check) {
  std::map<std::pair<std::string, std::string>, std::map<uint32_t, std::set<uint32_t>>> sets;
  std::map<std::string, size_t> digits;
  for (const std::string& name : check.layout.weight_files) {
    const auto shard = shard_name(name);
    if (!shard) continue;
    sets[{shard->prefix, shard->suffix}][shard->count].insert(shard->number);
    digits[shard->prefix] = shard->digits;
  }
  for (const auto& [names, counts] : sets) {
    if (counts.size() > 1) {
      for (const auto& [count, numbers] : counts)
        check.add(
            "shard-count-mismatch",
            fmt::format("{}*-of-{:0{}}{}", names.first, count, digits[names.first], names.second),
            fmt::format("{} file(s) of a set of {}", numbers.size(), count));
      continue;
    }
    if (check.index) continue;
    const auto& [count, numbers] = *counts.begin();
    // Some repositories number from 0.
    const uint32_t first = numbers.contains(0) ? 0 : 1;
    size_t reported = 0;
    for (uint32_t i = first; i < first + count && reported < 1000; ++i) {
      if (numbers.contains(i)) continue;
      const size_t width = digits[names.first];
      check.add(
          "model-shard-missing",
          fmt::format("{}{:0{}}-of-{:0{}}{}", names.first, i, width, count, width, names.second),
          "is missing: the names count " + std::to_string(count));
      ++reported;
    }
  }
}

bool consolidated_complete(const ModelCheck& check) {
  if (check.problems.has("shard-count-mismatch")) return false;
  const auto bad = [](const WeightFile& f) { return f.refused || f.unreadable; };
  if (std::any_of(check.weights.begin(), check.weights.end(), bad)) return false;
  return !check.problems.has("model-shard-missing");
}

void check_strays(ModelCheck& check) {
  const ModelLayout& layout = check.layout;
  if (layout.weights != WeightFormatOnDisk::Safetensors || !layout.index_file.empty()) return;
  const auto& files = layout.weight_files;
  const bool numbered = std::any_of(files.begin(), files.end(),
                                    [](const std::string& f) { return shard_name(f).has_value(); });
  const bool whole = std::find(files.begin(), files.end(), "model.safetensors") != files.end();
  for (const std::string& name : files) {
    const bool foreign = name.starts_with("adapter_model") ||
                         (name.starts_with("consolidated") && files.size() > 1) ||
                         (numbered && !shard_name(name)) ||
                         (!numbered && whole && name != "model.safetensors");
    if (foreign) check.add("stray-weight-files", name, "is loaded with the others");
  }
}

}  // namespace

void check_layout(ModelCheck& check) {
  const ModelLayout& layout = check.layout;
  check_config(check);
  if (layout.weights == WeightFormatOnDisk::None)
    check.add("model-weights-missing", check.directory, "has no weight file");
  check_numbering(check);
  check_strays(check);
  if (layout.weights == WeightFormatOnDisk::Gguf && !check.options.model.ends_with(".gguf"))
    check.add("gguf-needs-file-path", layout.weight_files.front(), "is the only kind of weights",
              {{"file", layout.weight_files.front()}});
  if (layout.weights == WeightFormatOnDisk::Bin || layout.weights == WeightFormatOnDisk::Pt)
    check.add("pickle-weights-only", layout.weight_files.front(),
              std::to_string(layout.weight_files.size()) + " file(s)");
  check.check_by(
      "layout",
      {"adapter-only-directory", "model-config-missing", "config-without-architecture",
       "model-weights-missing", "shard-count-mismatch", "stray-weight-files",
       "gguf-needs-file-path"},
      fmt::format("configuration: {}; weights: {}, {} file(s); tokenizer: {}; as vLLM "
                  "{}{} chooses",
                  to_string(layout.config), to_string(layout.weights), layout.weight_files.size(),
                  to_string(layout.tokenizer), check.options.version.text(),
                  check.options.version.assumed ? " (assumed)" : ""));
  if (const std::string name = architecture_of(check); !name.empty())
    check.check("architecture", CheckStatus::Unknown, name,
                "there is no table of the architectures that each vLLM release knows");
}

void check_both_formats(ModelCheck& check) {
  if (!check.layout.both_formats) return;
  if (check.layout.weights != WeightFormatOnDisk::Consolidated || consolidated_complete(check)) {
    check.add("mixed-model-formats", check.layout.config_file,
              fmt::format("{} of {} weight files are read", check.layout.weight_files.size(),
                          check.layout.weight_files.size() + check.layout.other_weights.size()),
              {{"chosen", std::string(to_string(check.layout.config))}});
  } else {
    check.add("mistral-set-incomplete", "consolidated*.safetensors",
              "stands beside " + std::to_string(check.layout.other_weights.size()) +
                  " file(s) of the other set");
  }
}

}  // namespace rankdx
