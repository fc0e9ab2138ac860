// rankdx ras: asks NCCL's RAS port, or reads answers that somebody saved.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cluster/ras_client.h"
#include "input/input.h"
#include "present/check_report.h"

namespace rankdx {
namespace {

struct RasCommand {
  std::vector<std::string> addresses, from;
  std::string output, fail_on;
  std::optional<double> timeout, recheck;
};

constexpr size_t kMaxSaved = 64 << 20;

/// Answers saved in files, or inside logs.
Result<std::vector<RasReply>> saved_answers(const std::vector<std::string>& paths) {
  std::vector<RasReply> out;
  std::vector<LeftOut> left_out;
  for_each_input(
      paths,
      [&](InputItem item) {
        std::string text;
        std::vector<char> block(1 << 16);
        while (text.size() < kMaxSaved) {
          const auto got = item.bytes->read(block.data(), block.size());
          if (!got || *got == 0) break;
          text.append(block.data(), *got);
        }
        for (RasAnswer& a : find_ras_answers(text)) {
          RasReply r;
          r.asked = item.name;
          r.answer = std::move(a);
          out.push_back(std::move(r));
        }
      },
      left_out);
  for (const LeftOut& l : left_out)
    std::fprintf(stderr, "rankdx: %s\n", to_string(l.error).c_str());
  if (out.empty())
    return fail(ErrorCode::Unreadable, "no RAS answer in these files", paths.front(),
                "save one with: rankdx ras HOST, or ncclras -v");
  return out;
}

Result<std::vector<RasReply>> replies_of(const RasCommand& o) {
  if (!o.from.empty()) return saved_answers(o.from);
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
