// A tree of scalars, lists and ordered maps: what YAML documents are written from and read into.
// Owns its texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace rankdx {

class Value {
 public:
  enum class Kind : uint8_t { Null, Text, Number, Truth, List, Map };

  Value() = default;
  Value(std::string text) : kind_(Kind::Text), text_(std::move(text)) {}
  Value(std::string_view text) : kind_(Kind::Text), text_(text) {}
  Value(const char* text) : kind_(Kind::Text), text_(text) {}
  Value(int64_t number) : kind_(Kind::Number), text_(std::to_string(number)) {}
  Value(int number) : Value(static_cast<int64_t>(number)) {}
  Value(bool truth) : kind_(Kind::Truth), text_(truth ? "true" : "false") {}

  using Member = std::pair<std::string, Value>;
  static Value list(std::vector<Value> items = {});
  static Value map(std::vector<Member> members = {});

  Kind kind() const { return kind_; }
  /// The scalar's text; "" for lists, maps and null.
  const std::string& text() const { return text_; }
  const std::vector<Value>& items() const { return items_; }
  const std::vector<Member>& members() const { return members_; }
  bool empty() const {
    return kind_ == Kind::Null || (text_.empty() && items_.empty() && members_.empty());
  }

  /// The member of that name, or a null value.
  const Value& operator[](std::string_view name) const;
  /// By a path of names: at("spec.template.spec"); names hold no dot.
  const Value& at(std::string_view path) const;
  /// The first item whose member `name` has that text, or a null value.
  const Value& item_with(std::string_view name, std::string_view text) const;

  /// Adds a member at the end; turns null into a map. Names are not checked for repetition.
  Value& set(std::string name, Value value);
  Value& push(Value value);

 private:
  Kind kind_ = Kind::Null;
  std::string text_;
  std::vector<Value> items_;
  std::vector<Member> members_;
};

/// Documents in block style, each after "---"; texts that YAML would read as something else are
/// quoted.
std::string to_yaml(const std::vector<Value>& documents);

/// All documents of a YAML text. Aliases are expanded up to a limit of nodes; errors name the line.
Result<std::vector<Value>> parse_yaml(std::string_view text);

}  // namespace rankdx
