// Where bytes come from: files, directories (recursive), globs, "-" for stdin, .gz/.zst/.xz/.bz2 by content, tar bundles.
// Everything arrives as blocks through ByteSource, so that tests and fuzzers feed memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

/// Something that gives bytes once, from start to end. Read in blocks with read(2), never mmap: a live log is truncated under us.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to `size` bytes into `buffer`; 0 at the end. An error after some data (broken compression) is returned once;
  /// the bytes before it have been delivered.
  virtual Result<size_t> read(char* buffer, size_t size) = 0;
};

std::unique_ptr<ByteSource> memory_source(std::string bytes);

/// One log to diagnose: a plain or compressed file, standard input, or one member of a bundle.
struct InputItem {
  std::string name;  ///< as the user will recognise it: the path given, "dir/file", "bundle.tar.gz:member", "<stdin>"
  std::unique_ptr<ByteSource> bytes;
};

/// Something named by the user that could not be used; the other inputs are still diagnosed.
struct LeftOut {
  Error error;  ///< place = the path
};

/// Opens every input in turn (a tar bundle's members one after the other, while the bundle is read) and hands it to `use`.
/// Directories are walked in name order; "nothing found" in a directory, unreadable files, binary files (a NUL-rich
/// first block that is no known compression) and broken compression are reported in `left_out`.
/// `paths` empty means standard input if it is not a terminal.
void for_each_input(const std::vector<std::string>& paths, const std::function<void(InputItem)>& use,
                    std::vector<LeftOut>& left_out);

/// Calls fn(line) for every line of the source, without its newline; the last one may lack it (`ended` tells).
/// A line longer than `max_line` bytes is cut there, the rest up to the newline is dropped and counted in `overlong`.
struct LineStats { uint64_t bytes = 0, lines = 0, overlong = 0; bool ended_with_newline = true; };

class LineReader {
 public:
  static constexpr size_t kBlock = 1 << 18;     ///< bytes asked for at a time
  static constexpr size_t kMaxLine = 1 << 20;   ///< longest line kept whole
  explicit LineReader(ByteSource& source);
  ~LineReader();
  /// Reads everything. The error of a broken stream comes back after all lines before it were delivered.
  template <class Fn>
  Result<LineStats> for_each_line(Fn&& fn) {
    while (true) {
      auto more = next_block();
      if (!more) return tl::unexpected(more.error());
      if (!*more) break;
      std::string_view line;
      while (next_line(line)) fn(line);
    }
    return stats_;
  }
  const LineStats& stats() const { return stats_; }

 private:
  Result<bool> next_block();
  bool next_line(std::string_view& line);
  ByteSource& source_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;
  bool at_end_ = false, skipping_ = false;
  LineStats stats_;
};

}  // namespace rankdx
