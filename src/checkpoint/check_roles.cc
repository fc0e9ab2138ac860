// Which of the files count for what: required, needed for chat, for this class of model, optional,
// or not read at all.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

enum class FileRole : uint8_t { Required, Chat, Class, Optional, Unread };
constexpr size_t kRoles = 5;
constexpr std::array<std::string_view, kRoles> kIds = {
    "files-required", "files-for-chat", "files-for-this-class", "files-optional", "files-not-read"};

/// A name, or an ending where it begins with '*'. The first row that fits counts.
struct Row {
  std::string_view name;
  FileRole role;
};
constexpr Row kHuggingFace[] = {
    {"config.json", FileRole::Required},
    {"tokenizer.json", FileRole::Required},
    {"tokenizer.model", FileRole::Required},
    {"vocab.json", FileRole::Required},
    {"merges.txt", FileRole::Required},
    {"vocab.txt", FileRole::Required},
    {"*.tiktoken", FileRole::Required},
    {"tiktoken.model", FileRole::Required},
    {"*.jinja", FileRole::Chat},
    {"chat_template.json", FileRole::Chat},
    {"additional_chat_templates", FileRole::Chat},
    {"preprocessor_config.json", FileRole::Class},
    {"processor_config.json", FileRole::Class},
    {"video_preprocessor_config.json", FileRole::Class},
    {"hf_quant_config.json", FileRole::Class},
    {"quantize_config.json", FileRole::Class},
    {"quant_config.json", FileRole::Class},
    {"modules.json", FileRole::Class},
    {"1_Pooling", FileRole::Class},
    {"*.py", FileRole::Class},
    {"*.safetensors.index.json", FileRole::Optional},
    {"pytorch_model.bin.index.json", FileRole::Optional},
    {"tokenizer_config.json", FileRole::Optional},
    {"generation_config.json", FileRole::Optional},
    {"special_tokens_map.json", FileRole::Optional},
    {"added_tokens.json", FileRole::Optional},
};
constexpr Row kMistral[] = {
    {"params.json", FileRole::Required},
    {"tekken.json", FileRole::Required},
    {"consolidated.safetensors.index.json", FileRole::Optional},
    {"config.json", FileRole::Optional},
    {"generation_config.json", FileRole::Optional},
    {"SYSTEM_PROMPT.txt", FileRole::Optional},
    {"*.jinja", FileRole::Optional},
};

FileRole role_in(std::span<const Row> rows, std::string_view name) {
  for (const Row& row : rows)
    if (row.name.front() == '*' ? name.ends_with(row.name.substr(1)) : name == row.name)
      return row.role;
  return FileRole::Unread;
}

/// Of the forms of a tokenizer only one is read; the others are there for other programs.
bool is_other_tokenizer(const ModelCheck& check, std::string_view name) {
  static constexpr std::string_view kSlow[] = {"tokenizer.model", "vocab.json", "merges.txt",
                                               "vocab.txt", "tiktoken.model"};
  return check.has("tokenizer.json") &&
         std::find(std::begin(kSlow), std::end(kSlow), name) != std::end(kSlow);
}

FileRole role_of(const ModelCheck& check, const FileEntry& e) {
  if (check.layout.config == ConfigFormat::Mistral) {
    if (e.name.starts_with("tokenizer.model.v") && !check.has("tekken.json"))
      return FileRole::Required;
    const FileRole role = role_in(kMistral, e.name);
    if (role != FileRole::Unread || check.layout.tokenizer == TokenizerFormat::Mistral) return role;
    const FileRole own = role_in(kHuggingFace, e.name);
    return e.name.starts_with("tokenizer") ? own : FileRole::Unread;
  }
  if (is_other_tokenizer(check, e.name)) return FileRole::Optional;
  return role_in(kHuggingFace, e.name);
}

/// "59 weight files, config.json, tokenizer.json"; a few names, then how many more.
std::string listed(size_t weights, const std::vector<std::string_view>& names) {
  constexpr size_t kMost = 8;
  std::string text = weights > 0 ? fmt::format("{} weight file(s)", weights) : "";
  for (size_t i = 0; i < names.size() && i < kMost; ++i)
    text += (text.empty() ? "" : ", ") + std::string(names[i]);
  if (names.size() > kMost) text += fmt::format(" and {} more", names.size() - kMost);
  return text;
}

}  // namespace

void check_roles(ModelCheck& check) {
  if (check.layout.weights == WeightFormatOnDisk::AdapterOnly) return;
  std::set<std::string_view> loaded;
  for (const std::string& name : check.layout.weight_files)
    if (check.is_loaded(name)) loaded.insert(name);
  std::array<std::vector<std::string_view>, kRoles> names;
  for (const FileEntry& e : check.entries) {
    if (e.name.starts_with('.') || loaded.contains(e.name)) continue;
    names[static_cast<size_t>(role_of(check, e))].push_back(e.name);
  }
  for (size_t i = 0; i < kRoles; ++i) {
    const size_t weights = i == 0 ? loaded.size() : 0;
    if (weights == 0 && names[i].empty()) continue;
    check.check(std::string(kIds[i]), CheckStatus::Ok, listed(weights, names[i]));
  }
}

}  // namespace rankdx
