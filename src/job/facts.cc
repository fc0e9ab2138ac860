#include "job/facts.h"

#include <array>

namespace rankdx {

std::string_view to_string(Stage stage) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "seen",    "bootstrap",     "init-start",  "topology",  "graph",
      "connect", "init-complete", "collectives", "destroyed", "failed"};
  return kNames[static_cast<size_t>(stage)];
}

Facts merge(Facts a, Facts b) {
  a.left_out.merge(b.left_out);
  a.sources.merge(b.sources);
  // What is left in b has a twin. Two contents under one name and fingerprint: the greater one, so
  // that the order of merging is no matter.
  for (auto& [key, source] : b.sources) {
    SourceFacts& twin = a.sources.at(key);
    if (twin < source) twin = std::move(source);
  }
  return a;
}

}  // namespace rankdx
