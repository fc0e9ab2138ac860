// The sources behind input.h, for this room only.
#pragma once

#include <memory>
#include <string>

#include "input/input.h"

namespace rankdx {

/// What an errno means for a person: an Error with what happened and what to do.
Error file_error(int error_number, const std::string& place);

enum class OpenAs : uint8_t {
  Anything,     ///< FIFOs and devices too; waits for the writer of a FIFO
  RegularFile,  ///< nothing else: a FIFO in a directory must not stop the walk
};

/// Opens a file for reading. A hole at its beginning (a log truncated under a writer that keeps its
/// offset) is skipped.
Result<std::unique_ptr<ByteSource>> open_file(const std::string& path, OpenAs how);

/// Standard input; it is not closed.
std::unique_ptr<ByteSource> stdin_source();

/// The beginning of a source, and the error that ended it early.
struct Head {
  std::string bytes;
  std::optional<Error> error;
};

/// Reads until `size` bytes are there or the source ends or fails.
Head read_head(ByteSource& source, size_t size);

/// The head again (its error too), then the rest.
std::unique_ptr<ByteSource> prefixed_source(Head head, std::unique_ptr<ByteSource> rest);

}  // namespace rankdx
