// rankdx ras: asks NCCL's RAS port, or reads answers that somebody saved.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/ras_answers.h"
#include "present/check_report.h"

namespace rankdx {
namespace {

struct RasCommand {
  std::vector<std::string> addresses, from;
  std::string output, fail_on;
  std::optional<double> timeout, recheck;
};

Result<std::vector<RasReply>> replies_of(const RasCommand& o) {
  if (!o.from.empty()) return saved_ras_answers(o.from);
  std::vector<RasAddress> addresses;
  for (const std::string& text : o.addresses)
    addresses.push_back(RANKDX_TRY(parse_ras_address(text)));
  if (addresses.empty()) addresses.push_back({});
  RasOptions options;
  options.total = std::chrono::milliseconds(static_cast<int64_t>(o.timeout.value_or(30) * 1000));
  options.recheck = std::chrono::milliseconds(static_cast<int64_t>(o.recheck.value_or(2) * 1000));
  return ask_ras(addresses, options);
}

int run(const RasCommand& o) {
  const auto replies = replies_of(o);
  if (!replies)
    return std::fprintf(stderr, "rankdx: %s\n", to_string(replies.error()).c_str()), kUsage;
  const CheckReport report = judge_ras(*replies);
  TextStyle style;
  style.colour = colour_for(STDOUT_FILENO);
  style.width = width_of_terminal(STDOUT_FILENO);
  const std::string text = render_check(report, o.output, style);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_code_of(report.verdict, o.fail_on == "never"     ? FailOn::Never
                                      : o.fail_on == "warning" ? FailOn::Warning
                                                               : FailOn::Error);
}

}  // namespace

const std::string_view kRasExamples =
    "  rankdx ras                                   # this host, or inside a pod\n"
    "  rankdx ras gpu-worker-01 gpu-worker-02:28028 # several nodes: what they say of each other\n"
    "  rankdx ras --from saved.txt -o json          # an answer saved earlier, also inside a log\n";

std::function<int()> make_ras(Flags& flags) {
  auto o = std::make_shared<RasCommand>();
  flags.operands("HOST[:PORT]", o->addresses,
                 "where NCCL's RAS service listens; default localhost:28028");
  flags.list("--from", o->from, "files with saved answers, text or JSON, instead of asking");
  flags.decimal("--timeout", o->timeout,
                "seconds for one address, everything together (default 30)");
  flags.decimal("--recheck", o->recheck,
                "seconds until the second look when somebody is missing (default 2; 0: none)");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown", "sarif"},
               "form of the answer");
  flags.choice("--fail-on", o->fail_on, {"error", "warning", "never"}, "what gives exit code 1");
  return [o] { return run(*o); };
}

}  // namespace rankdx
