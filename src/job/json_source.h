// A log of JSON objects as the bytes of the log that was printed (events/json_lines.h). What is no
// such object passes as it is, so that each line keeps its number as long as no object holds
// several.
#pragma once

#include <memory>

#include "input/input.h"

namespace rankdx {

std::unique_ptr<ByteSource> json_log_source(ByteSource& objects);

}  // namespace rankdx
