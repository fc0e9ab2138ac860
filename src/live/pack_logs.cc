#include "live/pack_logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

namespace rankdx {
namespace {

constexpr int kLevel = 3;

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct FreeStream {
  void operator()(ZSTD_CStream* s) const { ZSTD_freeCStream(s); }
};

bool write_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

/// False with errno set when reading or writing fails.
bool pack(int in, int out, uint64_t& packed) {
  const std::unique_ptr<ZSTD_CStream, FreeStream> stream(ZSTD_createCStream());
  if (!stream) return errno = ENOMEM, false;
  ZSTD_CCtx_setParameter(stream.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(stream.get(), ZSTD_c_checksumFlag, 1);
  std::string from(ZSTD_CStreamInSize(), '\0'), to(ZSTD_CStreamOutSize(), '\0');
  while (true) {
    const ssize_t n = ::read(in, from.data(), from.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    const ZSTD_EndDirective step = n == 0 ? ZSTD_e_end : ZSTD_e_continue;
    ZSTD_inBuffer source{from.data(), static_cast<size_t>(n), 0};
    size_t left = 0;
    do {
      ZSTD_outBuffer target{to.data(), to.size(), 0};
      left = ZSTD_compressStream2(stream.get(), &target, &source, step);
      if (ZSTD_isError(left)) return errno = EIO, false;
      if (!write_all(out, to.data(), target.pos)) return false;
      packed += target.pos;
    } while (step == ZSTD_e_end ? left > 0 : source.pos < source.size);
    if (n == 0) return true;
  }
}

Error problem(const std::string& path) {
  return {ErrorCode::Unreadable, std::string("not compressed: ") + std::strerror(errno), path,
          "the log stays as it is"};
}

void pack_one(const std::string& path, PackedLogs& out) {
  const File in(path, O_RDONLY | O_NOFOLLOW);
  struct stat st {};
  if (in.fd() < 0 || ::fstat(in.fd(), &st) != 0) return out.failed.push_back(problem(path));
  if (!S_ISREG(st.st_mode) || st.st_size == 0) return;
  const std::string part = path + ".zst.part";
  const File to(part, O_WRONLY | O_CREAT | O_TRUNC);
  uint64_t packed = 0;
  if (to.fd() < 0 || !pack(in.fd(), to.fd(), packed) || ::fsync(to.fd()) != 0 ||
      ::rename(part.c_str(), (path + ".zst").c_str()) != 0) {
    out.failed.push_back(problem(path));
    ::unlink(part.c_str());
    return;
  }
  ::unlink(path.c_str());
  ++out.files;
  out.bytes += static_cast<uint64_t>(st.st_size);
  out.packed_bytes += packed;
}

}  // namespace

PackedLogs pack_logs(const std::string& folder) {
  PackedLogs out;
  std::vector<std::string> paths;
  std::error_code ec;
  for (std::filesystem::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    if (it->path().extension() == ".log") paths.push_back(it->path().string());
  for (const std::string& path : paths) pack_one(path, out);
  return out;
}

}  // namespace rankdx
