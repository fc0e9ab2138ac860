#include "live/file_follower.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

namespace rankdx {
namespace {

constexpr size_t kChunk = 256 << 10, kMostPerPoll = 8 << 20, kMostLine = 1 << 20,
                 kMostFiles = 4'096;

double age_of(const struct stat& st) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const double age = static_cast<double>(now.tv_sec - st.st_mtim.tv_sec) +
                     1e-9 * static_cast<double>(now.tv_nsec - st.st_mtim.tv_nsec);
  return std::max(0.0, age);  // a server's clock may be ahead
}

/// In a directory: what is packed has been followed before, and descriptions are no logs.
bool may_be_log(std::string_view name) {
  constexpr std::string_view kOthers[] = {".json", ".zst", ".gz", ".xz", ".bz2", ".part"};
  return !name.starts_with('.') &&
         std::none_of(std::begin(kOthers), std::end(kOthers),
                      [&](std::string_view end) { return name.ends_with(end); });
}

}  // namespace

FileFollower::~FileFollower() {
  for (const auto& [path, file] : files_) ::close(file.fd);
}

std::vector<std::string> FileFollower::files_now() {
  std::vector<std::string> files;
  for (const std::string& path : paths_) {
    std::error_code ec;
    if (!std::filesystem::is_directory(path, ec)) {
      files.push_back(path);
      continue;
    }
    for (std::filesystem::directory_iterator it(path, ec), end;
         !ec && it != end && files.size() < kMostFiles; it.increment(ec)) {
      std::error_code kind;
      if (it->is_regular_file(kind) && may_be_log(it->path().filename().string()))
        files.push_back(it->path().string());
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

bool FileFollower::open_file(const std::string& path, File& file) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  struct stat st {};
  if (fd < 0 || ::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    const std::string why = fd < 0 ? std::strerror(errno) : "not a regular file";
    losses_[path] = {ErrorCode::Unreadable, why, path, ""};
    if (fd >= 0) ::close(fd);
    return false;
  }
  losses_.erase(path);
  file = {};
  file.fd = fd;
  file.device = st.st_dev;
  file.inode = st.st_ino;
  return true;
}

void FileFollower::take(const std::string& path, File& file, std::string_view bytes, double age_s,
                        const OnLine& on_line) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (!file.skipping) {
      if (file.rest.size() + part.size() > kMostLine) {
        file.rest.append(part.substr(0, kMostLine - file.rest.size()));
        on_line(path, file.rest, age_s);
        file.rest.clear();
        file.skipping = true;
        ++counts_.cut_lines;
      } else if (end == std::string_view::npos || !file.rest.empty()) {
        file.rest.append(part);
      }
    }
    if (end == std::string_view::npos) return;
    if (!file.skipping)
      on_line(path, file.rest.empty() ? part : std::string_view(file.rest), age_s);
    file.skipping = false;
    file.rest.clear();
    bytes.remove_prefix(end + 1);
  }
}

bool FileFollower::read_new(const std::string& path, File& file, const OnLine& on_line) {
  struct stat st {};
  if (::fstat(file.fd, &st) != 0) return false;
  if (static_cast<uint64_t>(st.st_size) < file.offset) {
    ++counts_.truncations;
    file.offset = 0;
    file.rest.clear();
    file.skipping = false;
  }
  const double age_s = age_of(st);
  std::string buffer(kChunk, '\0');
  for (size_t got = 0; got < kMostPerPoll;) {
    const ssize_t n =
        ::pread(file.fd, buffer.data(), buffer.size(), static_cast<off_t>(file.offset));
    if (n <= 0) return false;
    file.offset += static_cast<uint64_t>(n);
    got += static_cast<size_t>(n);
    take(path, file, std::string_view(buffer).substr(0, static_cast<size_t>(n)), age_s, on_line);
  }
  return true;
}

bool FileFollower::follow(const std::string& path, const OnLine& on_line) {
  auto it = files_.find(path);
  if (it == files_.end()) {
    File fresh;
    if (!open_file(path, fresh)) return false;
    it = files_.emplace(path, std::move(fresh)).first;
  }
  File& file = it->second;
  if (read_new(path, file, on_line)) return true;
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return false;  // renamed away: the new one has not come yet
  if (st.st_ino == file.inode && st.st_dev == file.device) return false;
  // What was written between the last read and the renaming.
  if (read_new(path, file, on_line)) return true;
  if (!file.rest.empty()) on_line(path, file.rest, 0);
  ::close(file.fd);
  ++counts_.rotations;
  if (!open_file(path, file)) {
    files_.erase(it);
    return false;
  }
  return read_new(path, file, on_line);
}

bool FileFollower::poll(const OnLine& on_line) {
  bool more = false;
  for (const std::string& path : files_now()) more = follow(path, on_line) || more;
  return more;
}

void FileFollower::flush(const OnLine& on_line) {
  for (auto& [path, file] : files_) {
    if (!file.rest.empty()) on_line(path, file.rest, 0);
    file.rest.clear();
  }
}

}  // namespace rankdx
