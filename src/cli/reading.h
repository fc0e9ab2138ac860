// Reading logs as diagnose, scan and merge do: the flags they share, the progress bar, and the
// times of the passes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "job/read.h"

namespace rankdx {

class Flags;

struct ReadingFlags {
  std::vector<std::string> paths;
  int64_t threads = 0;
  bool timings = false;
};
void add_reading_flags(Flags& flags, ReadingFlags& values);

/// Reads with a progress bar. CPU times of the passes go to standard error if wanted.
ReadResult read_with_progress(const ReadingFlags& flags, const LiteralSet& gate);

/// Prints the inputs that could not be used. True if the user named one of them (it was not merely
/// found in a directory), or nothing at all could be read.
bool tell_left_out(const ReadingFlags& flags, const ReadResult& read);
bool named_is_missing(const std::vector<std::string>& paths, const std::vector<Error>& left_out);

}  // namespace rankdx
