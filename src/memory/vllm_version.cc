#include "memory/vllm_version.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace rankdx {
namespace {

int number_at(std::string_view text, size_t& at) {
  int value = 0;
  for (int digits = 0; at < text.size() && is_digit(text[at]) && digits < 4; ++at, ++digits) {
    value = 10 * value + (text[at] - '0');
  }
  return value;
}

}  // namespace

VllmVersion vllm_version(std::string_view text) {
  VllmVersion v;
  // "0." that does not continue a longer number, as in "2.10.0".
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    const bool starts = i == 0 || !(is_digit(text[i - 1]) || text[i - 1] == '.');
    if (!starts || text[i] != '0' || text[i + 1] != '.' || !is_digit(text[i + 2])) continue;
    size_t at = i + 2;
    v.minor = number_at(text, at);
    v.patch = 0;
    if (at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1]))
      v.patch = number_at(text, ++at);
    v.assumed = false;
    const bool before =
        text.substr(0, i).find("before") != text.npos || text.substr(0, i).find('<') != text.npos;
    if (before && v.minor > 0) v.minor -= 1, v.patch = 99;
    break;
  }
  if (text.find("main-") != text.npos) v.assumed = false;
  const bool says_v0 = text.find("V0") != text.npos, says_v1 = text.find("V1") != text.npos;
  v.v0 = says_v0 || (!v.at_least(8) && !says_v1);
  return v;
}

std::string to_string(const VllmVersion& v) {
  return fmt::format("0.{}.{}{}", v.minor, std::min(v.patch, 98), v.v0 ? " (V0 engine)" : "");
}

double default_utilization(const VllmVersion& v) { return v.at_least(21) ? 0.92 : 0.90; }

}  // namespace rankdx
