// rankdx check mesh: the ways between the hosts of a launch.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "present/check_report.h"
#include "present/terminal.h"
#include "probe/checklist.h"
#include "probe/mesh/gather.h"
#include "probe/mesh/judge.h"
#include "probe/mesh/render.h"

namespace rankdx {
namespace {

struct Options {
  MeshRequest request;
  std::string token_file, output, fail_on;
  std::vector<std::string> ports;
};

int usage(const Error& error) {
  std::fprintf(stderr, "rankdx: %s\n", to_string(error).c_str());
  return kUsage;
}

/// Never a flag: the command line is visible to everybody on the machine.
Result<std::string> token_of(const Options& o, const HostView& host) {
  if (o.token_file == "-") {
    // One line, as a program that starts us inside a container cannot always end our input.
    char line[4096];
    if (std::fgets(line, sizeof line, stdin) == nullptr)
      return fail(ErrorCode::Unreadable, "standard input holds no token", "--token-file -");
    return std::string(trim(line));
  }
  if (!o.token_file.empty()) return std::string(trim(RANKDX_TRY(host.read(o.token_file, 4096))));
  const char* value = std::getenv("RANKDX_MESH_TOKEN");
  return std::string(value == nullptr ? "" : value);
}

/// A member that saw no result still says what it knows: why, and who holds the port on its own
/// machine.
MeshVerdict without_result(const MeshSetup& setup, const std::string& error) {
  Checklist list;
  const auto& at = setup.options.peers.front();
  for (const PortTaken& p : setup.own.ports_taken) {
    list.failed("mesh-ports", std::to_string(p.port) + ": " + p.holder, "/proc/net/tcp",
                {"port-in-use",
                 Layer::Network,
                 "Port " + std::to_string(p.port) + " is taken here",
                 p.holder + " holds it.",
                 {{"any", "Give the mesh another port", ""}}});
  }
  list.failed(
      "mesh-members", error, "mesh",
      {"rendezvous-unreachable",
       Layer::Rendezvous,
       "This member saw no result: " + error,
       "It could not work with " + at.listed + ", or that member ended.",
       {{"any", "Look at the output of the other members; check address, port and token", ""}}});
  return {list.take("this member"), ""};
}

int run(Options& o) {
  const HostView host;
  for (const std::string& text : o.ports) {
    const auto port = parse_int<uint16_t>(text);
    if (!port || *port == 0)
      return usage({ErrorCode::Usage, "\"" + text + "\" is no port", "--ports", ""});
    o.request.ports.push_back(*port);
  }
  const auto token = token_of(o, host);
  if (!token) return usage(token.error());
  o.request.token = *token;
  const auto setup = prepare_mesh(host, own_environment(), o.request);
  if (!setup) return usage(setup.error());
  const MeshOutcome outcome = run_mesh(setup->options, setup->own);
  const MeshData data = outcome.data.value_or(MeshData{});
  const MeshVerdict verdict =
      outcome.data ? judge_mesh(data) : without_result(*setup, outcome.error);
  TextStyle style;
  style.colour = colour_for(STDOUT_FILENO);
  style.width = width_of_terminal(STDOUT_FILENO);
  const std::string text = outcome.data ? render_mesh(data, verdict, o.output, style)
                                        : render_check(verdict.report, o.output, style);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_code_of(verdict.report.verdict, o.fail_on == "never"     ? FailOn::Never
                                              : o.fail_on == "warning" ? FailOn::Warning
                                                                       : FailOn::Error);
}

}  // namespace

const std::string_view kCheckMeshExamples =
    "  rankdx check mesh --peers 10.0.0.4,10.0.0.5,10.0.0.6 --token-file /etc/mesh-token\n"
    "                                               # the same on every host of the list\n"
    "  rankdx check mesh --rendezvous vllm-0.vllm:29599 --size 4   # token in RANKDX_MESH_TOKEN\n";

std::function<int()> make_check_mesh(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.list("--peers", o->request.peers, "all members, in the same order everywhere");
  flags.text("--rendezvous", o->request.rendezvous,
             "HOST:PORT of the member that leads, instead of a list");
  flags.number("--size", o->request.size, 0, 512, "members in all, with --rendezvous");
  flags.text("--self", o->request.self, "own entry of the list, where it is not found");
  flags.text("--name", o->request.name, "own name in the result");
  flags.text("--token-file", o->token_file,
             "file with the shared token, - for a line of standard input; else\n"
             "RANKDX_MESH_TOKEN");
  flags.number("--port", o->request.port, 1, 65535, "where members of a list meet");
  flags.number("--wait", o->request.wait_s, 1, 3600, "seconds to wait for the others");
  flags.list("--ports", o->ports, "ports that a launch needs on every member");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown", "sarif"},
               "form of the answer");
  flags.choice("--fail-on", o->fail_on, {"error", "warning", "never"}, "what gives exit code 1");
  return [o] { return run(*o); };
}

}  // namespace rankdx
