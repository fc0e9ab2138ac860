#include "input/block_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace rankdx {

BlockReader::BlockReader(ByteSource& source, size_t block_bytes, Fill fill)
    : source_(source),
      block_bytes_(std::clamp<size_t>(block_bytes, 1, LineReader::kMaxLine)),
      fill_(fill) {}

/// Reads on behind what the block holds.
void BlockReader::fill(Block& block) {
  size_t wanted = block_bytes_;
  while (wanted > 0 && !ended_) {
    const Result<size_t> got = source_.read(block.buffer_.get() + block.size_, wanted);
    if (!got) error_ = got.error();
    if (got.value_or(0) == 0) ended_ = true;
    block.size_ += got.value_or(0);
    stats_.bytes += got.value_or(0);
    wanted = fill_ == Fill::Whole ? wanted - got.value_or(0) : 0;
  }
}

void BlockReader::skip_rest_of_line(Block& block) {
  const size_t newline = block.text().find('\n');
  skipping_ = newline == std::string_view::npos;
  const size_t skipped = skipping_ ? block.size_ : newline + 1;
  block.size_ -= skipped;
  std::memmove(block.buffer_.get(), block.buffer_.get() + skipped, block.size_);
}

/// Is the first line whole, or cut because it is too long? Only the first one can be: all others
/// began in the bytes read last. The first `searched` bytes hold no newline.
bool BlockReader::has_line(Block& block, size_t& searched) {
  char* const text = block.buffer_.get();
  const size_t newline = block.text().find('\n', searched);
  searched = block.size_;
  if (std::min(newline, block.size_) <= LineReader::kMaxLine)
    return newline != std::string_view::npos;
  ++stats_.overlong;
  skipping_ = newline == std::string_view::npos;
  const size_t behind = skipping_ ? 0 : block.size_ - newline - 1;
  std::memmove(text + LineReader::kMaxLine + 1, text + block.size_ - behind, behind);
  text[LineReader::kMaxLine] = '\n';
  block.size_ = LineReader::kMaxLine + 1 + behind;
  return true;
}

/// For the next block.
void BlockReader::leave_open_line(Block& block) {
  const size_t end = block.text().rfind('\n') + 1;
  open_.assign(block.text().substr(end));
  block.size_ = end;
}

Result<bool> BlockReader::next(Block& block) {
  const size_t capacity = LineReader::kMaxLine + block_bytes_ + 1;
  if (block.capacity_ < capacity) {
    block.buffer_ = std::make_unique_for_overwrite<char[]>(capacity);
    block.capacity_ = capacity;
  }
  size_t searched = block.size_ = open_.copy(block.buffer_.get(), open_.size());
  open_.clear();
  while (!ended_) {
    fill(block);
    if (skipping_) skip_rest_of_line(block);
    const bool whole = has_line(block, searched);
    if (ended_) {
      stats_.ended_with_newline = !skipping_ && (block.size_ == 0 || block.text().back() == '\n');
    } else if (whole) {
      leave_open_line(block);
      break;
    }
  }
  if (block.size_ > 0) return true;
  if (error_) return tl::unexpected(*std::exchange(error_, std::nullopt));
  return false;
}

}  // namespace rankdx
