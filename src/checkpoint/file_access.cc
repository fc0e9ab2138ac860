#include "checkpoint/file_access.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace rankdx {
namespace {

tl::unexpected<Error> unreadable(const std::string& path, int error) {
  return fail(ErrorCode::Unreadable, std::strerror(error), path);
}

class FdFile : public OpenFile {
 public:
  FdFile(int fd, uint64_t bytes, std::string path)
      : fd_(fd), bytes_(bytes), path_(std::move(path)) {}
  ~FdFile() override { ::close(fd_); }
  FdFile(const FdFile&) = delete;
  FdFile& operator=(const FdFile&) = delete;

  uint64_t bytes() const override { return bytes_; }

  Result<size_t> read(char* to, size_t size, uint64_t offset) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n = ::pread(fd_, to + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return unreadable(path_, errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  uint64_t first_hole() const override {
    const off_t hole = ::lseek(fd_, 0, SEEK_HOLE);
    return hole < 0 ? bytes_ : static_cast<uint64_t>(hole);
  }

 private:
  int fd_;
  uint64_t bytes_;
  std::string path_;
};

FileEntry entry_from(const struct stat& s) {
  FileEntry e;
  e.kind = S_ISREG(s.st_mode)   ? FileKind::File
           : S_ISDIR(s.st_mode) ? FileKind::Directory
                                : FileKind::Other;
  e.bytes = static_cast<uint64_t>(s.st_size);
  e.allocated_bytes = static_cast<uint64_t>(s.st_blocks) * 512;
  e.mode = s.st_mode;
  e.uid = s.st_uid;
  e.gid = s.st_gid;
  e.mtime_ns = s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec;
  e.device = s.st_dev;
  e.inode = s.st_ino;
  return e;
}

/// Errors: nothing of that name, not even a link.
Result<FileEntry> entry_at(int directory, const char* name, const std::string& path) {
  struct stat s {};
  if (::fstatat(directory, name, &s, AT_SYMLINK_NOFOLLOW) != 0) return unreadable(path, errno);
  if (!S_ISLNK(s.st_mode)) return entry_from(s);
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(directory, name, target, sizeof target);
  FileEntry e;
  e.kind = FileKind::Dangling;
  if (::fstatat(directory, name, &s, 0) == 0) e = entry_from(s);
  e.target.assign(target, length > 0 ? static_cast<size_t>(length) : 0);
  return e;
}

}  // namespace

Result<std::unique_ptr<OpenFile>> FileAccess::open(const std::string& path) const {
  // Not blocking: a fifo in a model directory must not hang the check.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return unreadable(path, errno);
  struct stat s {};
  const int error = ::fstat(fd, &s) != 0 ? errno : 0;
  if (error != 0 || !S_ISREG(s.st_mode)) {
    ::close(fd);
    if (error != 0) return unreadable(path, error);
    return fail(ErrorCode::Unreadable, "is not a regular file", path);
  }
  return std::make_unique<FdFile>(fd, static_cast<uint64_t>(s.st_size), path);
}

Result<std::vector<FileEntry>> FileAccess::list(const std::string& directory) const {
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return unreadable(directory, errno);
  std::vector<FileEntry> entries;
  while (const dirent* item = ::readdir(dir)) {
    const std::string_view name = item->d_name;
    if (name == "." || name == ".." || entries.size() == kMostEntries) continue;
    auto entry = entry_at(::dirfd(dir), item->d_name, path_join(directory, name));
    if (!entry) continue;  // gone since, or not to be looked at: `access` says so
    entry->name = name;
    entries.push_back(std::move(*entry));
  }
  ::closedir(dir);
  std::sort(entries.begin(), entries.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.name < b.name; });
  return entries;
}

Result<FileEntry> FileAccess::stat(const std::string& path) const {
  FileEntry entry = RANKDX_TRY(entry_at(AT_FDCWD, path.c_str(), path));
  entry.name = path;
  return entry;
}

Result<std::string> read_file(const FileAccess& files, const std::string& path, uint64_t most) {
  const auto file = RANKDX_TRY(files.open(path));
  if (file->bytes() > most)
    return fail(ErrorCode::Unsupported,
                "is too large to be read here (" + std::to_string(file->bytes()) + " bytes)", path);
  std::string text(file->bytes(), '\0');
  text.resize(RANKDX_TRY(file->read(text.data(), text.size(), 0)));
  return text;
}

const FileEntry* find_entry(const std::vector<FileEntry>& entries, std::string_view name) {
  const auto it = std::lower_bound(entries.begin(), entries.end(), name,
                                   [](const FileEntry& e, auto key) { return e.name < key; });
  return it != entries.end() && it->name == name ? &*it : nullptr;
}

const FileEntry* find_file(const std::vector<FileEntry>& entries, std::string_view name) {
  const FileEntry* entry = find_entry(entries, name);
  return entry != nullptr && entry->kind == FileKind::File ? entry : nullptr;
}

std::string path_join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  return path += name;
}

}  // namespace rankdx
