#include "catalogue/value_rule.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr std::pair<std::string_view, ValueKind> kKinds[] = {
    {"address", ValueKind::Address}, {"float", ValueKind::Decimal}, {"int", ValueKind::Integer},
    {"json", ValueKind::Json},       {"list", ValueKind::List},     {"path", ValueKind::Path},
    {"size", ValueKind::Size},       {"switch", ValueKind::Switch}, {"text", ValueKind::Any},
    {"word", ValueKind::Word},
};

bool is_size(std::string_view value) {
  if (value == "auto" || value == "-1") return true;
  if (!value.empty() && std::string_view("kKmMgGtT").find(value.back()) != value.npos) {
    value.remove_suffix(1);
  }
  const auto number = parse_double(value);
  return number && *number > 0;
}

bool is_switch(std::string_view value) {
  const std::string word = lower(value);
  return word == "0" || word == "1" || word == "true" || word == "false";
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::string_view w : words) (out += out.empty() ? "" : ", ") += w;
  return out;
}

std::string as_text(double number) {
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

ValueRule ValueRule::parse(std::string_view type, std::string_view values) {
  ValueRule rule;
  for (const auto& [name, kind] : kKinds) {
    if (name == type) rule.kind = kind;
  }
  if (values.starts_with(">=")) {
    rule.least = parse_double(values.substr(2));
  } else if (values.find('|') != values.npos) {
    rule.words = split(values, '|');
  } else if (!values.empty()) {
    std::string_view most;
    rule.least = parse_double(take_until(values, '-', most));
    rule.most = parse_double(most);
  }
  return rule;
}

std::optional<std::string> ValueRule::complaint(std::string_view value) const {
  if (!words.empty()) {
    const std::string word = lower(value);
    const bool known = std::any_of(words.begin(), words.end(),
                                   [&](std::string_view w) { return lower(w) == word; });
    if (known || value.find('.') != value.npos) return std::nullopt;
    return "is not one of " + joined(words);
  }
  switch (kind) {
    case ValueKind::Switch:
      if (!is_switch(value)) return "is neither 0 nor 1";
      return std::nullopt;
    case ValueKind::Size:
      if (!is_size(value)) return "is no number of tokens or bytes";
      return std::nullopt;
    case ValueKind::Json:
      // Dotted keys and names of files are taken too; what begins like JSON must end so.
      if (value.starts_with('{') && !value.ends_with('}')) return "is no whole JSON object";
      if (value.starts_with('[') && !value.ends_with(']')) return "is no whole JSON list";
      return std::nullopt;
    case ValueKind::Address:
      if (value.find_first_of(" /=") != value.npos) return "is no address";
      return std::nullopt;
    case ValueKind::Integer:
      if (!parse_int<int64_t>(value)) return "is no integer";
      break;
    case ValueKind::Decimal:
      if (!parse_double(value)) return "is no number";
      break;
    default:
      return std::nullopt;
  }
  const double number = parse_double(value).value_or(0);
  if (least && number < *least) return "is less than " + as_text(*least);
  if (most && number > *most) return "is more than " + as_text(*most);
  return std::nullopt;
}

}  // namespace rankdx
