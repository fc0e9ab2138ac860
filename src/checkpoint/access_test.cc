#include "checkpoint/access.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>

#include "checkpoint/test_models.h"

namespace rankdx {
namespace {

struct Entry {
  uint16_t tag, permissions;
  uint32_t id;
};
std::string acl(std::initializer_list<Entry> entries) {
  std::string bytes("\2\0\0\0", 4);
  for (const Entry& e : entries) bytes.append(reinterpret_cast<const char*>(&e), sizeof e);
  return bytes;
}

struct Case {
  Identity who;
  uint32_t mode;
  std::string acl;
  uint32_t permissions;
};

TEST(Access, PermissionsOfAFileOf100And200) {
  constexpr uint16_t kOwner = 1, kUser = 2, kOwnGroup = 4, kGroup = 8, kMask = 16, kOther = 32;
  const std::string named = acl({{kOwner, 6, ~0u},
                                 {kUser, 7, 55},
                                 {kOwnGroup, 0, ~0u},
                                 {kGroup, 5, 77},
                                 {kMask, 4, ~0u},
                                 {kOther, 0, ~0u}});
  const Case cases[] = {
      {{100, 1, {}}, 0640, "", 6},     {{100, 200, {}}, 0077, "", 0},  // the owner is not the group
      {{101, 200, {}}, 0640, "", 4},   {{101, 1, {9, 200}}, 0640, "", 4},
      {{101, 1, {}}, 0640, "", 0},     {{101, 1, {}}, 0644, "", 4},
      {{0, 0, {}}, 0000, "", 6},       {{0, 0, {}}, 040000, "", 7},
      {{55, 1, {}}, 0640, named, 4},  // 7 through the mask
      {{56, 77, {}}, 0640, named, 4},  {{56, 1, {77}}, 0640, named, 4},
      {{56, 200, {}}, 0640, named, 0}, {{56, 1, {}}, 0647, named, 0},
      {{100, 1, {}}, 0640, named, 6},  {{101, 1, {}}, 0644, "garbage!", 4},
  };
  for (const Case& c : cases)
    EXPECT_EQ(permissions_for(c.who, c.mode, 100, 200, c.acl), c.permissions)
        << to_string(c.who) << " " << c.mode;
}

TEST(Access, EveryDirectoryOnTheWayThroughLinks) {
  const test::TestDir dir;
  dir.write("a/b/file", "x");
  dir.link("../a/b", "c/link");
  AccessChecker open({1000, 1000, {}});
  EXPECT_EQ(open.why_not(dir.at("c/link/file"), Want::Read), std::nullopt);
  ::chmod(dir.at("a").c_str(), 0700);
  AccessChecker closed({1000, 1000, {}});
  EXPECT_EQ(closed.why_not(dir.at("c/link/file"), Want::Read),
            "directory " + dir.at("a") + " has mode 0700 and belongs to 0:0");
  EXPECT_EQ(closed.why_not(dir.at("c/../c/./link/file"), Want::Read),
            "directory " + dir.at("a") + " has mode 0700 and belongs to 0:0");
  AccessChecker root({0, 0, {}});
  EXPECT_EQ(root.why_not(dir.at("c/link/file"), Want::Read), std::nullopt);
  dir.link("loop", "loop");
  EXPECT_TRUE(root.why_not(dir.at("loop"), Want::Read));
}

TEST(Access, DirectoriesThatAreNotThereYet) {
  const test::TestDir dir;
  dir.write("open/x", "");
  ::chmod(dir.at("open").c_str(), 0777);
  AccessChecker who({1000, 1000, {}});
  EXPECT_EQ(who.why_not_writable(dir.at("open/new/deep")), std::nullopt);
  EXPECT_EQ(who.why_not_writable(dir.at("new")),
            "directory " + dir.path() + " has mode 0755 and belongs to 0:0");
}

TEST(Access, FuseMountsWithoutAllowOther) {
  const std::string mounts =
      "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "36 22 0:52 / /models rw,nosuid - fuse.s3fs s3fs rw,user_id=1000,group_id=1000\n"
      "37 22 0:53 / /shared rw shared:5 - fuse.gcsfuse b rw,user_id=0,group_id=0,allow_other\n"
      "38 36 8:2 / /models/local rw - xfs /dev/sdb rw\n"
      "too short\n";
  const std::pair<const char*, std::optional<uint32_t>> cases[] = {
      {"/", {}},        {"/models", 1000}, {"/models/a/b", 1000},
      {"/modelsx", {}}, {"/shared/x", {}}, {"/models/local/x", {}}};
  for (const auto& [path, owner] : cases) EXPECT_EQ(fuse_owner(mounts, path), owner) << path;
}

}  // namespace
}  // namespace rankdx
