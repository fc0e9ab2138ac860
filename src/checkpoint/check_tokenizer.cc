// Which alternative of the tokenizer is there and complete, and whether there is a chat template.
#include <algorithm>

#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

bool has_ending(const ModelCheck& check, std::string_view ending) {
  return std::any_of(check.entries.begin(), check.entries.end(), [&](const FileEntry& e) {
    return e.kind == FileKind::File && e.name.ends_with(ending);
  });
}

std::string mistral_tokenizer(const ModelCheck& check) {
  if (check.has("tekken.json")) return "tekken.json";
  std::string best;  // the highest version
  for (const FileEntry& e : check.entries)
    if (e.kind == FileKind::File && e.name.starts_with("tokenizer.model.v")) best = e.name;
  return best;
}

/// The alternative that transformers would take, or "".
std::string hf_tokenizer(const ModelCheck& check) {
  for (const char* name : {"tokenizer.json", "tokenizer.model"})
    if (check.has(name)) return name;
  if (check.has("vocab.json") && check.has("merges.txt")) return "vocab.json and merges.txt";
  for (const char* name : {"vocab.txt", "tiktoken.model"})
    if (check.has(name)) return name;
  return has_ending(check, ".tiktoken") ? "*.tiktoken" : "";
}

std::string lacking(const ModelCheck& check) {
  if (check.has("merges.txt")) return "merges.txt is there, vocab.json is not";
  if (check.has("vocab.json")) return "vocab.json is there, merges.txt is not";
  if (check.layout.config == ConfigFormat::Mistral)
    return "neither tekken.json nor tokenizer.model.v*, nor a Hugging Face tokenizer";
  return "no tokenizer.json, tokenizer.model, vocab.json with merges.txt, vocab.txt or *.tiktoken";
}

void check_tokenizer_json(ModelCheck& check) {
  const JsonValue* root = check.root("tokenizer.json");
  if (root != nullptr && root->find("model") == nullptr)
    check.add("tokenizer-file-broken", "tokenizer.json", "has no `model`",
              {{"detail", "tokenizer.json is JSON, but not a tokenizer: it has no `model`."}});
}

bool has_template_key(const JsonValue* root) {
  const JsonValue* value = root != nullptr ? root->find("chat_template") : nullptr;
  return value != nullptr && (!value->text().empty() || !value->items().empty());
}

std::string chat_template(const ModelCheck& check) {
  if (check.has("chat_template.jinja")) return "chat_template.jinja";
  for (const char* name : {"tokenizer_config.json", "chat_template.json", "processor_config.json"})
    if (has_template_key(check.root(name))) return std::string(name) + ", chat_template";
  const FileEntry* more = find_entry(check.entries, "additional_chat_templates");
  if (more != nullptr && more->kind == FileKind::Directory) return "additional_chat_templates/";
  return {};
}

void check_template(ModelCheck& check, bool mistral) {
  if (mistral) {
    check.check("chat-template", CheckStatus::Ok, "that of mistral_common");
    return;
  }
  const std::string found = chat_template(check);
  if (!found.empty()) {
    check.check("chat-template", CheckStatus::Ok, found);
    return;
  }
  if (check.problems.has("adapter-only-directory")) return;
  if (check.has("modules.json")) {
    check.check("chat-template", CheckStatus::Ok, "an embedding model needs none");
    return;
  }
  check.add("chat-template-missing", "chat_template.jinja", "is missing, as is any other form");
  check.check("chat-template", CheckStatus::Warning, "none", "chat completions are refused");
}

}  // namespace

void check_tokenizer(ModelCheck& check) {
  if (check.layout.weights == WeightFormatOnDisk::AdapterOnly) return;
  const bool consolidated = check.layout.weights == WeightFormatOnDisk::Consolidated;
  const std::string mistral = mistral_tokenizer(check);
  const std::string hf = hf_tokenizer(check);
  const bool use_mistral = !mistral.empty() && (consolidated || hf.empty());
  const std::string chosen = use_mistral ? mistral : hf;
  if (chosen.empty() && check.layout.weights == WeightFormatOnDisk::Gguf) {
    check.check("tokenizer", CheckStatus::Unknown, "none beside the GGUF file",
                "vLLM can read the one inside it, slowly; --tokenizer is advised");
    return;
  }
  if (chosen.empty())
    check.add("tokenizer-files-missing", "tokenizer.json", lacking(check),
              {{"lacking", lacking(check)}});
  if (!use_mistral) {
    check_tokenizer_json(check);
    const FileEntry* config = find_entry(check.entries, "tokenizer_config.json");
    if (!chosen.empty() && config == nullptr)
      check.add("tokenizer-config-missing", "tokenizer_config.json", "is missing");
  }
  check.check_by("tokenizer",
                 {"tokenizer-files-missing", "tokenizer-file-broken", "tokenizer-config-missing"},
                 chosen.empty() ? "none" : chosen);
  check_template(check, use_mistral);
}

}  // namespace rankdx
