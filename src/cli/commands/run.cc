// rankdx run: a command under watch, with logs that survive it.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "job/read.h"
#include "live/run_launch.h"
#include "report/report.h"

namespace rankdx {
namespace {

constexpr int kCannotRun = 126, kNotFound = 127;

struct Options {
  std::vector<std::string> command;
  std::string profile, vllm, log_dir = "rankdx-logs";
  int64_t stuck_after_s = 0;
  bool quiet = false, plain_logs = false;
};

/// The answer of `rankdx diagnose` on the folder; its JSON form stays there.
std::string diagnosis_of(const std::string& folder) {
  const RulePack pack = builtin_rules();
  RuleMatcher matcher(pack);
  ReadOptions how;
  how.threads = static_cast<int>(std::thread::hardware_concurrency());
  ReadResult read = read_facts({folder}, matcher.gate(), how);
  if (read.facts.sources.empty()) return "rankdx: the command wrote no line to diagnose\n";
  const Job job = assemble(read.facts);
  const Report report{diagnose(read.facts, job, matcher), &job, std::move(read.left_out)};
  std::ofstream(folder + "/diagnosis.json") << render_json(report);
  if (report.diagnosis.verdict == Verdict::Healthy)
    return "rankdx: the logs name no cause; the last lines of the command are the best hint\n";
  TextOptions text;
  text.colour = colour_for(STDERR_FILENO);
  text.width = width_of_terminal(STDERR_FILENO);
  return "\n" + render_text(report, text) + "\n";
}

int run(const Options& o) {
  RunRequest request;
  request.command = o.command;
  if (!request.command.empty() && request.command.front() == "--")
    request.command.erase(request.command.begin());
  request.profile = profile_from(o.profile);
  request.vllm_version = o.vllm;
  request.log_dir = o.log_dir;
  if (o.quiet) request.show = RunRequest::Show::PhasesOnly;
  if (o.plain_logs) request.finished = RunRequest::Finished::KeepPlain;
  request.stuck_after_s = static_cast<double>(o.stuck_after_s);
  request.diagnose = diagnosis_of;
  const auto code = run_launch(request);
  if (code) return *code;
  std::fprintf(stderr, "rankdx: %s\n", to_string(code.error()).c_str());
  switch (code.error().code) {
    case ErrorCode::Empty:
      return kNotFound;
    case ErrorCode::Unsupported:
      return kCannotRun;
    default:
      return kUsage;
  }
}

}  // namespace

const std::string_view kRunExamples =
    "  rankdx run -- vllm serve /models/m --tensor-parallel-size 4\n"
    "  rankdx run --log-dir /logs -- torchrun --nproc-per-node 4 train.py\n"
    "  rankdx watch rankdx-logs/*   # from another terminal, or after rankdx itself was killed\n";

std::function<int()> make_run(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.choice("--profile", o->profile, {"debug", "production", "none"},
               "the settings that are given to the command beside its own");
  flags.text("--vllm", o->vllm, "release of vLLM, as 0.18.0; default: that beside the program");
  flags.text("--log-dir", o->log_dir, "where each run makes a folder for its logs");
  flags.on("-q,--quiet", o->quiet, "show phases only, not what the command prints");
  flags.on("--plain-logs", o->plain_logs, "do not compress the logs when the command has ended");
  flags.number("--stuck-after", o->stuck_after_s, 0, 1'000'000,
               "seconds of silence that count as a hang; 0: as long as the phase may take");
  flags.rest("COMMAND", o->command, "behind --: the command and its arguments");
  return [o] { return run(*o); };
}

}  // namespace rankdx
