// Whether a user other than the one who asks could reach, read or write a path: mode bits and POSIX
// ACLs of the file and of every directory on the way, links followed. Nothing is opened and nobody
// is impersonated. Not for two threads at once.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

struct Identity {
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;  ///< supplementary
};
Identity identity_of_this_process();
std::string to_string(const Identity& identity);

enum class Want : uint8_t { Read = 4, Write = 2, Search = 1 };

/// The permission bits (rwx) that a file gives to somebody; `acl` as the file system stores it,
/// empty where there is none.
uint32_t permissions_for(const Identity& who, uint32_t mode, uint32_t uid, uint32_t gid,
                         std::string_view acl);

class AccessChecker {
 public:
  explicit AccessChecker(Identity who) : who_(std::move(who)) {}

  /// Nothing where `who` may; else why not: "directory /models has mode 0700 and belongs to 0:0".
  std::optional<std::string> why_not(const std::string& path, Want want);
  /// Whether a directory could be written, or created where it is absent. Read-only mounts count.
  std::optional<std::string> why_not_writable(const std::string& directory);

 private:
  std::optional<std::string> walk(const std::string& path, int links, std::string& real);
  std::optional<std::string> refused(const std::string& path, Want want);
  std::optional<std::string> refused(const std::string& path, const struct stat& s,
                                     Want want) const;

  struct Resolved {
    std::string real;
    std::optional<std::string> why_not;
  };

  Identity who_;
  std::map<std::string, std::optional<std::string>> searched_;  ///< directories seen before
  std::map<std::string, Resolved> resolved_;                    ///< by directory as given
};

/// The line of /etc/passwd; `file` for tests.
bool has_passwd_entry(uint32_t uid, const std::string& file = "/etc/passwd");

enum class MountKind : uint8_t { Other, ReadOnly, Network };
/// What the file system under a path is, as far as rights depend on it. Network: one whose server
/// may take root for nobody (NFS, SMB, Lustre, CephFS, GPFS, BeeGFS).
MountKind mount_kind(const std::string& path);

/// The user to whom alone a FUSE file system is open; nothing where it is another file system, or
/// mounted with allow_other. `mountinfo`: the text of /proc/self/mountinfo; `path` without links.
std::optional<uint32_t> fuse_owner(std::string_view mountinfo, std::string_view path);

}  // namespace rankdx
