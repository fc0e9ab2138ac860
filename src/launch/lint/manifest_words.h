// Small questions about the words and lines of a manifest.
#pragma once

#include <string_view>

#include "launch/document/text.h"

namespace rankdx::lint {

/// YAML would read the text as something else than text.
bool looks_like_number_or_truth(std::string_view text);

bool is_gpu_resource(std::string_view name);

/// The lines of the "- " item that begins at this place: up to the next line that is indented no
/// deeper than the dash. {0, 0} when no dash begins the line.
Span item_span(const SourceText& source, uint32_t begin);

}  // namespace rankdx::lint
