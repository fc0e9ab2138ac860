// rankdx check live: hung, slow, loading or serving; from the processes of this host, NCCL's RAS
// ports and the logs.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "live/live_look.h"
#include "present/check_report.h"
#include "present/terminal.h"

namespace rankdx {
namespace {

struct Options {
  LiveLook look;
  std::string output, fail_on;
  int64_t seconds = 3, port = 8000;
  bool no_ras = false;
};

int run(Options& o) {
  o.look.api_port = static_cast<uint16_t>(o.port);
  o.look.seconds = static_cast<int>(o.seconds);
  o.look.ask_ras = !o.no_ras;
  RuleMatcher rules(builtin_rules());
  const auto seen = look_at_launch(HostView(), o.look, rules);
  if (!seen) return std::fprintf(stderr, "rankdx: %s\n", to_string(seen.error()).c_str()), kUsage;
  const LiveAnswer answer = join_live(*seen);
  TextStyle style;
  style.colour = colour_for(STDOUT_FILENO);
  style.width = width_of_terminal(STDOUT_FILENO);
  const std::string text = render_check(answer.report, o.output, style);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_code_of(answer.report.verdict, o.fail_on == "never"     ? FailOn::Never
                                             : o.fail_on == "warning" ? FailOn::Warning
                                                                      : FailOn::Error);
}

}  // namespace

const std::string_view kCheckLiveExamples =
    "  rankdx check live                            # two looks, three seconds apart\n"
    "  rankdx check live --logs logs/ --ras gpu-worker-01,gpu-worker-02\n"
    "  rankdx check live --model /models/m          # while loading: the time that is left\n";

std::function<int()> make_check_live(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.number("--seconds", o->seconds, 1, 60, "between the two looks");
  flags.number("--port", o->port, 1, 65535, "where the API server listens when it serves");
  flags.text("--model", o->look.model,
             "model directory, for the time that loading still takes; default: the server's");
  flags.list("--logs", o->look.logs,
             "log files and directories; default: the files that the processes write to");
  flags.list("--ras", o->look.ras,
             "HOST[:PORT] of NCCL's RAS service on several hosts; default: this host's");
  flags.on("--no-ras", o->no_ras, "do not ask the RAS port");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown", "sarif"},
               "form of the answer");
  flags.choice("--fail-on", o->fail_on, {"error", "warning", "never"}, "what gives exit code 1");
  return [o] { return run(*o); };
}

}  // namespace rankdx
