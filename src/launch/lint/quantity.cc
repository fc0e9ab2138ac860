// Sizes as Kubernetes and docker write them.
#include <cmath>
#include <utility>

#include "base/text.h"
#include "launch/lint/readers.h"

namespace rankdx::lint {
namespace {

constexpr double kLargest = 9e18;

std::optional<int64_t> scaled(std::string_view number, double factor) {
  const auto value = parse_double(number);
  if (!value || *value < 0 || *value * factor > kLargest) return std::nullopt;
  return static_cast<int64_t>(std::llround(*value * factor));
}

}  // namespace

std::optional<int64_t> quantity(std::string_view text) {
  constexpr std::pair<std::string_view, double> kSuffixes[] = {{"Ki", 1024.0},
                                                               {"Mi", 1048576.0},
                                                               {"Gi", 1073741824.0},
                                                               {"Ti", 1099511627776.0},
                                                               {"Pi", 1125899906842624.0},
                                                               {"n", 1e-9},
                                                               {"u", 1e-6},
                                                               {"m", 1e-3},
                                                               {"k", 1e3},
                                                               {"M", 1e6},
                                                               {"G", 1e9},
                                                               {"T", 1e12},
                                                               {"P", 1e15}};
  for (const auto& [suffix, factor] : kSuffixes) {
    if (text.ends_with(suffix)) return scaled(text.substr(0, text.size() - suffix.size()), factor);
  }
  return scaled(text, 1);
}

std::optional<int64_t> docker_size(std::string_view text) {
  std::string word = lower(text);
  if (word.ends_with('b')) word.pop_back();
  if (word.ends_with('i')) word.pop_back();
  constexpr std::pair<char, double> kSuffixes[] = {
      {'k', 1024.0}, {'m', 1048576.0}, {'g', 1073741824.0}, {'t', 1099511627776.0}};
  for (const auto& [suffix, factor] : kSuffixes) {
    if (word.ends_with(suffix))
      return scaled(std::string_view(word).substr(0, word.size() - 1), factor);
  }
  return scaled(word, 1);
}

}  // namespace rankdx::lint
