#include "bundle/packed_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rankdx {

Result<std::unique_ptr<PackedFile>> PackedFile::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(ErrorCode::Usage, fmt::format("cannot create it: {}", std::strerror(errno)), path,
                errno == EEXIST ? "name a file that does not exist yet"
                                : "name a folder that you may write to");
  }
  return std::unique_ptr<PackedFile>(new PackedFile(path, fd));
}

PackedFile::PackedFile(std::string path, int fd)
    : path_(std::move(path)),
      fd_(fd),
      stream_(ZSTD_createCStream()),
      buffer_(ZSTD_CStreamOutSize(), '\0') {
  if (!stream_) error_ = ENOMEM;
}

PackedFile::~PackedFile() {
  if (fd_ >= 0) ::close(fd_);
}

tl::unexpected<Error> PackedFile::cannot_write(int error) const {
  return fail(ErrorCode::Unreadable, fmt::format("cannot write: {}", std::strerror(error)), path_,
              "what was written before is whole");
}

void PackedFile::pack(std::string_view bytes, ZSTD_EndDirective step) {
  ZSTD_inBuffer source{bytes.data(), bytes.size(), 0};
  size_t left = 0;
  do {
    ZSTD_outBuffer target{buffer_.data(), buffer_.size(), 0};
    left = ZSTD_compressStream2(stream_.get(), &target, &source, step);
    if (ZSTD_isError(left) != 0) error_ = EIO;
    for (size_t done = 0; error_ == 0 && done < target.pos;) {
      const ssize_t n = ::write(fd_, buffer_.data() + done, target.pos - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        error_ = n < 0 ? errno : ENOSPC;
      } else {
        done += static_cast<size_t>(n);
        size_ += static_cast<uint64_t>(n);
      }
    }
  } while (error_ == 0 && (step == ZSTD_e_end ? left > 0 : source.pos < source.size));
}

void PackedFile::write(std::string_view bytes) {
  if (error_ == 0) pack(bytes, ZSTD_e_continue);
}

bool PackedFile::has_room(uint64_t bytes) const {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      size_ + bytes > limit.rlim_cur)
    return errno = EFBIG, false;
  // Reserved behind the end. File systems that cannot do that are believed.
  return ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_),
                     static_cast<off_t>(bytes)) == 0 ||
         (errno != ENOSPC && errno != EFBIG && errno != EDQUOT);
}

void PackedFile::forget_part() {
  ZSTD_CCtx_reset(stream_.get(), ZSTD_reset_session_only);
  if (::ftruncate(fd_, static_cast<off_t>(good_)) == 0)
    ::lseek(fd_, static_cast<off_t>(good_), SEEK_SET);
  size_ = good_;
}

Result<void> PackedFile::end_part(Part part, uint64_t room_bytes) {
  if (error_ == 0) pack({}, ZSTD_e_end);
  if (error_ == 0 && part == Part::Ordinary && !has_room(room_bytes)) error_ = errno;
  if (error_ == 0) {
    good_ = size_;
    return {};
  }
  const int error = std::exchange(error_, 0);
  forget_part();
  return cannot_write(error);
}

Result<void> PackedFile::close() {
  // Gives back what was reserved.
  if (::ftruncate(fd_, static_cast<off_t>(good_)) != 0) return cannot_write(errno);
  const int synced = ::fsync(fd_) == 0 || errno == EINVAL ? 0 : errno;
  const int closed = ::close(std::exchange(fd_, -1)) == 0 ? 0 : errno;
  if (synced != 0 || closed != 0) return cannot_write(synced != 0 ? synced : closed);
  return {};
}

}  // namespace rankdx
