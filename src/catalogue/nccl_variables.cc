#include "catalogue/nccl_variables.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "catalogue/data.h"
#include "catalogue/nearest.h"

namespace rankdx {
namespace {

constexpr size_t kColumns = 14;

constexpr std::pair<std::string_view, VariableType> kTypes[] = {
    {"addr", VariableType::Address}, {"bool", VariableType::Switch},
    {"cidr", VariableType::Cidr},    {"enum", VariableType::Word},
    {"hex", VariableType::Hex},      {"int", VariableType::Number},
    {"list", VariableType::List},    {"path", VariableType::Path},
    {"str", VariableType::Text},     {"strftime", VariableType::TimeFormat},
};

VariableType type_of(std::string_view word) {
  for (const auto& [name, type] : kTypes) {
    if (name == word) return type;
  }
  return VariableType::Text;
}

VariableUse use_of(std::string_view debug_only) {
  if (debug_only == "logging") return VariableUse::Logging;
  if (debug_only.starts_with("yes")) return VariableUse::Debugging;
  return debug_only == "no" ? VariableUse::Configuration : VariableUse::Internal;
}

bool is_plain_word(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return is_digit(c) || (c >= 'A' && c <= 'Z') || c == '_';
  });
}

/// "0|1", "64|128|256|512", "DEFAULT|DEBUG_LOCAL": only capitals and numbers; "name|path|none"
/// names kinds of values.
std::vector<std::string_view> alternatives(std::string_view values) {
  constexpr std::string_view kAnyCase = ", case-insensitive";
  if (values.ends_with(kAnyCase)) values.remove_suffix(kAnyCase.size());
  std::vector<std::string_view> words = split(values, '|');
  if (words.size() < 2 || !std::all_of(words.begin(), words.end(), is_plain_word)) return {};
  return words;
}

AllowedValues allowed_of(std::string_view values) {
  AllowedValues allowed;
  // "(capped)": a greater value is taken, with a warning.
  const bool capped = values.ends_with(" (capped)");
  // What stands in brackets tells of further values.
  if (!capped && values.find('(') != std::string_view::npos) return allowed;
  values = values.substr(0, values.find(" (capped)"));
  if (values.starts_with(">=")) {
    allowed.least = parse_int<int64_t>(values.substr(2));
    return allowed;
  }
  allowed.words = alternatives(values);
  std::string_view most;
  const auto low = parse_int<int64_t>(take_until(values, '-', most));
  const auto high = parse_int<int64_t>(most);
  if (low && high) {
    allowed.least = low;
    if (!capped) allowed.most = high;
  }
  return allowed;
}

VersionRange releases_of(std::string_view first, std::string_view last) {
  std::string text;
  if (!first.empty() && !first.starts_with("<=")) text = ">=" + std::string(first);
  if (!last.empty()) text += (text.empty() ? "<=" : ",<=") + std::string(last);
  return VersionRange::parse(text).value_or(VersionRange{});
}

NcclVariable variable_of(const TsvRow& row) {
  NcclVariable v;
  v.name = row[0];
  v.type = type_of(row[1]);
  v.default_value = row[2];
  v.first_version = row[3];
  v.last_version = row[4];
  v.values = row[5];
  v.summary = row[6];
  v.use = use_of(row[7]);
  v.danger = row[8] == "no" ? std::string_view{} : row[8];
  v.doc_section = row[9];
  v.doc_since = row[10];
  v.default_history = row[11];
  v.read_via = row[12];
  v.source_file = row[13];
  v.allowed = allowed_of(v.values);
  v.releases = releases_of(v.first_version, v.last_version);
  return v;
}

std::vector<NcclVariable> read_table() {
  std::vector<NcclVariable> variables;
  for (const TsvRow& row : tsv_rows(data_file("env-vars"))) {
    if (row.size() == kColumns) variables.push_back(variable_of(row));
  }
  std::sort(variables.begin(), variables.end(),
            [](const NcclVariable& a, const NcclVariable& b) { return a.name < b.name; });
  return variables;
}

}  // namespace

bool NcclVariable::exists_in(const Version& version) const {
  return !(first_version.empty() && last_version.empty()) && releases.contains(version);
}

std::span<const NcclVariable> nccl_variables() {
  static const std::vector<NcclVariable> variables = read_table();
  return variables;
}

const NcclVariable* find_nccl_variable(std::string_view name) {
  const auto all = nccl_variables();
  const auto at =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const NcclVariable& v, std::string_view n) { return v.name < n; });
  return at != all.end() && at->name == name ? &*at : nullptr;
}

std::vector<std::string_view> nearest_nccl_variables(std::string_view name) {
  std::vector<std::string_view> names;
  for (const NcclVariable& v : nccl_variables()) names.push_back(v.name);
  return nearest(name, names);
}

bool may_be_value(const NcclVariable& variable, std::string_view value) {
  const AllowedValues& a = variable.allowed;
  if (!a.words.empty()) {
    const std::string word = lower(value);
    if (std::none_of(a.words.begin(), a.words.end(),
                     [&](std::string_view w) { return lower(w) == word; })) {
      return false;
    }
  }
  if (!a.least && !a.most) return true;
  const auto number = parse_int<int64_t>(value);
  return number && (!a.least || *number >= *a.least) && (!a.most || *number <= *a.most);
}

std::string_view to_string(VariableType type) {
  switch (type) {
    case VariableType::Number:
      return "number";
    case VariableType::Text:
      return "text";
    case VariableType::List:
      return "list";
    case VariableType::Path:
      return "path";
    case VariableType::Switch:
      return "switch";
    case VariableType::Address:
      return "address";
    case VariableType::Word:
      return "word";
    case VariableType::TimeFormat:
      return "time format";
    case VariableType::Cidr:
      return "network (CIDR)";
    case VariableType::Hex:
      return "hexadecimal number";
  }
  return "";
}

std::string_view to_string(VariableUse use) {
  switch (use) {
    case VariableUse::Configuration:
      return "configuration";
    case VariableUse::Debugging:
      return "debugging";
    case VariableUse::Logging:
      return "logging";
    case VariableUse::Internal:
      return "internal";
  }
  return "";
}

}  // namespace rankdx
