// What `launch generate` writes, `launch lint` finds nothing wrong with.
#include <gtest/gtest.h>

#include "launch/generate.h"
#include "launch/lint/lint.h"
#include "launch/spec_toml.h"
#include "launch/test_specs.h"

namespace rankdx {
namespace {

lint::Network lint_network(NetworkKind network) {
  switch (network) {
    case NetworkKind::Ethernet:
      return lint::Network::Ethernet;
    case NetworkKind::Roce:
      return lint::Network::Roce;
    case NetworkKind::Infiniband:
      return lint::Network::Infiniband;
    default:
      return lint::Network::Efa;
  }
}

/// Specs without the odd texts, small sizes and overrides that SpecMaker adds: lint is right to ask
/// about those.
LaunchSpec tame(LaunchSpec spec) {
  spec.shm_size = "16Gi";
  spec.load_minutes = std::max(spec.load_minutes, 10);
  if (spec.host_network) spec.replicas = 1;
  spec.model = "/models/m";
  spec.served_name = "m";
  spec.extra_args.clear();
  spec.env.clear();
  return spec;
}

TEST(GeneratedLaunches, LintCleanInBothProfiles) {
  for (const Launcher launcher : kEveryLauncher) {
    SpecMaker maker(21);
    for (int i = 0; i < 40; ++i) {
      const LaunchSpec spec = normalised(tame(maker.make(launcher)), launcher);
      const auto files = generate(spec, launcher);
      ASSERT_TRUE(files) << to_string(files.error());
      lint::LintOptions options;
      options.vllm = parse_version(spec.vllm_version);
      options.nccl = parse_version(spec.nccl_version);
      options.network = lint_network(spec.network);
      options.purpose =
          spec.profile == Profile::Debug ? lint::Purpose::Debug : lint::Purpose::Production;
      for (const LaunchFile& file : *files) {
        const lint::SourceText source(file.name, file.text);
        // The marks in the text say the same as the options.
        for (const lint::LintOptions& o : {options, lint::LintOptions{}}) {
          const lint::LintResult result = lint::lint(source, o);
          // What stands inside the words of ssh is not read by lint.
          EXPECT_TRUE(result.understood || launcher == Launcher::Ssh) << file.text;
          for (const lint::Issue& issue : result.issues) {
            EXPECT_EQ(issue.severity, Severity::Info)
                << to_string(launcher) << " " << issue.rule << ": " << issue.detail << "\n"
                << source.line(source.position(issue.span.begin).line) << "\n"
                << to_launch_toml(spec);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace rankdx
