#include "launch/lint/variable_values.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"
#include "catalogue/nccl_subsystems.h"
#include "catalogue/nearest.h"

namespace rankdx::lint {
namespace {

constexpr std::array<std::string_view, 7> kAlgorithms = {
    "Ring", "Tree", "CollnetDirect", "CollnetChain", "NVLS", "NVLSTree", "PAT"};
constexpr std::array<std::string_view, 3> kProtocols = {"LL", "LL128", "Simple"};
constexpr std::array<std::string_view, 6> kPathWords = {"LOC", "NVL", "PIX", "PXB", "PHB", "SYS"};
constexpr std::array<std::string_view, 6> kLevels = {"VERSION", "WARN",  "INFO",
                                                     "ABORT",   "TRACE", "ALL"};

bool is_word_of(std::string_view word, std::span<const std::string_view> words) {
  const std::string low = lower(word);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return lower(w) == low; });
}

std::string near_word(std::string_view word, std::span<const std::string_view> words) {
  const auto near = nearest(word, words, 1);
  return near.empty() ? std::string{} : std::string(near[0]);
}

/// Commas; "^" in front turns the list round; "function:list;function:list" since 2.24.
std::optional<ValueComplaint> list_complaint(std::string_view value,
                                             std::span<const std::string_view> words) {
  for (std::string_view part : split(value, ';')) {
    const size_t colon = part.find(':');
    std::string_view list = colon == part.npos ? part : part.substr(colon + 1);
    if (list.starts_with('^')) list.remove_prefix(1);
    for (std::string_view word : split(list, ',')) {
      if (is_word_of(trim(word), words)) continue;
      const std::string near = near_word(trim(word), words);
      return ValueComplaint{"\"" + std::string(trim(word)) + "\" is not known" +
                                (near.empty() ? "" : "; " + near + " is near") + ".",
                            near.empty() ? "" : replace_all(value, trim(word), near), false};
    }
  }
  return std::nullopt;
}

std::optional<ValueComplaint> subsystem_complaint(std::string_view value) {
  std::vector<std::string_view> names;
  for (const NcclSubsystem& s : nccl_subsystems()) names.push_back(s.name);
  return list_complaint(value, names);
}

/// What NCCL's strtoll makes of it: digits up to the first other character.
std::string_view leading_number(std::string_view value) {
  size_t end = !value.empty() && value[0] == '-' ? 1 : 0;
  while (end < value.size() && is_digit(value[end])) ++end;
  return value.substr(0, end);
}

std::string in_bytes(std::string_view value) {
  const std::string_view digits = leading_number(value);
  const auto number = parse_int<int64_t>(digits);
  const std::string unit = lower(value.substr(digits.size()));
  if (!number || *number <= 0 || *number > (int64_t{1} << 32)) return "";
  if (unit == "k" || unit == "kb" || unit == "kib" || unit == "ki")
    return std::to_string(*number << 10);
  if (unit == "m" || unit == "mb" || unit == "mib" || unit == "mi")
    return std::to_string(*number << 20);
  if (unit == "g" || unit == "gb" || unit == "gib" || unit == "gi")
    return std::to_string(*number << 30);
  return "";
}

std::string truth_as_number(std::string_view value) {
  const std::string word = lower(value);
  if (word == "true" || word == "yes" || word == "on" || word == "enable" || word == "enabled")
    return "1";
  if (word == "false" || word == "no" || word == "off" || word == "disable" || word == "disabled")
    return "0";
  return "";
}

std::optional<ValueComplaint> number_complaint(const NcclVariable& v, std::string_view value) {
  if (parse_int<int64_t>(value) || (value.starts_with("0x") && parse_hex(value)))
    return std::nullopt;
  if (value.starts_with('+')) return std::nullopt;
  if (v.name == "NCCL_DEBUG_TIMESTAMP_FORMAT") return std::nullopt;
  std::string_view digits = leading_number(value);
  ValueComplaint c{"NCCL reads \"" + std::string(value) + "\" as " +
                       (digits.empty() || digits == "-" ? "0" : std::string(digits)) + ".",
                   "", false};
  c.better = truth_as_number(value);
  if (c.better.empty()) c.better = in_bytes(value);
  return c;
}

std::optional<ValueComplaint> address_complaint(std::string_view value) {
  const size_t colon = value.rfind(':');
  const auto port = colon == value.npos ? std::nullopt : parse_int<int>(value.substr(colon + 1));
  if (port && *port > 0 && *port <= 65535 && colon > 0) return std::nullopt;
  return ValueComplaint{"\"" + std::string(value) + "\" is no host:port.", "", false};
}

std::optional<ValueComplaint> cidr_complaint(std::string_view value) {
  const size_t slash = value.rfind('/');
  const auto bits = slash == value.npos ? std::nullopt : parse_int<int>(value.substr(slash + 1));
  if (bits && *bits >= 0 && *bits <= 128 && value.find_first_of(".:") < slash) return std::nullopt;
  return ValueComplaint{"\"" + std::string(value) + "\" is no network like 10.0.0.0/8.", "", false};
}

std::optional<ValueComplaint> range_complaint(const NcclVariable& v, std::string_view value) {
  if (may_be_value(v, value)) return std::nullopt;
  // -1 and -2 mean: as if unset.
  if (v.type == VariableType::Number && (value == "-2" || value == "-1")) return std::nullopt;
  ValueComplaint c{
      "\"" + std::string(value) + "\" is not allowed; allowed: " + std::string(v.values) + ".",
      truth_as_number(value), false};
  if (!v.allowed.words.empty() && c.better.empty()) c.better = near_word(value, v.allowed.words);
  if (!c.better.empty() && !may_be_value(v, c.better)) c.better.clear();
  return c;
}

std::optional<ValueComplaint> special_complaint(const NcclVariable& v, std::string_view value) {
  if (v.name == "NCCL_ALGO") return list_complaint(value, kAlgorithms);
  if (v.name == "NCCL_PROTO") return list_complaint(value, kProtocols);
  if (v.name == "NCCL_DEBUG_SUBSYS") return subsystem_complaint(value);
  if (v.name == "NCCL_DEBUG_TIMESTAMP_LEVELS") return list_complaint(value, kLevels);
  if (v.name == "NCCL_P2P_LEVEL" || v.name == "NCCL_NET_GDR_LEVEL") {
    const auto legacy = parse_int<int>(value);
    if ((legacy && *legacy >= 0 && *legacy <= 5) || is_word_of(value, kPathWords))
      return std::nullopt;
    return ValueComplaint{"\"" + std::string(value) + "\" is none of LOC, NVL, PIX, PXB, PHB, SYS.",
                          near_word(value, kPathWords), false};
  }
  if (v.name == "NCCL_CHECK_MODE" || v.name == "NCCL_LAUNCH_MODE") return range_complaint(v, value);
  if (v.name == "NCCL_P2P_DISABLE") {
    auto c = number_complaint(v, value);
    return c;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ValueComplaint> nccl_value_complaint(const NcclVariable& v, std::string_view value) {
  if (value.empty()) return std::nullopt;
  if (auto c = special_complaint(v, value)) return c;
  switch (v.type) {
    case VariableType::Number:
    case VariableType::Hex:
      if (auto c = number_complaint(v, value)) return c;
      break;
    case VariableType::Switch:
      // These are read as words too in newer releases.
      if (truth_as_number(value) == "" && !parse_int<int64_t>(value)) {
        return ValueComplaint{"\"" + std::string(value) + "\" is neither 0 nor 1.", "", false};
      }
      return std::nullopt;
    case VariableType::Address:
      return address_complaint(value);
    case VariableType::Cidr:
      return cidr_complaint(value);
    case VariableType::Path:
    case VariableType::List:
    case VariableType::Text:
      if (value.find_first_of("\n\r") != value.npos || trim(value).size() != value.size()) {
        return ValueComplaint{"Blanks or line ends stand around the value.",
                              std::string(trim(value)), false};
      }
      break;
    default:
      break;
  }
  return range_complaint(v, value);
}

std::optional<ValueComplaint> launch_value_complaint(const LaunchVariable& v,
                                                     std::string_view value) {
  if (value.empty()) return std::nullopt;
  const auto text = v.rule.complaint(value);
  if (!text) return std::nullopt;
  ValueComplaint c{"\"" + std::string(value) + "\" " + *text + ".", "", false};
  if (v.rule.kind == ValueKind::Switch) c.better = truth_as_number(value);
  if (!v.rule.words.empty()) c.better = near_word(value, v.rule.words);
  return c;
}

}  // namespace rankdx::lint
