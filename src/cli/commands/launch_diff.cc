// rankdx launch diff: what the production launch does otherwise than the debug launch, and why.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/launch_files.h"
#include "launch/generate.h"
#include "present/terminal.h"

namespace rankdx {
namespace {

struct Options {
  SpecFlags spec;
  std::string launcher, output;
};

int run(const Options& o) {
  const auto launcher = launcher_from(o.launcher);
  const auto spec = spec_of(o.spec);
  if (!spec) return std::fprintf(stderr, "rankdx: %s\n", to_string(spec.error()).c_str()), kUsage;
  LaunchSpec debug = *spec, production = *spec;
  debug.profile = Profile::Debug;
  production.profile = Profile::Production;
  const auto from = generate(debug, *launcher), to = generate(production, *launcher);
  for (const auto* files : {&from, &to}) {
    if (!*files)
      return std::fprintf(stderr, "rankdx: %s\n", to_string(files->error()).c_str()), kUsage;
  }
  const auto changes =
      changes_between(normalised(debug, *launcher), normalised(production, *launcher), *launcher);
  const std::string diff = unified_diff(*from, *to, "debug/", "production/");
  std::string text;
  if (o.output == "json") {
    text = changes_json(changes, {}, diff);
  } else if (o.output == "diff") {
    text = diff;
  } else {
    text = "From debug to production:\n" + changes_text(changes, width_of_terminal(STDOUT_FILENO)) +
           "\n" + diff;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kHealthy;
}

}  // namespace

const std::string_view kLaunchDiffExamples =
    "  rankdx launch diff --for lws -f launch.toml            # each change with its reason, then "
    "the diff\n"
    "  rankdx launch diff --for lws -f launch.toml -o diff | patch -p1\n";

std::function<int()> make_launch_diff(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.choice("--for", o->launcher,
               {"lws", "runai", "kuberay", "docker", "compose", "slurm", "ssh"}, "launcher");
  declare(o->spec, flags);
  flags.choice("-o,--output", o->output, {"text", "diff", "json"}, "form of the answer");
  return [o] { return run(*o); };
}

}  // namespace rankdx
