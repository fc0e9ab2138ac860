#include "checkpoint/config.h"

namespace rankdx {

Result<JsonFile> read_json_file(const FileAccess& files, const std::string& directory,
                                std::string_view name, JsonPlace* at) {
  JsonFile file;
  file.name = name;
  file.text = RANKDX_TRY(read_file(files, path_join(directory, name), kMostConfigBytes));
  file.root = RANKDX_TRY(parse_json_tree(file.text, name, at));
  if (!file.root.is_object())
    return fail(ErrorCode::Corrupt, "is JSON, but not an object", file.name + ":1:1");
  return file;
}

}  // namespace rankdx
