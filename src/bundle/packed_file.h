// The file behind a bundle: bytes packed with zstd, a frame per part. A part that does not fit
// (full disk, limit on the size of files) is cut off again, so that the file stays whole up to
// there and later parts can still be tried. Some room is kept free for the last one. Not
// thread-safe.
#pragma once

#include <zstd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rankdx {

class PackedFile {
 public:
  enum class Part : uint8_t { Ordinary, Last };

  /// Makes the file; never overwrites one.
  static Result<std::unique_ptr<PackedFile>> create(const std::string& path);
  ~PackedFile();
  PackedFile(const PackedFile&) = delete;
  PackedFile& operator=(const PackedFile&) = delete;

  /// Keeps room for what comes, where the file system can.
  void reserve(uint64_t bytes) const { (void)has_room(bytes); }
  void write(std::string_view bytes);
  /// Whether the part that is being written is lost already.
  bool failed() const { return error_ != 0; }
  /// Ends the frame. On failure the file is what it was before this part.
  Result<void> end_part(Part part, uint64_t room_bytes);
  Result<void> close();

 private:
  struct FreeStream {
    void operator()(ZSTD_CStream* s) const { ZSTD_freeCStream(s); }
  };
  PackedFile(std::string path, int fd);
  void pack(std::string_view bytes, ZSTD_EndDirective step);
  bool has_room(uint64_t bytes) const;
  void forget_part();
  tl::unexpected<Error> cannot_write(int error) const;

  std::string path_;
  int fd_;
  std::unique_ptr<ZSTD_CStream, FreeStream> stream_;
  std::string buffer_;
  uint64_t size_ = 0, good_ = 0;  ///< written; up to the end of the last whole part
  int error_ = 0;                 ///< errno of the part that is being written
};

}  // namespace rankdx
