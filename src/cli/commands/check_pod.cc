// rankdx check pod|host: what one container or node can say about itself.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "present/check_report.h"
#include "present/terminal.h"
#include "probe/pod/pod.h"

namespace rankdx {
namespace {

struct Options {
  PodOptions pod;
  std::string root, output, fail_on;
  std::vector<std::string> ports;
};

int usage(const std::string& text) {
  std::fprintf(stderr, "rankdx: %s\n", text.c_str());
  return kUsage;
}

int run(Options& o) {
  for (const std::string& text : o.ports) {
    const auto port = parse_int<uint16_t>(text);
    if (!port || *port == 0) return usage("--ports: \"" + text + "\" is no port");
    o.pod.ports.push_back(*port);
  }
  const auto topics = pod_topics();
  for (const std::string& word : o.pod.only) {
    if (std::find(topics.begin(), topics.end(), word) == topics.end())
      return usage("--only: there is no topic \"" + word + "\"; there are " + join(topics, ", "));
  }
  const HostView host(o.root.empty() ? "/" : o.root);
  if (!host.exists("/")) return usage("--root: " + o.root + " cannot be read");
  o.pod.environment = own_environment();
  const CheckReport report = check_pod(host, o.pod);
  TextStyle style;
  style.colour = colour_for(STDOUT_FILENO);
  style.width = width_of_terminal(STDOUT_FILENO);
  const std::string text = render_check(report, o.output, style);
  std::fwrite(text.data(), 1, text.size(), stdout);
  const FailOn fail_on = o.fail_on == "never"     ? FailOn::Never
                         : o.fail_on == "warning" ? FailOn::Warning
                                                  : FailOn::Error;
  return exit_code_of(report.verdict, fail_on);
}

std::function<int()> make(Flags& flags, Scope scope) {
  auto o = std::make_shared<Options>();
  o->pod.scope = scope;
  flags.choice("-o,--output", o->output, {"text", "json", "markdown", "sarif"},
               "form of the answer");
  flags.choice("--fail-on", o->fail_on, {"error", "warning", "never"}, "what gives exit code 1");
  flags.number("--gpus", o->pod.expected_gpus, 0, 64, "how many GPUs must be visible");
  flags.number("--pid", o->pod.server_pid, 1, 1 << 22,
               "process whose environment and limits count; found by itself");
  flags.text("--model", o->pod.model,
             "model directory to check as `model check` does; default: that of the running server");
  flags.list("--ports", o->ports, "ports that must be free");
  flags.list("--only", o->pod.only, "these topics only, as gpus,shm,interfaces");
  flags.list("--cache-dir", o->pod.cache_dirs, "further directories that must be writable");
  flags.decimal("--now", o->pod.caller_time_s, "the caller's clock (date +%s.%N), to compare with");
  flags.text("--root", o->root, "read /proc, /sys, /dev and /etc below this directory");
  flags.text("--nvml", o->pod.nvml_library, "NVIDIA's management library, where not in its place");
  return [o] { return run(*o); };
}

}  // namespace

const std::string_view kCheckPodExamples =
    "  rankdx check pod --gpus 8                    # in the container, before or during a launch\n"
    "  kubectl exec vllm-0 -- rankdx check pod -o json --now $(date +%s.%N)\n";
const std::string_view kCheckHostExamples =
    "  rankdx check host                            # on the node, as root: ACS and Xid too\n"
    "  rankdx check host --root /host               # in a privileged pod with the node's root\n";

std::function<int()> make_check_pod(Flags& flags) { return make(flags, Scope::Pod); }
std::function<int()> make_check_host(Flags& flags) { return make(flags, Scope::Host); }

}  // namespace rankdx
