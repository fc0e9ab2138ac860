#include "launch/generate.h"

#include <gtest/gtest.h>

#include "launch/serve_args.h"
#include "launch/spec_toml.h"
#include "launch/test_specs.h"

namespace rankdx {
namespace {

std::string all_text(const LaunchFiles& files) {
  std::string text;
  for (const LaunchFile& file : files) text += file.text;
  return text;
}

TEST(Generate, ReadsBackEqualForEveryLauncher) {
  for (const Launcher launcher : kEveryLauncher) {
    SpecMaker maker(7 + static_cast<uint32_t>(launcher));
    int generated = 0;
    for (int i = 0; i < 150; ++i) {
      const LaunchSpec spec = maker.make(launcher);
      const auto files = generate(spec, launcher);
      ASSERT_TRUE(files) << to_string(launcher) << ": " << to_string(files.error()) << "\n"
                         << to_launch_toml(spec);
      ++generated;
      const auto back = read_back(*files, launcher);
      ASSERT_TRUE(back) << to_string(launcher) << ": " << to_string(back.error()) << "\n"
                        << all_text(*files);
      const LaunchSpec want = normalised(spec, launcher);
      ASSERT_EQ(*back, want) << to_string(launcher) << "\n--- got\n"
                             << to_launch_toml(*back) << "--- want\n"
                             << to_launch_toml(want) << "---\n"
                             << all_text(*files);
      const auto again = generate(*back, launcher);
      ASSERT_TRUE(again);
      EXPECT_EQ(all_text(*again), all_text(*files));
      EXPECT_EQ(launcher_of((*files)[0].text), launcher);
    }
    EXPECT_EQ(generated, 150);
  }
}

TEST(Generate, NormalisedIsStable) {
  for (const Launcher launcher : kEveryLauncher) {
    SpecMaker maker(99);
    for (int i = 0; i < 50; ++i) {
      const LaunchSpec once = normalised(maker.make(launcher), launcher);
      EXPECT_EQ(once, normalised(once, launcher));
    }
  }
}

}  // namespace
}  // namespace rankdx
