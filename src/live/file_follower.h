// Follows log files as they grow: files that appear later, are renamed away (rotation) or cut
// (truncation), and the files of a directory as they come. Polled, so it works on network file
// systems. Owns the open files. Never blocks: only regular files are opened. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

struct FollowCounts {
  uint64_t rotations = 0, truncations = 0, cut_lines = 0;
};

class FileFollower {
 public:
  /// Gets a whole line without its newline, and how long ago the file was written at that moment,
  /// in seconds.
  using OnLine = std::function<void(const std::string& path, std::string_view line, double age_s)>;

  explicit FileFollower(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  ~FileFollower();
  FileFollower(const FileFollower&) = delete;
  FileFollower& operator=(const FileFollower&) = delete;

  /// Reads what is new, up to a few MiB per file; true when a file has more.
  bool poll(const OnLine& on_line);
  /// The last line of each file that has no newline.
  void flush(const OnLine& on_line);
  const FollowCounts& counts() const { return counts_; }
  /// Paths that cannot be followed, and why: the latest reason of each.
  const std::map<std::string, Error>& losses() const { return losses_; }
  size_t open_files() const { return files_.size(); }

 private:
  struct File {
    int fd = -1;
    uint64_t device = 0, inode = 0, offset = 0;
    std::string rest;       ///< an unfinished line
    bool skipping = false;  ///< the rest of a line beyond the limit
  };
  bool follow(const std::string& path, const OnLine& on_line);
  bool open_file(const std::string& path, File& file);
  bool read_new(const std::string& path, File& file, const OnLine& on_line);
  void take(const std::string& path, File& file, std::string_view bytes, double age_s,
            const OnLine& on_line);
  std::vector<std::string> files_now();

  std::vector<std::string> paths_;
  std::map<std::string, File> files_;
  std::map<std::string, Error> losses_;
  FollowCounts counts_;
};

}  // namespace rankdx
