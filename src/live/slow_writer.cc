#include "live/slow_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace rankdx {
namespace {

constexpr size_t kBlock = 64 << 10, kMostWaiting = 64 << 10, kMostPerStep = 4 << 20;
/// A terminal that is further behind sees the end only.
constexpr uint64_t kMostBehind = 1 << 20, kShownAfterSkip = 16 << 10;
/// What a pipe takes at once when poll(2) says that it has room.
constexpr size_t kPipeBuf = 4096;

}  // namespace

SlowWriter::SlowWriter(int fd) : fd_(fd), terminal_(::isatty(fd) == 1) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) {
    gone_ = true;
  } else if (S_ISREG(st.st_mode)) {
    kind_ = Kind::File;
  } else if (S_ISSOCK(st.st_mode)) {
    kind_ = Kind::Socket;
  } else {
    // An open file of its own: O_NONBLOCK set on the shared one would hit the shell too.
    own_ = ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(),
                  O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own_ >= 0) kind_ = Kind::Nonblocking;
  }
}

SlowWriter::~SlowWriter() {
  if (own_ >= 0) ::close(own_);
}

size_t SlowWriter::write(std::string_view bytes) {
  if (gone_ || bytes.empty()) return 0;
  ssize_t n = 0;
  if (kind_ == Kind::Socket) {
    n = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } else if (kind_ == Kind::Asked) {
    pollfd room{fd_, POLLOUT, 0};
    if (::poll(&room, 1, 0) <= 0 || (room.revents & POLLOUT) == 0) return 0;
    n = ::write(fd_, bytes.data(), std::min(bytes.size(), kPipeBuf));
  } else {
    n = ::write(own_ >= 0 ? own_ : fd_, bytes.data(), bytes.size());
  }
  if (n > 0) return static_cast<size_t>(n);
  // A full disk is a reader that takes nothing any more.
  if (n < 0 && errno != EAGAIN && errno != EINTR) gone_ = true;
  return 0;
}

void SlowWriter::wait(int timeout_ms) const {
  pollfd room{own_ >= 0 ? own_ : fd_, POLLOUT, 0};
  ::poll(&room, 1, timeout_ms);
}

void SlowLines::say(std::string_view text) {
  waiting_ += text;
  while (waiting_.size() > kMostWaiting) waiting_.erase(0, waiting_.find('\n') + 1);
  step();
}

void SlowLines::step() {
  if (out_.gone()) waiting_.clear();
  for (size_t n; !waiting_.empty() && (n = out_.write(waiting_)) > 0;) waiting_.erase(0, n);
}

FileShow::~FileShow() {
  if (fd_ >= 0) ::close(fd_);
}

uint64_t FileShow::size() const {
  struct stat st {};
  return fd_ >= 0 && ::fstat(fd_, &st) == 0 ? static_cast<uint64_t>(st.st_size) : 0;
}

bool FileShow::done() const { return out_.gone() || (note_.empty() && offset_ >= size()); }

void FileShow::skip_ahead(uint64_t size) {
  const uint64_t to = size - kShownAfterSkip;
  skipped_ += to - offset_;
  note_ = fmt::format("{}[rankdx: {:.1f} MB not shown here: {}]\n", at_line_start_ ? "" : "\n",
                      static_cast<double>(to - offset_) / 1e6, path_);
  offset_ = to;
}

bool FileShow::step() {
  if (fd_ < 0) fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0 || out_.gone()) return false;
  const uint64_t end = size();
  if (out_.is_terminal() && end - std::min(end, offset_) > kMostBehind) skip_ahead(end);
  bool moved = false;
  for (size_t n; !note_.empty() && (n = out_.write(note_)) > 0; moved = true) note_.erase(0, n);
  char block[kBlock];
  for (size_t passed = 0; note_.empty() && passed < kMostPerStep;) {
    const ssize_t got = ::pread(fd_, block, sizeof block, static_cast<off_t>(offset_));
    if (got <= 0) break;
    const size_t n = out_.write({block, static_cast<size_t>(got)});
    if (n == 0) break;
    offset_ += n;
    passed += n;
    at_line_start_ = block[n - 1] == '\n';
    moved = true;
  }
  return moved;
}

}  // namespace rankdx
