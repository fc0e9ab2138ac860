// The one way in which this room reaches files: names, sizes and bytes. Tests put a slow or broken
// one in front of it. Nothing is mapped (a file may be cut while it is read) and nothing is
// written. Threads may share a FileAccess.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

enum class FileKind : uint8_t { File, Directory, Dangling, Other };

/// A name in a directory, links followed; what the link says is in `target`.
struct FileEntry {
  std::string name;    ///< relative to the directory listed
  std::string target;  ///< of a symbolic link, as written; empty for anything else
  FileKind kind = FileKind::Other;
  uint64_t bytes = 0;
  uint64_t allocated_bytes = 0;  ///< blocks on disk; fewer than `bytes` where the file has holes
  uint32_t mode = 0, uid = 0, gid = 0;
  int64_t mtime_ns = 0;
  uint64_t device = 0, inode = 0;
};

class OpenFile {
 public:
  virtual ~OpenFile() = default;
  virtual uint64_t bytes() const = 0;
  /// Up to `size` bytes from `offset`; fewer only at the end of the file.
  virtual Result<size_t> read(char* to, size_t size, uint64_t offset) const = 0;
  /// Offset of the first hole, or bytes() where there is none or the file system does not tell.
  virtual uint64_t first_hole() const = 0;
};

class FileAccess {
 public:
  virtual ~FileAccess() = default;
  virtual Result<std::unique_ptr<OpenFile>> open(const std::string& path) const;
  /// Sorted by name. Entries beyond kMostEntries are left out.
  virtual Result<std::vector<FileEntry>> list(const std::string& directory) const;
  virtual Result<FileEntry> stat(const std::string& path) const;

  static constexpr size_t kMostEntries = 100'000;
};

/// A whole file; more than `most` bytes is an error (Unsupported), nothing is read then.
Result<std::string> read_file(const FileAccess& files, const std::string& path, uint64_t most);

/// The entry of that name, or nullptr. `entries` sorted by name.
const FileEntry* find_entry(const std::vector<FileEntry>& entries, std::string_view name);
/// Likewise, and a file.
const FileEntry* find_file(const std::vector<FileEntry>& entries, std::string_view name);

std::string path_join(std::string_view directory, std::string_view name);

}  // namespace rankdx
