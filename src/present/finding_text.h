// One finding for a person.
#pragma once

#include <string>

#include "base/finding.h"
#include "present/terminal.h"

namespace rankdx {

/// Whether a finding begins with its title; not where a summary above has said it already.
enum class Heading : uint8_t { Title, None };

struct TextStyle {
  Colour colour = Colour::Never;
  int width = 100;
  size_t evidence = 6;  ///< lines shown per finding
};

/// Title, cause, places, evidence, fixes, references and needs, with a final newline.
std::string finding_text(const Finding& finding, const TextStyle& style,
                         Heading heading = Heading::Title);

/// "FAILED  what happened", wrapped, with a final newline: the first line of every answer.
std::string verdict_line(Ink ink, std::string_view word, std::string_view summary,
                         const TextStyle& style);

/// "rank0.log:8", with the column where it is known; safe.
std::string place_of(const Evidence& evidence);

/// The places of a finding in a few words: "rank 2 on gpu-worker-02 (GPU 0)", "ranks 0-7 on 2
/// hosts"; "" for nobody.
std::string places(const Finding& finding);

/// "rank 3" as "3", several as "0-3, 7". `numbers` need not be sorted.
std::string number_ranges(std::vector<int> numbers);

}  // namespace rankdx
