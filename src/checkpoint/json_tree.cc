#include "checkpoint/json_tree.h"

#include "base/text.h"

namespace rankdx {

namespace {
constexpr unsigned kMaxDepth = 200;
constexpr size_t kMostValues = 4'000'000;
}  // namespace

class JsonTreeBuilder {
 public:
  explicit JsonTreeBuilder(std::string_view text) : json(text, JsonDialect::Python, kMaxDepth) {}

  bool build(JsonValue& to) {
    if (++values_ > kMostValues) return json.fail("too many values");
    std::string_view text;
    JsonNumber number;
    to.type_ = json.peek();
    switch (to.type_) {
      case JsonType::Object:
        if (!json.begin_object()) return false;
        while (json.next_member(text)) {
          auto& member = to.members_.emplace_back(std::string(text), JsonValue());
          if (!build(member.second)) return false;
        }
        return !json.failed();
      case JsonType::Array:
        if (!json.begin_array()) return false;
        while (json.next_element())
          if (!build(to.items_.emplace_back())) return false;
        return !json.failed();
      case JsonType::String:
        if (!json.string(text)) return false;
        to.text_ = text;
        return true;
      case JsonType::Number:
        if (!json.number(number)) return false;
        to.text_ = number.text;
        return true;
      case JsonType::End:
      case JsonType::Other:
        return json.fail("expected a value");
      default:
        return json.literal();
    }
  }

  JsonScanner json;

 private:
  size_t values_ = 0;
};

const JsonValue* JsonValue::find(std::string_view key) const {
  for (auto it = members_.rbegin(); it != members_.rend(); ++it)
    if (it->first == key) return &it->second;
  return nullptr;
}

std::string_view JsonValue::text(std::string_view key) const {
  const JsonValue* value = find(key);
  return value != nullptr && value->type_ == JsonType::String ? value->text_ : std::string_view();
}

std::optional<int64_t> JsonValue::integer() const {
  return type_ == JsonType::Number ? parse_int<int64_t>(text_) : std::nullopt;
}

std::optional<bool> JsonValue::boolean() const {
  if (type_ == JsonType::True) return true;
  if (type_ == JsonType::False) return false;
  return std::nullopt;
}

Result<JsonValue> parse_json_tree(std::string_view text, std::string_view file, JsonPlace* place) {
  const auto corrupt = [&](const std::string& what, JsonPlace at) {
    if (place != nullptr) *place = at;
    return fail(
        ErrorCode::Corrupt, what,
        std::string(file) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column));
  };
  if (const size_t bad = first_invalid_utf8(text); bad != std::string_view::npos)
    return corrupt("is not UTF-8", place_in(text, bad));
  JsonTreeBuilder builder(text);
  JsonValue value;
  if (!builder.build(value) || !builder.json.end()) {
    const JsonError error = builder.json.error();
    return corrupt("is not valid JSON: " + error.text, error.place);
  }
  return value;
}

}  // namespace rankdx
