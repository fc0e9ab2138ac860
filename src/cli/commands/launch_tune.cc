// rankdx launch tune: the production launch out of a debug launch and what its logs showed.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/launch_files.h"
#include "launch/generate.h"
#include "launch/rewrite.h"
#include "launch/tune.h"
#include "launch/tune_in_place.h"
#include "present/safe_text.h"
#include "present/terminal.h"

namespace rankdx {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string from, fit, launcher, output, apply;
  bool anyway = false;
};

std::string base_name(const std::string& path) {
  return path == "-" ? "launch" : path.substr(path.rfind('/') + 1);
}

Result<LaunchFiles> read_files(const Options& o) {
  LaunchFiles files;
  for (const std::string& path : o.files) {
    files.push_back({base_name(path), RANKDX_TRY(read_text_file(path))});
  }
  if (files.empty()) return fail(ErrorCode::Usage, "no launch file was given");
  return files;
}

/// Files that `launch generate` made are made anew; others are changed where variables and flags
/// stand.
Result<TunedFiles> tuned_files(const Options& o, const LaunchFiles& files, const Seen& seen,
                               const SeenFit* fit) {
  const auto launcher = o.launcher.empty() ? launcher_of(files[0].text) : launcher_from(o.launcher);
  if (!o.launcher.empty() && !launcher)
    return fail(ErrorCode::Usage, "there is no such launcher", "--for");
  if (launcher) {
    if (const auto spec = read_back(files, *launcher)) {
      Tuned tuned = tune(*spec, *launcher, seen, fit);
      if (auto out = rewritten(files, *spec, tuned, *launcher)) {
        return TunedFiles{std::move(*out), std::move(tuned.changes), std::move(tuned.notes)};
      }
    }
  }
  return tune_in_place(files, seen, fit);
}

Result<int> print(const Options& o, const LaunchFiles& files, const Seen& seen,
                  const SeenFit* fit) {
  const TunedFiles tuned = RANKDX_TRY(tuned_files(o, files, seen, fit));
  const std::string diff = unified_diff(files, tuned.files, "a/", "b/");
  if (!o.apply.empty()) RANKDX_TRY(write_launch_files(tuned.files, o.apply, Existing::Keep));
  std::string text;
  if (o.output == "json") {
    text = changes_json(tuned.changes, tuned.notes, diff);
  } else if (o.output == "diff") {
    text = diff;
  } else {
    const int width = width_of_terminal(STDOUT_FILENO);
    text = std::to_string(tuned.changes.size()) + " changes for production:\n" +
           changes_text(tuned.changes, width);
    for (const std::string& note : tuned.notes) {
      text += wrapped("Note: " + safe_text(note), static_cast<size_t>(width), "      ") + "\n";
    }
    text += "\n" + diff;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kHealthy;
}

int refuse(const Error& error, int code) {
  std::fprintf(stderr, "rankdx: %s\n", to_string(error).c_str());
  return code;
}

Result<int> run(const Options& o) {
  const LaunchFiles files = RANKDX_TRY(read_files(o));
  const std::string diagnosis = RANKDX_TRY(read_text_file(o.from));
  const Seen seen = RANKDX_TRY(read_diagnosis(diagnosis, o.from));
  if ((seen.verdict == "failed" || seen.verdict == "undetermined") && !o.anyway) {
    return refuse(
        {ErrorCode::Usage, "the debug launch is " + seen.verdict + ": " + safe_text(seen.summary),
         o.from, "repair it first; --anyway tunes it all the same"},
        seen.verdict == "failed" ? kProblemFound : kUndetermined);
  }
  if (o.fit.empty()) return print(o, files, seen, nullptr);
  const std::string text = RANKDX_TRY(read_text_file(o.fit));
  const SeenFit fit = RANKDX_TRY(read_fit(text, o.fit));
  return print(o, files, seen, &fit);
}

}  // namespace

const std::string_view kLaunchTuneExamples =
    "  rankdx diagnose -o json logs/ > seen.json\n"
    "  rankdx launch tune vllm-lws.yaml --from seen.json                 # what to change, and "
    "why\n"
    "  rankdx launch tune vllm-lws.yaml --from seen.json --apply prod/   # writes "
    "prod/vllm-lws.yaml\n";

std::function<int()> make_launch_tune(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operands("FILE", o->files, "the debug launch; all files of it for docker and compose");
  flags.text("--from", o->from, "the diagnosis of its logs (rankdx diagnose -o json)");
  flags.text("--fit", o->fit, "what fits into the GPUs (rankdx model fit -o json)");
  flags.text("--for", o->launcher, "launcher, where the file does not tell");
  flags.choice("-o,--output", o->output, {"text", "diff", "json"}, "form of the answer");
  flags.text("--apply", o->apply, "directory to write the production launch to");
  flags.on("--anyway", o->anyway, "also when the diagnosis says that the debug launch failed");
  return [o] {
    const auto code = run(*o);
    return code ? *code : refuse(code.error(), kUsage);
  };
}

}  // namespace rankdx
