#include "input/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace rankdx {
namespace {

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> read(char* buffer, size_t size) override {
    const size_t count = bytes_.copy(buffer, size, at_);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

class DescriptorSource : public ByteSource {
 public:
  enum class AtEnd : uint8_t { Close, Leave };
  DescriptorSource(int descriptor, std::string name, AtEnd at_end)
      : descriptor_(descriptor), name_(std::move(name)), at_end_(at_end) {}
  ~DescriptorSource() override {
    if (at_end_ == AtEnd::Close) close(descriptor_);
  }
  Result<size_t> read(char* buffer, size_t size) override {
    while (true) {
      const ssize_t count = ::read(descriptor_, buffer, size);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno != EINTR) return tl::unexpected(file_error(errno, name_));
    }
  }

 private:
  int descriptor_;
  std::string name_;
  AtEnd at_end_;
};

class PrefixedSource : public ByteSource {
 public:
  PrefixedSource(Head head, std::unique_ptr<ByteSource> rest)
      : head_(std::move(head)), rest_(std::move(rest)) {}
  Result<size_t> read(char* buffer, size_t size) override {
    if (at_ == head_.bytes.size()) {
      if (head_.error) return tl::unexpected(*std::exchange(head_.error, std::nullopt));
      return rest_->read(buffer, size);
    }
    const size_t count = head_.bytes.copy(buffer, size, at_);
    at_ += count;
    return count;
  }

 private:
  Head head_;
  size_t at_ = 0;
  std::unique_ptr<ByteSource> rest_;
};

struct ErrnoWords {
  int number;
  const char* text;
  const char* hint;
};
constexpr ErrnoWords kErrnoWords[] = {
    {EPERM, "may not be read", "read it as its owner or as root"},
    {ENOENT, "does not exist", "check the path; a log may have been rotated away meanwhile"},
    {EIO, "input/output error",
     "the disk or its network mount is failing; copy the file elsewhere"},
    {EACCES, "may not be read", "read it as its owner or as root, or chmod +r it"},
    {ENOTDIR, "does not exist", "a part of the path is a file, not a directory"},
    {EISDIR, "is a directory", "name the directory itself"},
    {EMFILE, "too many open files", "raise the limit: ulimit -n 4096"},
    {ENAMETOOLONG, "the path is too long", "name the directory or use a shorter path"},
    {ELOOP, "is a loop of symbolic links", "name the file that the link should lead to"},
    {ESTALE, "its network mount went away", "mount it again or copy the file elsewhere"},
};

}  // namespace

Error file_error(int error_number, const std::string& place) {
  for (const ErrnoWords& words : kErrnoWords) {
    if (words.number == error_number) {
      return {ErrorCode::Unreadable, words.text, place, words.hint};
    }
  }
  return {ErrorCode::Unreadable, std::string("cannot be read: ") + std::strerror(error_number),
          place, ""};
}

std::unique_ptr<ByteSource> memory_source(std::string bytes) {
  return std::make_unique<MemorySource>(std::move(bytes));
}

std::unique_ptr<ByteSource> stdin_source() {
  return std::make_unique<DescriptorSource>(STDIN_FILENO, "<stdin>",
                                            DescriptorSource::AtEnd::Leave);
}

std::unique_ptr<ByteSource> prefixed_source(Head head, std::unique_ptr<ByteSource> rest) {
  return std::make_unique<PrefixedSource>(std::move(head), std::move(rest));
}

Result<std::unique_ptr<ByteSource>> open_file(const std::string& path, OpenAs how) {
  const int wait = how == OpenAs::RegularFile ? O_NONBLOCK : 0;
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | wait);
  if (descriptor < 0) return tl::unexpected(file_error(errno, path));
  auto source =
      std::make_unique<DescriptorSource>(descriptor, path, DescriptorSource::AtEnd::Close);
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return tl::unexpected(file_error(errno, path));
  if (S_ISDIR(status.st_mode)) return tl::unexpected(file_error(EISDIR, path));
  if (S_ISREG(status.st_mode)) {
    lseek(descriptor, 0, SEEK_DATA);
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  } else if (how == OpenAs::RegularFile) {
    return fail(ErrorCode::Unsupported, "is no regular file any more", path);
  }
  return source;
}

Head read_head(ByteSource& source, size_t size) {
  Head head{std::string(size, '\0'), std::nullopt};
  size_t filled = 0;
  while (filled < size) {
    const Result<size_t> got = source.read(head.bytes.data() + filled, size - filled);
    if (!got) head.error = got.error();
    if (got.value_or(0) == 0) break;
    filled += *got;
  }
  head.bytes.resize(filled);
  return head;
}

}  // namespace rankdx
