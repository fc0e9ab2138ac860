// rankdx model check: is this model directory complete, intact, readable and able to start offline.
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>

#include "base/text.h"
#include "checkpoint/check_model.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "present/check_report.h"
#include "present/terminal.h"

namespace rankdx {
namespace {

struct Options {
  std::string model, revision = "main", vllm, output, fail_on, record;
  std::vector<std::string> groups, environment;
  std::optional<int64_t> uid, gid;
  int64_t threads = 0;
  bool offline = false, deep = false;
};

/// Set by Ctrl-C: files that are hashed already stay on record.
std::atomic<bool> g_stop{false};

int usage_error(const Error& error) {
  std::fprintf(stderr, "rankdx: %s\n", to_string(error).c_str());
  return kUsage;
}

/// Groups of the caller count only for the caller.
Result<Identity> identity_of(const Options& o) {
  Identity who = identity_of_this_process();
  if (!o.uid && !o.gid && o.groups.empty()) return who;
  if (o.uid) who.uid = static_cast<uint32_t>(*o.uid), who.gid = who.uid;
  if (o.gid) who.gid = static_cast<uint32_t>(*o.gid);
  who.groups.clear();
  for (const std::string& text : o.groups) {
    const auto group = parse_int<uint32_t>(trim(text));
    if (!group) return fail(ErrorCode::Usage, "is no group number: " + text, "--groups");
    who.groups.push_back(*group);
  }
  return who;
}

Result<Environment> environment_of(const Options& o) {
  Environment environment = Environment::of_this_process();
  for (const std::string& item : o.environment) {
    std::string_view value;
    const std::string_view name = take_until(item, '=', value);
    if (name.size() == item.size())
      return fail(ErrorCode::Usage, "has no '=': " + item, "--env", "NAME=VALUE");
    environment.set(std::string(name), std::string(value));
  }
  return environment;
}

/// $XDG_CACHE_HOME/rankdx/hashes.tsv; empty where it cannot be made.
std::string record_file() {
  const Environment environment = Environment::of_this_process();
  const std::string cache =
      environment.get_or("XDG_CACHE_HOME", path_join(home_of(environment), ".cache"));
  const std::string directory = path_join(cache, "rankdx");
  ::mkdir(cache.c_str(), 0755);
  ::mkdir(directory.c_str(), 0700);
  return ::access(directory.c_str(), W_OK) == 0 ? path_join(directory, "hashes.tsv") : "";
}

/// A bar on the terminal: how far, how fast, how long still.
class HashBar {
 public:
  void show(const HashProgress& p) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(p.done_bytes) / seconds : 0;
    const double share =
        p.total_bytes > 0 ? static_cast<double>(p.done_bytes) / static_cast<double>(p.total_bytes)
                          : 1;
    const auto full = static_cast<size_t>(share * 24);
    const double left =
        rate > 0 ? static_cast<double>(p.total_bytes - std::min(p.done_bytes, p.total_bytes)) / rate
                 : 0;
    std::fprintf(stderr,
                 "\r[%s%s] %3.0f %%  %.1f of %.1f GB  %.2f GB/s  %zu/%zu files  %.0f s left\x1b[K",
                 std::string(full, '#').c_str(), std::string(24 - full, '.').c_str(), share * 100,
                 static_cast<double>(p.done_bytes) / 1e9, static_cast<double>(p.total_bytes) / 1e9,
                 rate / 1e9, p.done_files, p.total_files, left);
    std::fflush(stderr);
    shown_ = true;
  }
  ~HashBar() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  bool shown_ = false;
};

void prepare_hashes(const Options& o, ModelCheckOptions& options, HashBar& bar) {
  options.hashes = Hashes::Verify;
  options.hash_run.threads = static_cast<size_t>(o.threads);
  options.hash_run.record_file = o.record == "none" ? ""
                                 : o.record.empty() ? record_file()
                                                    : o.record;
  options.hash_run.stop = &g_stop;
  if (::isatty(STDERR_FILENO) != 0)
    options.hash_run.progress = [&bar](const HashProgress& p) { bar.show(p); };
  struct sigaction action {};
  action.sa_handler = [](int) { g_stop = true; };
  action.sa_flags = SA_RESETHAND;  // a second Ctrl-C ends the program at once
  ::sigaction(SIGINT, &action, nullptr);
}

int run(const Options& o) {
  // Tens of thousands of small values: a heap that grows in large steps asks the kernel less.
  ::mallopt(M_TOP_PAD, 4 << 20);
  ModelCheckOptions options;
  options.model = o.model;
  options.revision = o.revision;
  if (!o.vllm.empty()) {
    const auto version = LoaderVersion::parse(o.vllm);
    if (!version)
      return usage_error(
          {ErrorCode::Usage, "is no version of vLLM: " + o.vllm, "--vllm", "as in 0.12.0"});
    options.version = *version;
  }
  const auto identity = identity_of(o);
  if (!identity) return usage_error(identity.error());
  options.identity = *identity;
  const auto environment = environment_of(o);
  if (!environment) return usage_error(environment.error());
  options.environment = *environment;
  options.network = o.offline ? NetworkUse::MustBeOffline : NetworkUse::Allowed;
  Result<CheckReport> report = CheckReport{};
  {
    HashBar bar;
    if (o.deep) prepare_hashes(o, options, bar);
    report = check_model(options);
  }
  if (!report) return usage_error(report.error());
  TextStyle style;
  style.colour = colour_for(STDOUT_FILENO);
  style.width = width_of_terminal(STDOUT_FILENO);
  const std::string text = render_check(*report, o.output, style);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (g_stop) return kUndetermined;
  const FailOn fail_on = o.fail_on == "warning" ? FailOn::Warning
                         : o.fail_on == "never" ? FailOn::Never
                                                : FailOn::Error;
  return exit_code_of(report->verdict, fail_on);
}

}  // namespace

const std::string_view kModelCheckExamples =
    "  rankdx model check /models/llama                        # as this user, newest vLLM\n"
    "  rankdx model check /models/llama --vllm 0.11.0 --uid 1000 --gid 2000\n"
    "  rankdx model check meta-llama/Llama-3.1-8B --offline    # through the Hugging Face cache\n"
    "  rankdx model check /models/llama --deep                 # hashes, as far as they are on "
    "record\n";

std::function<int()> make_model_check(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operand(
      "MODEL", o->model,
      "directory, .gguf file, or repository id (looked up in the cache, never downloaded)");
  flags.text("--vllm", o->vllm,
             "version that will load it, as 0.12.0; it decides which files count");
  flags.text("--revision", o->revision, "branch, tag or commit of a repository id");
  flags.number("--uid", o->uid, 0, UINT32_MAX,
               "check access for this user in place of the one who runs this");
  flags.number("--gid", o->gid, 0, UINT32_MAX,
               "and this group (default: the same number as --uid)");
  flags.list("--groups", o->groups, "and these supplementary groups: 1000,2000");
  flags.list("--env", o->environment,
             "NAME=VALUE of the process that will run vLLM, over those of this one");
  flags.on("--offline", o->offline,
           "the start must not need the network: what would use it is a problem");
  flags.on(
      "--deep", o->deep,
      "hash the files and compare with what the hub recorded; goes on where it was interrupted");
  flags.text("--record", o->record, "where --deep keeps finished hashes; none: nowhere");
  flags.number("--threads", o->threads, 0, 1024, "of --deep; 0: one per core");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown", "sarif"},
               "form of the answer");
  flags.choice("--fail-on", o->fail_on, {"error", "warning", "never"}, "what gives exit code 1");
  return [o] { return run(*o); };
}

}  // namespace rankdx
