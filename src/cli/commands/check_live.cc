// rankdx check live: what the processes of a running launch do, seen from their host.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "present/check_report.h"
#include "present/terminal.h"
#include "probe/live/live.h"

namespace rankdx {
namespace {

struct Options {
  std::string model, output, fail_on;
  int64_t seconds = 3, port = 8000;
};

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Bytes of the weight files, what a host reads in all.
uint64_t weight_bytes(const HostView& host, const std::string& directory) {
  uint64_t total = 0;
  const auto names = directory.empty() ? Result<std::vector<std::string>>() : host.list(directory);
  for (const std::string& name : names.value_or(std::vector<std::string>{})) {
    if (!name.ends_with(".safetensors")) continue;
    total += host.file_bytes(directory + "/" + name).value_or(0);
  }
  return total;
}

int run(const Options& o) {
  const HostView host;
  const auto port = static_cast<uint16_t>(o.port);
  const LiveSample before = sample_launch(host, port, now_s());
  if (!before.processes.empty()) std::this_thread::sleep_for(std::chrono::seconds(o.seconds));
  const LiveSample after = sample_launch(host, port, now_s());
  const LiveVerdict verdict = judge_launch(before, after, weight_bytes(host, o.model));
  TextStyle style;
  style.colour = colour_for(STDOUT_FILENO);
  style.width = width_of_terminal(STDOUT_FILENO);
  const std::string text = render_check(verdict.report, o.output, style);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_code_of(verdict.report.verdict, o.fail_on == "never" ? FailOn::Never : FailOn::Error);
}

}  // namespace

const std::string_view kCheckLiveExamples =
    "  rankdx check live                            # two looks at /proc, three seconds apart\n"
    "  rankdx check live --model /models/m          # while loading: the time that is left\n";

std::function<int()> make_check_live(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.number("--seconds", o->seconds, 1, 60, "between the two looks");
  flags.number("--port", o->port, 1, 65535, "where the API server listens when it serves");
  flags.text("--model", o->model, "model directory, for the time that loading still takes");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown", "sarif"},
               "form of the answer");
  flags.choice("--fail-on", o->fail_on, {"error", "never"}, "what gives exit code 1");
  return [o] { return run(*o); };
}

}  // namespace rankdx
