// config.json or params.json as text and tree, with the place of an error. What its numbers mean is
// asked elsewhere (memory).
#pragma once

#include <string>

#include "checkpoint/file_access.h"
#include "checkpoint/json_tree.h"

namespace rankdx {

struct JsonFile {
  std::string name;  ///< relative to the model directory
  std::string text;
  JsonValue root;
};

constexpr uint64_t kMostConfigBytes = 64u << 20;

/// Errors: Unreadable; Corrupt with place "file:line:column", which `at` gets too.
Result<JsonFile> read_json_file(const FileAccess& files, const std::string& directory,
                                std::string_view name, JsonPlace* at = nullptr);

}  // namespace rankdx
