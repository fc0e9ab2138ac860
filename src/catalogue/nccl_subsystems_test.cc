#include "catalogue/nccl_subsystems.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"
#include "catalogue/nccl_messages.h"
#include "catalogue/version.h"

namespace rankdx {
namespace {

TEST(NcclSubsystems, TableIsInOrder) {
  const auto all = nccl_subsystems();
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    EXPECT_EQ(all[i].bit, 1u << i) << all[i].name;
    EXPECT_TRUE(parse_version(all[i].since)) << all[i].name;
    EXPECT_FALSE(all[i].lines.empty() || all[i].volume.empty() || all[i].use.empty())
        << all[i].name;
  }
  EXPECT_EQ(all.back().name, "ALL");
}

TEST(NcclSubsystems, Find) {
  EXPECT_EQ(find_nccl_subsystem("bootstrap")->since, "2.21.5");
  EXPECT_EQ(find_nccl_subsystem("INIT")->bit, 1u);
  EXPECT_EQ(find_nccl_subsystem("INITS"), nullptr);
}

/// Every subsystem that the message table names is in this one.
TEST(NcclSubsystems, NamesOfMessages) {
  for (const NcclMessage& m : nccl_messages()) {
    if (m.level == "VERSION") continue;
    for (std::string_view part : split(m.subsystem, '|')) {
      part = part.substr(0, part.find_first_of("(/;"));
      if (part.empty() || part.starts_with("plugin")) continue;
      EXPECT_TRUE(find_nccl_subsystem(part)) << m.id << " " << m.subsystem;
    }
  }
}

}  // namespace
}  // namespace rankdx
