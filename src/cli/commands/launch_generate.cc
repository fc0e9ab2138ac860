// rankdx launch generate: one description to the files of a launcher.
#include <cstdio>
#include <memory>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/launch_files.h"
#include "launch/generate.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

struct Options {
  SpecFlags spec;
  std::string launcher, output = "-";
  bool force = false;
};

int refuse(const Error& error) {
  std::fprintf(stderr, "rankdx: %s\n", to_string(error).c_str());
  return kUsage;
}

int run(const Options& o) {
  const auto launcher = launcher_from(o.launcher);
  const auto spec = spec_of(o.spec);
  if (!spec) return refuse(spec.error());
  const auto files = generate(*spec, *launcher);
  if (!files) return refuse(files.error());
  const auto unused = unused_fields(*spec, *launcher);
  if (!unused.empty()) {
    std::fprintf(stderr, "rankdx: %s has no place for: %s\n", o.launcher.c_str(),
                 join(unused, ", ").c_str());
  }
  for (const std::string& advice : advice_for(normalised(*spec, *launcher), *launcher)) {
    std::fprintf(stderr, "rankdx: note: %s\n", safe_text(advice).c_str());
  }
  if (o.output == "-") {
    const std::string text = in_a_row(*files);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kHealthy;
  }
  const auto written =
      write_launch_files(*files, o.output, o.force ? Existing::Replace : Existing::Keep);
  if (!written) return refuse(written.error());
  const std::string directory = o.output.substr(0, o.output.find_last_not_of('/') + 1);
  for (const LaunchFile& file : *files)
    std::printf("%s/%s\n", directory.c_str(), file.name.c_str());
  return kHealthy;
}

}  // namespace

const std::string_view kLaunchGenerateExamples =
    "  rankdx launch generate --for lws -f launch.toml -o deploy/\n"
    "  rankdx launch generate --for runai --model org/m --image vllm/vllm-openai:v0.20.0 --nodes 2 "
    "--gpus 8 --tp 8 --pp 2\n"
    "  rankdx launch generate --for slurm -f launch.toml --profile debug | sbatch\n";

std::function<int()> make_launch_generate(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.choice("--for", o->launcher,
               {"lws", "runai", "kuberay", "docker", "compose", "slurm", "ssh"}, "launcher");
  declare(o->spec, flags);
  flags.text("--profile", o->spec.profile, "debug or production");
  flags.text("-o,--output", o->output, "directory to write to, or - for standard output");
  flags.on("--force", o->force, "replace files that are there");
  return [o] { return run(*o); };
}

}  // namespace rankdx
