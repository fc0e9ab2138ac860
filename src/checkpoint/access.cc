#include "checkpoint/access.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr int kMostLinks = 40;  // as the kernel
/// statfs(2) and the headers of the file systems.
constexpr std::array<long, 7> kNetworkFileSystems = {0x6969,     0xFF534D42, 0xFE534D42, 0x0BD00BD0,
                                                     0x00C36400, 0x47504653, 0x19830326};

/// <linux/posix_acl_xattr.h>: a version, then entries of tag, permissions and id, little endian.
struct AclEntry {
  uint16_t tag, permissions;
  uint32_t id;
};
enum AclTag : uint16_t {
  kUserOwner = 0x01,
  kUser = 0x02,
  kGroupOwner = 0x04,
  kGroup = 0x08,
  kMask = 0x10,
  kOther = 0x20
};

std::vector<AclEntry> acl_entries(std::string_view acl) {
  std::vector<AclEntry> entries;
  uint32_t version = 0;
  if (acl.size() < 4 || (std::memcpy(&version, acl.data(), 4), version) != 2) return entries;
  for (size_t at = 4; at + 8 <= acl.size(); at += 8) {
    AclEntry e;
    std::memcpy(&e, acl.data() + at, 8);
    entries.push_back(e);
  }
  return entries;
}

bool in_group(const Identity& who, uint32_t gid) {
  return who.gid == gid || std::find(who.groups.begin(), who.groups.end(), gid) != who.groups.end();
}

uint32_t by_acl(const Identity& who, uint32_t uid, uint32_t gid,
                const std::vector<AclEntry>& entries) {
  uint32_t mask = 7, other = 0, groups = 0;
  bool grouped = false;
  for (const AclEntry& e : entries)
    if (e.tag == kMask) mask = e.permissions;
  for (const AclEntry& e : entries)
    if (e.tag == kUserOwner && who.uid == uid) return e.permissions;
  for (const AclEntry& e : entries)
    if (e.tag == kUser && e.id == who.uid) return e.permissions & mask;
  for (const AclEntry& e : entries) {
    if (e.tag == kOther) other = e.permissions;
    if ((e.tag == kGroupOwner && in_group(who, gid)) || (e.tag == kGroup && in_group(who, e.id))) {
      grouped = true;
      groups |= e.permissions & mask;
    }
  }
  return grouped ? groups : other;
}

std::string acl_of(const std::string& path) {
  char bytes[4096];
  const ssize_t length = ::getxattr(path.c_str(), "system.posix_acl_access", bytes, sizeof bytes);
  return length > 0 ? std::string(bytes, static_cast<size_t>(length)) : std::string();
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  char directory[PATH_MAX];
  if (::getcwd(directory, sizeof directory) == nullptr) return path;
  return std::string(directory) + "/" + path;
}

}  // namespace

Identity identity_of_this_process() {
  Identity who{geteuid(), getegid(), {}};
  const int count = getgroups(0, nullptr);
  std::vector<gid_t> groups(count > 0 ? static_cast<size_t>(count) : 0);
  if (count > 0 && getgroups(count, groups.data()) == count)
    who.groups.assign(groups.begin(), groups.end());
  return who;
}

std::string to_string(const Identity& identity) {
  std::string text = fmt::format("uid {}, gid {}", identity.uid, identity.gid);
  for (size_t i = 0; i < identity.groups.size(); ++i)
    text += (i == 0 ? ", groups " : " ") + std::to_string(identity.groups[i]);
  return text;
}

uint32_t permissions_for(const Identity& who, uint32_t mode, uint32_t uid, uint32_t gid,
                         std::string_view acl) {
  const bool any_execute = (mode & 0111) != 0 || S_ISDIR(mode);
  if (who.uid == 0) return any_execute ? 7 : 6;  // CAP_DAC_OVERRIDE
  if (const auto entries = acl_entries(acl); !entries.empty())
    return by_acl(who, uid, gid, entries);
  if (who.uid == uid) return mode >> 6 & 7;
  return in_group(who, gid) ? mode >> 3 & 7 : mode & 7;
}

std::optional<std::string> AccessChecker::refused(const std::string& path, Want want) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return fmt::format("{}: {}", path, std::strerror(errno));
  return refused(path, s, want);
}

std::optional<std::string> AccessChecker::refused(const std::string& path, const struct stat& s,
                                                  Want want) const {
  const uint32_t have =
      permissions_for(who_, s.st_mode, s.st_uid, s.st_gid, who_.uid == 0 ? "" : acl_of(path));
  if ((have & static_cast<uint32_t>(want)) != 0) return std::nullopt;
  return fmt::format("{} {} has mode {:04o} and belongs to {}:{}",
                     S_ISDIR(s.st_mode) ? "directory" : "file", path, s.st_mode & 07777, s.st_uid,
                     s.st_gid);
}

/// Every directory on the way must be searchable; `real` becomes the path without links.
std::optional<std::string> AccessChecker::walk(const std::string& path, int links,
                                               std::string& real) {
  if (links > kMostLinks) return path + ": too many links";
  real = "/";
  std::string rest = absolute(path);
  while (true) {
    const size_t begin = rest.find_first_not_of('/');
    if (begin == std::string::npos) return std::nullopt;
    const size_t end = std::min(rest.find('/', begin), rest.size());
    const std::string part = rest.substr(begin, end - begin);
    rest.erase(0, end);
    auto seen = searched_.find(real);
    if (seen == searched_.end()) seen = searched_.emplace(real, refused(real, Want::Search)).first;
    if (seen->second) return seen->second;
    if (part == ".") continue;
    if (part == "..") {
      const size_t slash = real.find_last_of('/');
      real.resize(std::max<size_t>(slash, 1));
      continue;
    }
    const std::string next = real == "/" ? "/" + part : real + "/" + part;
    char target[PATH_MAX];
    const ssize_t length = ::readlink(next.c_str(), target, sizeof target);
    if (length <= 0) {
      real = next;
      continue;
    }
    const std::string to(target, static_cast<size_t>(length));
    return walk((to.starts_with('/') ? to : real + "/" + to) + rest, links + 1, real);
  }
}

std::optional<std::string> AccessChecker::why_not(const std::string& path, Want want) {
  // Files of one folder share the way to it; only links lead elsewhere.
  const size_t slash = path.find_last_of('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  auto seen = resolved_.find(directory);
  if (seen == resolved_.end()) {
    Resolved way;
    way.why_not = walk(directory, 0, way.real);
    if (!way.why_not) way.why_not = refused(way.real, Want::Search);
    seen = resolved_.emplace(directory, std::move(way)).first;
  }
  if (seen->second.why_not) return seen->second.why_not;
  std::string real = seen->second.real + "/" + path.substr(slash + 1);
  struct stat s {};
  if (::lstat(real.c_str(), &s) != 0) return fmt::format("{}: {}", path, std::strerror(errno));
  if (!S_ISLNK(s.st_mode)) return refused(real, s, want);
  if (auto why = walk(path, 0, real)) return why;
  return refused(real, want);
}

std::optional<std::string> AccessChecker::why_not_writable(const std::string& directory) {
  std::string path = absolute(directory);
  struct stat s {};
  while (path.size() > 1 && ::stat(path.c_str(), &s) != 0 && (errno == ENOENT || errno == ENOTDIR))
    path.resize(std::max<size_t>(path.find_last_of('/'), 1));
  std::string real;
  if (auto why = walk(path, 0, real)) return why;
  struct statvfs fs {};
  if (::statvfs(real.c_str(), &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0)
    return real + " is on a read-only file system";
  if (auto why = refused(real, Want::Search)) return why;
  return refused(real, Want::Write);
}

bool has_passwd_entry(uint32_t uid, const std::string& file) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    const auto fields = split(line, ':');
    if (fields.size() > 2 && parse_int<uint32_t>(fields[2]) == uid) return true;
  }
  return false;
}

MountKind mount_kind(const std::string& path) {
  struct statfs fs {};
  if (::statfs(path.c_str(), &fs) != 0) return MountKind::Other;
  const auto type = static_cast<long>(fs.f_type);
  if (std::find(kNetworkFileSystems.begin(), kNetworkFileSystems.end(), type) !=
      kNetworkFileSystems.end())
    return MountKind::Network;
  struct statvfs flags {};
  if (::statvfs(path.c_str(), &flags) == 0 && (flags.f_flag & ST_RDONLY) != 0)
    return MountKind::ReadOnly;
  return MountKind::Other;
}

std::optional<uint32_t> fuse_owner(std::string_view mountinfo, std::string_view path) {
  std::string_view best;
  std::optional<uint32_t> owner;
  for (const std::string_view line : split(mountinfo, '\n')) {
    // "id parent major:minor root mountpoint options [tags] - type source super-options"
    const auto fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 7 || fields.end() - dash < 4) continue;
    const std::string_view point = fields[4];
    const bool covers = point == "/" || path == point ||
                        (path.starts_with(point) && path.substr(point.size()).starts_with('/'));
    // The last of equal mount points lies on top.
    if (!covers || point.size() < best.size()) continue;
    best = point;
    owner.reset();
    if (!dash[1].starts_with("fuse")) continue;
    const auto options = split(dash[3], ',');
    if (std::find(options.begin(), options.end(), "allow_other") != options.end()) continue;
    for (const std::string_view option : options)
      if (option.starts_with("user_id=")) owner = parse_int<uint32_t>(option.substr(8));
  }
  return owner;
}

}  // namespace rankdx
