#include "probe/host_view.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace rankdx {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string words_of(int error) {
  std::string text = std::strerror(error);
  if (!text.empty()) text[0] = static_cast<char>(text[0] | 0x20);
  return text;
}

tl::unexpected<Error> failure(int error, std::string place) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return fail(missing ? ErrorCode::Empty : ErrorCode::Unreadable, words_of(error),
              std::move(place));
}

/// The path of an open file as the kernel names it.
std::optional<std::string> path_of(int fd) {
  char buffer[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t n = readlink(link.c_str(), buffer, sizeof buffer);
  if (n <= 0) return std::nullopt;
  return std::string(buffer, static_cast<size_t>(n));
}

}  // namespace

HostView::HostView(std::string root) : root_(std::move(root)) {
  while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
  if (root_.empty()) root_ = "/";
}

std::string HostView::full(std::string_view path) const {
  if (root_ == "/") return std::string(path);
  return root_ + (path.starts_with('/') ? "" : "/") + std::string(path);
}

int HostView::open_below(std::string_view path, int flags) const {
  if (is_this_machine()) return open(std::string(path).c_str(), flags | O_CLOEXEC);
  const Descriptor top(open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (top.get() < 0) return -1;
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT;
  const std::string below(path);
  const long fd = syscall(SYS_openat2, top.get(), below.c_str(), &how, sizeof how);
  // Kernels before 5.6 and some seccomp profiles lack the call; then links may lead out of the
  // root.
  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    return open(full(path).c_str(), flags | O_CLOEXEC);
  return static_cast<int>(fd);
}

Result<std::string> HostView::read(std::string_view path, size_t limit) const {
  const Descriptor file(open_below(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return failure(errno, full(path));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return failure(errno, full(path));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::Unreadable, "not a regular file", full(path));
  std::string text;
  while (text.size() < limit) {
    const size_t before = text.size();
    text.resize(std::min(limit, before + 16384));
    const ssize_t n = ::read(file.get(), text.data() + before, text.size() - before);
    text.resize(before + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && before == 0) return failure(errno, full(path));
    if (n <= 0) break;
  }
  return text;
}

std::optional<std::string> HostView::line(std::string_view path) const {
  const auto text = read(path, 65536);
  if (!text) return std::nullopt;
  return std::string(trim(*text));
}

std::optional<int64_t> HostView::number(std::string_view path) const {
  const auto text = line(path);
  return text ? parse_int<int64_t>(*text) : std::nullopt;
}

Result<std::vector<std::string>> HostView::list(std::string_view path) const {
  Descriptor file(open_below(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK));
  if (file.get() < 0) return failure(errno, full(path));
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(file.get()), closedir);
  if (!dir) return failure(errno, full(path));
  file.release();
  std::vector<std::string> names;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    if (names.size() == 65536) break;
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool HostView::exists(std::string_view path) const {
  return Descriptor(open_below(path, O_PATH)).get() >= 0;
}

std::optional<std::string> HostView::link(std::string_view path) const {
  const Descriptor file(open_below(path, O_PATH | O_NOFOLLOW));
  if (file.get() < 0) return std::nullopt;
  char buffer[4096];
  const ssize_t n = readlinkat(file.get(), "", buffer, sizeof buffer);
  if (n <= 0) return std::nullopt;
  return std::string(buffer, static_cast<size_t>(n));
}

std::optional<std::string> HostView::resolved(std::string_view path) const {
  const Descriptor file(open_below(path, O_PATH));
  auto whole = file.get() < 0 ? std::nullopt : path_of(file.get());
  if (!whole || is_this_machine()) return whole;
  const Descriptor top(open(root_.c_str(), O_PATH | O_CLOEXEC));
  const auto prefix = top.get() < 0 ? std::nullopt : path_of(top.get());
  if (prefix && whole->starts_with(*prefix)) return whole->substr(prefix->size());
  return whole;
}

std::optional<uint64_t> HostView::file_bytes(std::string_view path) const {
  const Descriptor file(open_below(path, O_PATH));
  struct stat info {};
  if (file.get() < 0 || fstat(file.get(), &info) != 0) return std::nullopt;
  return static_cast<uint64_t>(info.st_size);
}

Access HostView::writable(std::string_view path) const {
  const Descriptor file(open_below(path, O_PATH));
  if (file.get() < 0) return errno == ENOENT || errno == ENOTDIR ? Access::Missing : Access::No;
  // The effective user decides, as in open(2); access(2) would ask for the real one.
  const std::string name = "/proc/self/fd/" + std::to_string(file.get());
  return faccessat(AT_FDCWD, name.c_str(), W_OK, AT_EACCESS) == 0 ? Access::Yes : Access::No;
}

Result<FilesystemUsage> HostView::filesystem(std::string_view path) const {
  const Descriptor file(open_below(path, O_PATH));
  struct statvfs info {};
  if (file.get() < 0 || fstatvfs(file.get(), &info) != 0) return failure(errno, full(path));
  return FilesystemUsage{info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize,
                         (info.f_flag & ST_RDONLY) != 0};
}

}  // namespace rankdx
