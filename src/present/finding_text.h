// One finding for a person.
#pragma once

#include <string>

#include "base/finding.h"
#include "present/terminal.h"

namespace rankdx {

struct TextStyle {
  Colour colour = Colour::Never;
  int width = 100;
  size_t evidence = 6;  ///< lines shown per finding
};

/// Title, cause, places, evidence, fixes, references and needs, with a final newline.
std::string finding_text(const Finding& finding, const TextStyle& style);

/// The places of a finding in a few words: "rank 2 on gpu-worker-02 (GPU 0)", "ranks 0-7 on 2 hosts"; "" for nobody.
std::string places(const Finding& finding);

/// "rank 3" as "3", several as "0-3, 7". `numbers` need not be sorted.
std::string number_ranges(std::vector<int> numbers);

}  // namespace rankdx
