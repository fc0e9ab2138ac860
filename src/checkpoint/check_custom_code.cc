// Python that the model brings along: the modules that `auto_map` names, what they import from
// beside them, and code of other repositories.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text.h"
#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

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

/// Whether the hub's cache holds the module of "org/repo--module.Class".
bool is_cached(const ModelCheck& check, std::string_view repo, std::string_view module) {
  if (!is_repo_id(repo)) return false;
  const HubSnapshot snapshot =
      find_snapshot(check.files, hub_cache_directory(check.options.environment), repo, "main");
  return snapshot.state == HubSnapshot::State::Found &&
         check.files.stat(path_join(snapshot.directory, module)).has_value();
}

void check_other_repo(ModelCheck& check, const std::string& source, const std::string& reference) {
  const size_t dashes = reference.find("--");
  const std::string repo = reference.substr(0, dashes);
  const std::string rest = reference.substr(dashes + 2);
  const std::string module = rest.substr(0, rest.rfind('.')) + ".py";
  if (is_cached(check, repo, module)) {
    check.problems.add_as(Severity::Info, "custom-code-from-other-repo", source,
                          "auto_map: " + reference + "; the cache of the hub has it",
                          check.names());
  } else {
    check.add("custom-code-from-other-repo", source, "auto_map: " + reference);
  }
}

/// Families whose repositories bring code that transformers and vLLM have built in since: they
/// start without it.
bool is_built_in(const ModelCheck& check) {
  static constexpr std::string_view kTypes[] = {"chatglm",  "deepseek_v2", "deepseek_v3",
                                                "falcon",   "jais",        "mpt",
                                                "nemotron", "phi3",        "phimoe"};
  const JsonValue* config = check.config();
  const std::string_view type = config != nullptr ? config->text("model_type") : "";
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

/// A module and, from file to file, what it imports from beside it.
void check_module(ModelCheck& check, const std::string& module, const std::string& why,
                  std::set<std::string>& seen) {
  if (!seen.insert(module).second) return;
  if (module.find('/') != std::string::npos || !check.has(module)) {
    // A package beside it counts as well: `from .parts import x` with parts/__init__.py.
    const FileEntry* folder =
        find_entry(check.entries, module.substr(0, std::min(module.find('/'), module.size() - 3)));
    if (folder == nullptr || folder->kind != FileKind::Directory)
      check.problems.add_as(is_built_in(check) ? Severity::Warning : Severity::Error,
                            "custom-code-missing", module, why, check.names());
    return;
  }
  const auto imports = check.imports.find(module);
  if (imports == check.imports.end()) return;
  for (const std::string& name : imports->second)
    check_module(check, name + ".py", "is imported by " + module, seen);
}

}  // namespace

std::vector<std::string> relative_imports(std::string_view python) {
  std::vector<std::string> modules;
  while (!python.empty()) {
    std::string_view line = trim(take_until(python, '\n', python));
    if (!line.starts_with("from ")) continue;
    line = trim(line.substr(5));
    if (!line.starts_with('.') || line.starts_with("..")) continue;
    line.remove_prefix(1);
    size_t length = 0;
    while (length < line.size() && (std::isalnum(static_cast<unsigned char>(line[length])) != 0 ||
                                    line[length] == '.' || line[length] == '_'))
      ++length;
    // "from . import x" names packages of the folder itself; transformers does not follow it
    // either.
    if (length == 0 || !trim(line.substr(length)).starts_with("import")) continue;
    std::string name = replace_all(line.substr(0, length), ".", "/");
    if (std::find(modules.begin(), modules.end(), name) == modules.end())
      modules.push_back(std::move(name));
  }
  return modules;
}

void check_custom_code(ModelCheck& check) {
  std::set<std::string> references;
  std::string source;
  for (const char* name : {"config.json", "tokenizer_config.json", "preprocessor_config.json",
                           "processor_config.json", "video_preprocessor_config.json"}) {
    const size_t before = references.size();
    collect_code(check.root(name), references);
    if (references.size() > before && source.empty()) source = name;
  }
  if (references.empty()) return;
  bool local = false;
  std::set<std::string> seen;
  for (const std::string& reference : references) {
    if (reference.find("--") != std::string::npos) {
      check_other_repo(check, source, reference);
      continue;
    }
    local = true;
    check_module(check, reference.substr(0, reference.rfind('.')) + ".py",
                 "is named by auto_map: " + reference, seen);
  }
  if (local && !check.problems.has("custom-code-missing"))
    check.add("custom-code-needs-trust", source, fmt::format("auto_map: {}", *references.begin()));
  check.check_by("custom-code", {"custom-code-missing", "custom-code-from-other-repo"},
                 std::to_string(references.size()) + " classes in auto_map");
}

}  // namespace rankdx
