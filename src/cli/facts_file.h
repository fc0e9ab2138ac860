// Facts files: written whole or not at all.
#pragma once

#include <string>

#include "cli/reading.h"
#include "job/facts.h"

namespace rankdx {

/// `path` "-": standard output, which must not be a terminal.
Result<void> write_facts(const Facts& facts, const std::string& path);

/// Says what is left out, then writes the facts of what could be read. Returns the exit code.
int save_facts(const ReadingFlags& flags, const ReadResult& read, const std::string& path);

/// Prints the error; returns the exit code of bad usage and of unreadable input.
int refused(const Error& error);

}  // namespace rankdx
