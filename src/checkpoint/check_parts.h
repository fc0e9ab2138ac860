// What the parts of check_model share; nothing outside this room includes it. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/check_model.h"
#include "checkpoint/config.h"
#include "checkpoint/hub_cache.h"
#include "checkpoint/name_set.h"
#include "checkpoint/problems.h"
#include "checkpoint/sniff.h"
#include "checkpoint/weights.h"

namespace rankdx {

struct ModelCheck {
  const ModelCheckOptions& options;
  const FileAccess& files;
  std::string directory;
  std::string repo;  ///< the id, where the model was named by one
  std::vector<FileEntry> entries;
  ModelLayout layout;
  std::optional<HubSnapshot> snapshot;
  HubRecords records;

  std::map<std::string, JsonFile, std::less<>> json;  ///< by name; only what could be read
  std::map<std::string, Sniffed, std::less<>> fakes;  ///< files that are something else
  /// By Python file: the modules beside it that it imports.
  std::map<std::string, std::vector<std::string>, std::less<>> imports;
  std::vector<WeightFile> weights;  ///< all safetensors of the layout, by name
  std::optional<WeightIndex> index;
  bool index_broken = false;
  std::set<std::string_view> index_files;  ///< those that the index names

  Problems problems;
  std::vector<CheckResult> checks;

  /// Whether vLLM loads a weight file of the layout: all without an index, else those it names.
  bool is_loaded(std::string_view name) const { return !index || index_files.contains(name); }
  bool has(std::string_view name) const { return find_file(entries, name) != nullptr; }
  const JsonValue* root(std::string_view name) const;
  /// config.json, or nullptr.
  const JsonValue* config() const { return root("config.json"); }
  void check(std::string id, CheckStatus status, std::string value, std::string why = {});
  /// Failed or Warning as the worst of these problems, else Ok.
  void check_by(std::string id, std::initializer_list<std::string_view> problem_ids,
                std::string value);
  /// {directory} and {repo} for the words of problems.
  Problems::Names names(Problems::Names more = {}) const;
  void add(std::string_view id, std::string file, std::string detail, Problems::Names more = {},
           uint64_t line = 0, uint32_t column = 0);
};

/// "1,234,567".
std::string digits_grouped(uint64_t number);
/// "4.7 GiB".
std::string size_words(uint64_t bytes);

/// The modules of `from .name import ...`, as file names without ".py", in order.
std::vector<std::string> relative_imports(std::string_view python);

/// Reads everything that the other parts look at: JSON files, index, headers, first bytes.
void read_model_files(ModelCheck& check);

void check_layout(ModelCheck& check);
void check_fakes_and_json(ModelCheck& check);
void check_index_and_tensors(ModelCheck& check);
void check_headers(ModelCheck& check);
/// After the index: is the set that this version prefers complete?
void check_both_formats(ModelCheck& check);
void check_tokenizer(ModelCheck& check);
void check_processors(ModelCheck& check);
void check_custom_code(ModelCheck& check);
void check_pooling(ModelCheck& check);
void check_quantization(ModelCheck& check);
/// What is required, needed for chat, optional, and what nothing reads.
void check_roles(ModelCheck& check);
void check_hub(ModelCheck& check);
void check_access(ModelCheck& check);
void check_caches(ModelCheck& check);
void check_offline(ModelCheck& check);
void check_hashes(ModelCheck& check);

}  // namespace rankdx
