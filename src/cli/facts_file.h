// Facts files: written whole or not at all.
#pragma once

#include <string>

#include "job/facts.h"

namespace rankdx {

/// `path` "-": standard output, which must not be a terminal.
Result<void> write_facts(const Facts& facts, const std::string& path);

}  // namespace rankdx
