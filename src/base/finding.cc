#include "base/finding.h"

#include <array>

namespace rankdx {
namespace {

// The words of the JSON contract, in the order of each enum.
constexpr std::array<std::string_view, 4> kRoles = {"root-cause", "contributing", "consequence",
                                                    "note"};
constexpr std::array<std::string_view, 3> kSeverities = {"error", "warning", "info"};
constexpr std::array<std::string_view, 3> kConfidences = {"certain", "likely", "possible"};
constexpr std::array<std::string_view, 4> kVerdicts = {"healthy", "warning", "failed",
                                                       "undetermined"};
constexpr std::array<std::string_view, 12> kLayers = {
    "hardware",   "driver",    "container", "files",     "network", "config",
    "rendezvous", "nccl-init", "nccl-run",  "framework", "engine",  "orchestrator"};

template <class Enum, size_t N>
std::string_view word_of(const std::array<std::string_view, N>& words, Enum value) {
  const auto index = static_cast<size_t>(value);
  return index < N ? words[index] : "unknown";
}

template <class Enum, size_t N>
std::optional<Enum> value_of(const std::array<std::string_view, N>& words, std::string_view word) {
  for (size_t i = 0; i < N; ++i) {
    if (words[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Role role) { return word_of(kRoles, role); }
std::string_view to_string(Severity severity) { return word_of(kSeverities, severity); }
std::string_view to_string(Confidence confidence) { return word_of(kConfidences, confidence); }
std::string_view to_string(Verdict verdict) { return word_of(kVerdicts, verdict); }
std::string_view to_string(Layer layer) { return word_of(kLayers, layer); }

std::optional<Role> role_from(std::string_view word) { return value_of<Role>(kRoles, word); }
std::optional<Severity> severity_from(std::string_view word) {
  return value_of<Severity>(kSeverities, word);
}
std::optional<Confidence> confidence_from(std::string_view word) {
  return value_of<Confidence>(kConfidences, word);
}
std::optional<Layer> layer_from(std::string_view word) { return value_of<Layer>(kLayers, word); }

}  // namespace rankdx
