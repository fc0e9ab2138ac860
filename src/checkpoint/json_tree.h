// A small JSON document as a tree, for configuration files: order of keys kept, the last of equal
// keys counts (as in Python), numbers kept as written. Values own their texts; free to share
// between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "checkpoint/json_scanner.h"

namespace rankdx {

class JsonValue {
 public:
  JsonType type() const { return type_; }
  bool is_object() const { return type_ == JsonType::Object; }
  bool is_array() const { return type_ == JsonType::Array; }
  bool is_null() const { return type_ == JsonType::Null; }
  /// The value of a key, or nullptr: also where this is no object.
  const JsonValue* find(std::string_view key) const;
  /// Of a string; empty for anything else.
  const std::string& text() const { return text_; }
  /// Of a string under `key`; empty for anything else.
  std::string_view text(std::string_view key) const;
  std::optional<int64_t> integer() const;
  std::optional<bool> boolean() const;
  const std::vector<JsonValue>& items() const { return items_; }
  const std::vector<std::pair<std::string, JsonValue>>& members() const { return members_; }

 private:
  friend class JsonTreeBuilder;
  JsonType type_ = JsonType::Null;
  std::string text_;  ///< a string, or a number as written
  std::vector<JsonValue> items_;
  std::vector<std::pair<std::string, JsonValue>> members_;
};

/// Errors: Corrupt with place "file:line:column" (and the place in `place`, where given).
Result<JsonValue> parse_json_tree(std::string_view text, std::string_view file,
                                  JsonPlace* place = nullptr);

}  // namespace rankdx
