#include "explain/finding_pages.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace rankdx {
namespace {

namespace fs = std::filesystem;

RulePack pack(std::string_view id) {
  const std::string toml =
      "[[rule]]\nid = \"" + std::string(id) +
      "\"\ntitle = \"A <title> | of_it\"\nseverity = \"error\"\nrole = \"root-cause\"\n"
      "confidence = \"likely\"\nlayer = \"network\"\ncause = \"Because.\"\n"
      "fix = [{ for = \"any\", text = \"Mend it\", command = \"mend\" }]\nsource = [\"here\"]\n";
  return RulePack::parse_toml(toml, "test.toml").value();
}

TEST(FindingPages, Page) {
  const auto pages = finding_pages(pack("some-finding"));
  ASSERT_EQ(pages.size(), 2u);
  EXPECT_EQ(pages.at("some-finding.md"),
            "<!-- Made from rules/*.toml by script/docs. Change the rule, not this page. -->\n"
            "# A &lt;title&gt; \\| of\\_it\n\n`some-finding`\n\n"
            "| | |\n|---|---|\n| role | root cause |\n| severity | error |\n| confidence | likely "
            "|\n| layer | network |\n"
            "\n## What it means\n\nBecause.\n\nNo single line says this: it follows from what all "
            "ranks have printed together, "
            "or have not.\n"
            "\n## What to do\n\n- Mend it\n\n  ```text\n  mend\n  ```\n"
            "\n## Source\n\n- here\n");
  EXPECT_NE(pages.at("README.md")
                .find("## network\n\n| finding | what | role | severity |\n|---|---|---|---|\n"
                      "| [some-finding](some-finding.md) | A &lt;title&gt; \\| of\\_it | root "
                      "cause | error |"),
            std::string::npos);
}

TEST(FindingPages, StalePagesGo) {
  const fs::path dir = fs::path(testing::TempDir()) / ("pages." + std::to_string(::getpid()));
  ASSERT_TRUE(write_finding_pages(dir.string(), pack("old-finding")));
  std::ofstream(dir / "by-hand.md") << "# mine\n";
  const auto written = write_finding_pages(dir.string(), pack("new-finding"));
  ASSERT_TRUE(written);
  EXPECT_EQ(*written, 2u);
  EXPECT_FALSE(fs::exists(dir / "old-finding.md"));
  EXPECT_TRUE(fs::exists(dir / "new-finding.md"));
  EXPECT_TRUE(fs::exists(dir / "by-hand.md"));
  fs::remove_all(dir);
}

TEST(FindingPages, CannotWrite) {
  EXPECT_FALSE(write_finding_pages("/proc/none/pages", pack("some-finding")));
}

}  // namespace
}  // namespace rankdx
