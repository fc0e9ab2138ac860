// Where bytes come from: files, directories (recursive), globs, "-" for stdin, .gz/.zst/.xz/.bz2 by
// content, tar bundles. Everything arrives as blocks through ByteSource, so that tests and fuzzers
// feed memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

/// Something that gives bytes once, from start to end. Read in blocks with read(2), never mmap: a
/// live log is truncated under us.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to `size` bytes into `buffer`; 0 at the end. An error after some data (broken compression)
  /// is returned once; the bytes before it have been delivered.
  virtual Result<size_t> read(char* buffer, size_t size) = 0;
};

std::unique_ptr<ByteSource> memory_source(std::string bytes);

/// One log to diagnose: a plain or compressed file, standard input, or one member of a bundle.
struct InputItem {
  std::string name;  ///< as the user will recognise it: the path given, "dir/file",
                     ///< "bundle.tar.gz:member", "<stdin>"
  std::unique_ptr<ByteSource> bytes;
};

/// Something named by the user that could not be used; the other inputs are still diagnosed.
struct LeftOut {
  Error error;  ///< place = the path
};

/// One thing to open: what list_inputs() made of the paths of the user.
struct InputPath {
  enum class Found : uint8_t { Named, InDirectory };
  std::string path;  ///< "-" for standard input
  Found found = Found::Named;
};

/// Turns what the user named into files: directories are walked in name order (hidden files, FIFOs,
/// devices and names that are no logs, such as *.json, are skipped; loops of symbolic links end),
/// globs given literally are expanded, a file reached twice is listed once. `paths` empty means
/// standard input if it is not a terminal.
std::vector<InputPath> list_inputs(const std::vector<std::string>& paths,
                                   std::vector<LeftOut>& left_out);

/// Opens one input and hands what is in it to `use`: one item, or one per member of a bundle while
/// that is being read. An item must be read inside `use`. What cannot be used goes to `left_out`,
/// also the error that an item's read() returned (broken compression, a failing disk): `use` need
/// not report it again. Safe to call from several threads.
void open_input(const InputPath& input, const std::function<void(InputItem)>& use,
                std::vector<LeftOut>& left_out);

/// The same for bytes that come from elsewhere.
void open_bytes(const std::string& name, std::unique_ptr<ByteSource> bytes,
                const std::function<void(InputItem)>& use, std::vector<LeftOut>& left_out);

/// list_inputs() and open_input() of each, in order.
void for_each_input(const std::vector<std::string>& paths,
                    const std::function<void(InputItem)>& use, std::vector<LeftOut>& left_out);

struct LineStats {
  uint64_t bytes = 0;
  uint64_t lines = 0;
  uint64_t overlong = 0;           ///< lines cut at LineReader::kMaxLine
  bool ended_with_newline = true;  ///< false: the source ends in the middle of a line
  bool operator==(const LineStats&) const = default;
};

/// Cuts a source into lines. Memory stays the same whatever the source holds.
class LineReader {
 public:
  /// Bytes asked for at a time: fits the second-level cache.
  static constexpr size_t kBlock = 1 << 18;
  /// Bytes of a line that are kept; the rest of it is dropped.
  static constexpr size_t kMaxLine = 1 << 20;
  explicit LineReader(ByteSource& source);

  /// Calls fn(std::string_view) for every line, without its newline, up to the end of the source.
  /// The error of a broken stream comes back after everything before it was delivered; stats()
  /// tells how much that was.
  template <class Fn>
  Result<LineStats> for_each_line(Fn&& fn) {
    while (RANKDX_TRY(next_block())) {
      std::string_view line;
      while (next_line(line)) fn(line);
    }
    return stats_;
  }
  const LineStats& stats() const { return stats_; }

 private:
  Result<bool> next_block();
  bool next_line(std::string_view& line) {
    if (state_ == State::Reading) {
      const char* start = buffer_.get() + begin_;
      const auto* end =
          static_cast<const char*>(std::memchr(start + scanned_, '\n', end_ - begin_ - scanned_));
      if (end != nullptr && static_cast<size_t>(end - start) <= kMaxLine) {
        line = {start, static_cast<size_t>(end - start)};
        begin_ += line.size() + 1;
        scanned_ = 0;
        ++stats_.lines;
        return true;
      }
    }
    return next_odd_line(line);
  }
  /// The cases that are rare: no newline in the block, a line that is too long, the last line.
  bool next_odd_line(std::string_view& line);

  enum class State : uint8_t { Reading, Skipping, AtEnd };
  ByteSource& source_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0, end_ = 0;  ///< what is not delivered yet
  size_t scanned_ = 0;          ///< bytes behind begin_ that hold no newline
  State state_ = State::Reading;
  std::optional<Error> error_;  ///< of the source; returned once the rest is delivered
  LineStats stats_;
};

}  // namespace rankdx
