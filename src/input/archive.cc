#include "input/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace rankdx {
namespace {

constexpr size_t kPackedBlock = 1 << 16;  ///< bytes of packed data read at a time

struct Free {
  void operator()(archive* handle) const { archive_read_free(handle); }
};

/// What libarchive's callbacks see.
struct Feed {
  ByteSource& packed;
  std::vector<char> block = std::vector<char>(kPackedBlock);
  std::optional<Error> error = std::nullopt;  ///< of the packed source itself
};

la_ssize_t feed_block(archive* handle, void* data, const void** block) {
  Feed& feed = *static_cast<Feed*>(data);
  const Result<size_t> got = feed.packed.read(feed.block.data(), feed.block.size());
  *block = feed.block.data();
  if (got) return static_cast<la_ssize_t>(*got);
  feed.error = got.error();
  archive_set_error(handle, EIO, "%s", got.error().text.c_str());
  return ARCHIVE_FATAL;
}

Error broken(archive* handle, Feed& feed) {
  if (feed.error) return *feed.error;
  const char* text = archive_error_string(handle);
  return {
      ErrorCode::Corrupt,
      std::string("is broken or cut off (") + (text == nullptr ? "no reason given" : text) + ")",
      "", "what came before is used; fetch the file again for the rest"};
}

/// Block by block, because archive_read_data() throws away what it has when a broken stream ends
/// its buffer early, and fills the holes of a sparse member with any amount of NUL bytes.
class MemberSource : public ByteSource {
 public:
  MemberSource(archive* handle, Feed& feed) : handle_(handle), feed_(feed) {}
  Result<size_t> read(char* buffer, size_t size) override {
    while (block_.empty()) {
      if (ended_ || failed_) return 0;
      const void* bytes = nullptr;
      size_t count = 0;
      la_int64_t offset = 0;
      const int got = archive_read_data_block(handle_, &bytes, &count, &offset);
      if (got < ARCHIVE_WARN) {
        failed_ = true;
        return tl::unexpected(broken(handle_, feed_));
      }
      ended_ = got == ARCHIVE_EOF;
      if (!ended_ && got != ARCHIVE_RETRY) block_ = {static_cast<const char*>(bytes), count};
    }
    const size_t count = block_.copy(buffer, size);
    block_.remove_prefix(count);
    return count;
  }
  bool failed() const { return failed_; }

 private:
  archive* handle_;
  Feed& feed_;
  std::string_view block_;  ///< libarchive's, valid until the next one is asked for
  bool ended_ = false, failed_ = false;
};

/// libarchive gives no name when it cannot convert one to the locale.
std::string name_of(archive_entry* entry, uint64_t number) {
  for (const char* name : {archive_entry_pathname(entry), archive_entry_pathname_utf8(entry)}) {
    if (name != nullptr) return name;
  }
  return "member " + std::to_string(number);
}

std::unique_ptr<archive, Free> new_reader() {
  std::unique_ptr<archive, Free> reader(archive_read_new());
  if (reader == nullptr) return reader;
  archive_read_support_filter_bzip2(reader.get());
  archive_read_support_filter_lz4(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_zip_streamable(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_read_support_format_empty(reader.get());
  return reader;
}

}  // namespace

Result<void> unpack(ByteSource& packed,
                    const std::function<void(const std::string& member, ByteSource& bytes)>& use) {
  const auto reader = new_reader();
  if (reader == nullptr) return fail(ErrorCode::Internal, "no memory to unpack it");
  Feed feed{packed};
  if (archive_read_open(reader.get(), &feed, nullptr, feed_block, nullptr) != ARCHIVE_OK) {
    return tl::unexpected(broken(reader.get(), feed));
  }
  archive_entry* entry = nullptr;
  for (uint64_t number = 1;; ++number) {
    const int got = archive_read_next_header(reader.get(), &entry);
    if (got == ARCHIVE_EOF) return {};
    if (got == ARCHIVE_RETRY) continue;
    if (got < ARCHIVE_WARN) return tl::unexpected(broken(reader.get(), feed));
    const bool raw = archive_format(reader.get()) == ARCHIVE_FORMAT_RAW;
    if (!raw && archive_entry_filetype(entry) != AE_IFREG) continue;
    MemberSource member(reader.get(), feed);
    use(raw ? "" : name_of(entry, number), member);
    if (member.failed()) return {};
  }
}

}  // namespace rankdx
