// Where each byte of a YAML scalar's value stands in the file. The parser gives only the place
// where a scalar begins.
#pragma once

#include "launch/document/text.h"

namespace rankdx::lint {

/// `begin`: where the parser saw the scalar, possibly its anchor or tag. Bytes that an escape made
/// stand where the escape begins; blanks that came from folded lines stand at the end of their
/// line.
MappedText scalar_map(std::string_view bytes, uint32_t begin, std::string_view value);

/// From the first character (a quote, a block's '|') to behind the last one of the value or the
/// closing quote.
Span scalar_span(std::string_view bytes, uint32_t begin, std::string_view value);

}  // namespace rankdx::lint
