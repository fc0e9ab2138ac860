#include "memory/json_fields.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace rankdx {

using Json = nlohmann::json;

struct Fields::Node {
  std::shared_ptr<const Json> owner;
  const Json* value;
};

namespace {

constexpr double kMostWhole = 9007199254740992.0;

const Json* find(const Json& object, std::string_view key) {
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::optional<int64_t> whole(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (!(std::fabs(number) <= kMostWhole) || number != std::floor(number)) return std::nullopt;
  return static_cast<int64_t>(number);
}

}  // namespace

Fields::Fields() {
  static const auto empty = std::make_shared<const Json>(Json::object());
  node_ = std::make_shared<const Node>(Node{empty, empty.get()});
}

Result<Fields> Fields::parse(std::string_view json, std::string_view place) {
  if (json.size() > kMostBytes) {
    return fail(ErrorCode::Corrupt, "larger than 16 MiB, which no model configuration is",
                std::string(place));
  }
  auto parsed = std::make_shared<Json>(Json::parse(json, nullptr, false));
  if (parsed->is_discarded()) return fail(ErrorCode::Corrupt, "not valid JSON", std::string(place));
  if (!parsed->is_object()) {
    return fail(ErrorCode::Corrupt, "a model configuration is a JSON object, this is none",
                std::string(place));
  }
  const Json* root = parsed.get();
  return Fields(std::make_shared<const Node>(Node{std::move(parsed), root}));
}

bool Fields::has(std::string_view key) const { return find(*node_->value, key) != nullptr; }

bool Fields::empty() const { return node_->value->empty(); }

std::optional<int64_t> Fields::integer(std::string_view key) const {
  const Json* value = find(*node_->value, key);
  if (!value) return std::nullopt;
  return whole(value->is_array() && !value->empty() ? value->front() : *value);
}

std::optional<int64_t> Fields::integer(std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys) {
    if (const auto value = integer(key)) return value;
  }
  return std::nullopt;
}

int64_t Fields::integer_or(std::initializer_list<std::string_view> keys, int64_t otherwise) const {
  return integer(keys).value_or(otherwise);
}

std::optional<double> Fields::decimal(std::string_view key) const {
  const Json* value = find(*node_->value, key);
  if (!value || !value->is_number()) return std::nullopt;
  const double number = value->get<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<bool> Fields::boolean(std::string_view key) const {
  const Json* value = find(*node_->value, key);
  return value && value->is_boolean() ? std::optional(value->get<bool>()) : std::nullopt;
}

std::string Fields::text(std::string_view key) const {
  const Json* value = find(*node_->value, key);
  return value && value->is_string() ? value->get<std::string>() : std::string();
}

Fields Fields::object(std::string_view key) const {
  const Json* value = find(*node_->value, key);
  if (!value || !value->is_object()) return {};
  return Fields(std::make_shared<const Node>(Node{node_->owner, value}));
}

std::vector<std::string> Fields::texts(std::string_view key) const {
  std::vector<std::string> result;
  const Json* value = find(*node_->value, key);
  if (!value || !value->is_array()) return result;
  for (const Json& element : *value) {
    if (result.size() == kMostElements) break;
    result.push_back(element.is_string() ? element.get<std::string>() : std::string());
  }
  return result;
}

std::vector<int64_t> Fields::integers(std::string_view key) const {
  std::vector<int64_t> result;
  const Json* value = find(*node_->value, key);
  if (!value || !value->is_array()) return result;
  for (const Json& element : *value) {
    if (result.size() == kMostElements) break;
    if (element.is_boolean()) {
      result.push_back(element.get<bool>() ? 1 : 0);
    } else {
      result.push_back(element.is_number() ? whole(element).value_or(-1) : -1);
    }
  }
  return result;
}

std::vector<Fields> Fields::objects(std::string_view key) const {
  std::vector<Fields> result;
  const Json* value = find(*node_->value, key);
  if (!value || !value->is_array()) return result;
  for (const Json& element : *value) {
    if (result.size() == kMostElements) break;
    result.push_back(element.is_object()
                         ? Fields(std::make_shared<const Node>(Node{node_->owner, &element}))
                         : Fields());
  }
  return result;
}

std::vector<std::string> Fields::keys() const {
  std::vector<std::string> result;
  for (const auto& [key, value] : node_->value->items()) result.push_back(key);
  return result;
}

Fields Fields::completed_by(const Fields& more) const {
  auto merged = std::make_shared<Json>(*more.node_->value);
  for (const auto& [key, value] : node_->value->items()) {
    if (!value.is_null()) (*merged)[key] = value;
  }
  const Json* root = merged.get();
  return Fields(std::make_shared<const Node>(Node{std::move(merged), root}));
}

Fields Fields::renamed(
    std::initializer_list<std::pair<std::string_view, std::string_view>> names) const {
  auto copy = std::make_shared<Json>(*node_->value);
  for (const auto& [from, to] : names) {
    if (const Json* value = find(*node_->value, from); value && !has(to)) {
      (*copy)[std::string(to)] = *value;
    }
  }
  const Json* root = copy.get();
  return Fields(std::make_shared<const Node>(Node{std::move(copy), root}));
}

Fields Fields::with_text(std::string_view key, std::string_view value) const {
  auto copy = std::make_shared<Json>(*node_->value);
  (*copy)[std::string(key)] = std::string(value);
  const Json* root = copy.get();
  return Fields(std::make_shared<const Node>(Node{std::move(copy), root}));
}

Fields Fields::with_object(std::string_view key, const Fields& value) const {
  auto copy = std::make_shared<Json>(*node_->value);
  (*copy)[std::string(key)] = *value.node_->value;
  const Json* root = copy.get();
  return Fields(std::make_shared<const Node>(Node{std::move(copy), root}));
}

}  // namespace rankdx
