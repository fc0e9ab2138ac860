// Output that never makes us wait: to a terminal that was stopped, a pipe that nobody reads, a
// file. The descriptor itself stays as it is for whoever shares it. And a growing file shown on it.
// Not thread-safe; SIGPIPE must be ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rankdx {

class SlowWriter {
 public:
  explicit SlowWriter(int fd);
  ~SlowWriter();
  SlowWriter(const SlowWriter&) = delete;
  SlowWriter& operator=(const SlowWriter&) = delete;

  /// How many bytes went out now; 0 when there is no room, or the reader is gone.
  size_t write(std::string_view bytes);
  bool is_terminal() const { return terminal_; }
  bool gone() const { return gone_; }
  /// Waits for room.
  void wait(int timeout_ms) const;
  int fd() const { return own_ >= 0 ? own_ : fd_; }  ///< to poll for room

 private:
  enum class Kind : uint8_t { File, Nonblocking, Socket, Asked };
  int fd_, own_ = -1;
  Kind kind_ = Kind::Asked;
  bool terminal_, gone_ = false;
};

/// Own words: kept while there is no room, the oldest lines dropped beyond a limit.
class SlowLines {
 public:
  explicit SlowLines(SlowWriter& out) : out_(out) {}
  void say(std::string_view text);
  void step();
  bool empty() const { return waiting_.empty(); }

 private:
  SlowWriter& out_;
  std::string waiting_;
};

/// Passes a growing file on. A terminal that falls behind misses the middle, and is told so; a pipe
/// or a file gets everything.
class FileShow {
 public:
  FileShow(std::string path, SlowWriter& out) : path_(std::move(path)), out_(out) {}
  ~FileShow();
  FileShow(const FileShow&) = delete;
  FileShow& operator=(const FileShow&) = delete;
  /// Shows what there is and fits; true when it made progress.
  bool step();
  bool done() const;  ///< everything that is in the file now was shown or skipped
  uint64_t skipped() const { return skipped_; }

 private:
  uint64_t size() const;
  void skip_ahead(uint64_t size);

  std::string path_;
  SlowWriter& out_;
  int fd_ = -1;
  uint64_t offset_ = 0, skipped_ = 0;
  bool at_line_start_ = true;
  std::string note_;
};

}  // namespace rankdx
