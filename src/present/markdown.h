// Findings for an issue or a merge request.
#pragma once

#include <string>
#include <string_view>

#include "base/finding.h"

namespace rankdx {

/// Safe text that Markdown and HTML leave alone: angle brackets, pipes, backticks, links and
/// mentions are escaped.
std::string markdown_text(std::string_view text);

/// The same of the first `columns` columns.
std::string markdown_clip(std::string_view text, size_t columns);

/// A code block whose fence no line of the text can close.
std::string markdown_block(std::string_view text);

std::string finding_markdown(const Finding& finding);

}  // namespace rankdx
