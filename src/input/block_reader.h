// Cuts a source into blocks of whole lines, for readers that take many lines at once. The lines are
// those of LineReader: one that is too long is cut. Not thread-safe; the blocks belong to the
// caller.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "input/input.h"

namespace rankdx {

/// Whole lines with their newlines; only the last line of a source may lack it.
class Block {
 public:
  std::string_view text() const { return {buffer_.get(), size_}; }

 private:
  friend class BlockReader;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0, size_ = 0;
};

class BlockReader {
 public:
  /// AsItComes: a block ends with what the source gave at once, so that nobody waits for the lines
  /// of a pipe.
  enum class Fill : uint8_t { Whole, AsItComes };
  /// `block_bytes`: how much a block holds, but for its last line; at most LineReader::kMaxLine.
  explicit BlockReader(ByteSource& source, size_t block_bytes = LineReader::kBlock,
                       Fill fill = Fill::Whole);

  /// Fills the block with the next lines; false at the end. The error of a broken stream comes back
  /// after everything before it was delivered.
  Result<bool> next(Block& block);
  /// The lines are not counted.
  const LineStats& stats() const { return stats_; }

 private:
  void fill(Block& block);
  void skip_rest_of_line(Block& block);
  bool has_line(Block& block, size_t& searched);
  void leave_open_line(Block& block);

  ByteSource& source_;
  const size_t block_bytes_;
  const Fill fill_;
  std::string open_;       ///< the line that the last block ended in
  bool skipping_ = false;  ///< the rest of a line that was cut
  bool ended_ = false;
  std::optional<Error> error_;
  LineStats stats_;
};

}  // namespace rankdx
