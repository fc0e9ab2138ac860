#include "job/facts.h"

#include <array>

namespace rankdx {

std::string_view to_string(Stage stage) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "seen",    "bootstrap",     "init-start",  "topology",  "graph",
      "connect", "init-complete", "collectives", "destroyed", "failed"};
  return kNames[static_cast<size_t>(stage)];
}

Facts merge(Facts a, const Facts& b) {
  for (const auto& [key, source] : b.sources) {
    auto [place, fresh] = a.sources.try_emplace(key, source);
    // Two different contents under one name and fingerprint: the greater one, so that the order of merging is no matter.
    if (!fresh && place->second < source) place->second = source;
  }
  return a;
}

}  // namespace rankdx
