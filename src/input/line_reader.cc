#include <cstring>

#include "input/input.h"

namespace rankdx {
namespace {

// A line that is still open (kMaxLine at most), a block behind it, and a block so that moving the
// open line down happens once per kBlock bytes, however few bytes the source gives at a time.
constexpr size_t kCapacity = LineReader::kMaxLine + 2 * LineReader::kBlock;

// An open line up to this size is moved down at every block, so that blocks land on warm memory.
constexpr size_t kCheapMove = 4096;

}  // namespace

LineReader::LineReader(ByteSource& source)
    : source_(source), buffer_(std::make_unique_for_overwrite<char[]>(kCapacity)) {}

Result<bool> LineReader::next_block() {
  if (state_ == State::AtEnd) {
    if (error_) return tl::unexpected(*std::exchange(error_, std::nullopt));
    return false;
  }
  const size_t open = end_ - begin_;
  if (begin_ > 0 && (open <= kCheapMove || kCapacity - end_ < kBlock)) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, open);
    begin_ = 0;
    end_ = open;
  }
  const Result<size_t> got = source_.read(buffer_.get() + end_, kBlock);
  if (!got) error_ = got.error();
  if (got.value_or(0) == 0) {
    stats_.ended_with_newline = open == 0 && state_ == State::Reading;
    if (state_ == State::Skipping) begin_ = end_;
    state_ = State::AtEnd;
  } else {
    end_ += *got;
    stats_.bytes += *got;
  }
  return true;
}

bool LineReader::next_odd_line(std::string_view& line) {
  while (begin_ < end_) {
    const char* start = buffer_.get() + begin_;
    const size_t size = end_ - begin_;
    const auto* newline =
        static_cast<const char*>(std::memchr(start + scanned_, '\n', size - scanned_));
    const size_t length = newline == nullptr ? size : static_cast<size_t>(newline - start);
    if (newline == nullptr && length <= kMaxLine && state_ == State::Reading) {
      scanned_ = size;
      return false;
    }
    const bool whole = newline != nullptr || state_ == State::AtEnd;
    const bool rest_of_long_line = state_ == State::Skipping;
    begin_ += newline == nullptr ? size : length + 1;
    scanned_ = 0;
    if (state_ != State::AtEnd) state_ = whole ? State::Reading : State::Skipping;
    if (rest_of_long_line) continue;
    line = {start, std::min(length, kMaxLine)};
    ++stats_.lines;
    if (length > kMaxLine) ++stats_.overlong;
    return true;
  }
  return false;
}

}  // namespace rankdx
