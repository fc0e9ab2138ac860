// One machine or container seen through its files: /proc, /sys, /dev and /etc below a root. With a
// root other than "/" symbolic links stay below it, so a fake or mounted tree answers like the
// machine itself. Reads are bounded and never wait. Stateless apart from the root: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

struct FilesystemUsage {
  uint64_t size_bytes = 0, free_bytes = 0;
  bool read_only = false;
};

enum class Access : uint8_t { Yes, No, Missing };

class HostView {
 public:
  explicit HostView(std::string root = "/");
  virtual ~HostView() = default;

  /// The first `limit` bytes. ErrorCode::Empty when there is no such file, Unreadable when it may
  /// not be read; the text then is the system's: "permission denied".
  Result<std::string> read(std::string_view path, size_t limit = 1 << 20) const;
  /// read(), trimmed, or nothing.
  std::optional<std::string> line(std::string_view path) const;
  std::optional<int64_t> number(std::string_view path) const;
  /// Names in a directory, sorted, without "." and ".."; at most 65,536.
  Result<std::vector<std::string>> list(std::string_view path) const;
  bool exists(std::string_view path) const;
  /// Target of a symbolic link, as it is written.
  std::optional<std::string> link(std::string_view path) const;
  /// Absolute path below the root after all links ("/sys/devices/..."), or nothing.
  std::optional<std::string> resolved(std::string_view path) const;
  std::optional<uint64_t> file_bytes(std::string_view path) const;
  virtual Access writable(std::string_view path) const;
  virtual Result<FilesystemUsage> filesystem(std::string_view path) const;

  const std::string& root() const { return root_; }
  /// Whether system calls about this process (addresses, name resolution, clock) speak of the same
  /// machine.
  bool is_this_machine() const { return root_ == "/"; }
  /// The path as the user can open it: root and path.
  std::string full(std::string_view path) const;

 private:
  int open_below(std::string_view path, int flags) const;

  std::string root_;
};

}  // namespace rankdx
