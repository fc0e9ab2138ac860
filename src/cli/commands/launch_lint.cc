// rankdx launch lint: what is wrong with a command, manifest, script or environment, and its
// correction.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/result.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "launch/lint/lint.h"
#include "launch/lint/lint_text.h"
#include "present/check_report.h"
#include "present/terminal.h"

namespace rankdx {
namespace {

struct Options {
  std::string what, output, fail_on, vllm, nccl, network, purpose;
  bool fix = false, write = false;
};

int usage(const Error& e) {
  std::fprintf(stderr, "rankdx: %s\n", to_string(e).c_str());
  return kUsage;
}

Result<std::string> read_all(std::FILE* file, const std::string& name) {
  std::string text;
  char block[1 << 16];
  while (const size_t n = std::fread(block, 1, sizeof block, file)) {
    text.append(block, n);
    if (text.size() > lint::kMaxBytes) {
      return fail(ErrorCode::Usage, "more than 64 MiB are not read", name);
    }
  }
  if (std::ferror(file)) return fail(ErrorCode::Unreadable, "cannot be read", name);
  return text;
}

/// A file, standard input, or the command itself.
Result<lint::SourceText> source_of(const std::string& what) {
  if (what.empty()) return fail(ErrorCode::Usage, "give a file, - or a command in quotes");
  if (what == "-") return lint::SourceText("-", RANKDX_TRY(read_all(stdin, "-")));
  struct stat info {};
  if (::stat(what.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return fail(ErrorCode::Usage, "is a directory", what);
    std::FILE* file = std::fopen(what.c_str(), "rb");
    if (file == nullptr) return fail(ErrorCode::Unreadable, "cannot be opened", what);
    auto text = read_all(file, what);
    std::fclose(file);
    return lint::SourceText(what, RANKDX_TRY(std::move(text)));
  }
  if (what.find_first_of(" =\n") == std::string::npos) {
    return fail(ErrorCode::Unreadable, "there is no such file", what,
                "a command goes in quotes: rankdx launch lint 'vllm serve ...'");
  }
  return lint::SourceText("command", what);
}

Result<lint::LintOptions> options_of(const Options& o) {
  lint::LintOptions options;
  for (const auto& [text, version, name] : {std::tuple{&o.vllm, &options.vllm, "--vllm-version"},
                                            {&o.nccl, &options.nccl, "--nccl-version"}}) {
    if (text->empty()) continue;
    *version = parse_version(*text);
    if (!*version) return fail(ErrorCode::Usage, "\"" + *text + "\" is no version", name);
  }
  using lint::Network;
  options.network = o.network == "ethernet"     ? Network::Ethernet
                    : o.network == "roce"       ? Network::Roce
                    : o.network == "infiniband" ? Network::Infiniband
                    : o.network == "efa"        ? Network::Efa
                                                : Network::Unknown;
  if (o.purpose == "debug") options.purpose = lint::Purpose::Debug;
  if (o.purpose == "production") options.purpose = lint::Purpose::Production;
  return options;
}

/// Over the file in one step, with the same rights.
Result<bool> overwrite(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".rankdx-new";
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail(ErrorCode::Unreadable, "cannot be read", path);
  std::FILE* file = std::fopen(fresh.c_str(), "wbx");
  if (file == nullptr) return fail(ErrorCode::Unreadable, "cannot be written", fresh);
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  std::error_code error;
  if (whole && closed) {
    ::chmod(fresh.c_str(), info.st_mode & 07777);
    std::filesystem::rename(fresh, std::filesystem::canonical(path, error), error);
    if (!error) return true;
  }
  std::filesystem::remove(fresh, error);
  return fail(ErrorCode::Unreadable, "cannot be written", path);
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int judge(const Options& o, const lint::SourceText& source, const lint::LintOptions& options) {
  const CheckReport report = lint::lint_report(source, lint::lint(source, options));
  TextStyle style;
  style.colour = colour_for(STDOUT_FILENO);
  style.width = width_of_terminal(STDOUT_FILENO);
  print(o.output == "text" ? lint::lint_text(report, style)
                           : render_check(report, o.output, style));
  const FailOn fail_on = o.fail_on == "never"     ? FailOn::Never
                         : o.fail_on == "warning" ? FailOn::Warning
                                                  : FailOn::Error;
  return exit_code_of(report.verdict, fail_on);
}

int run(const Options& o) {
  const auto options = options_of(o);
  if (!options) return usage(options.error());
  const auto source = source_of(o.what);
  if (!source) return usage(source.error());
  if (o.write && !o.fix) return usage({ErrorCode::Usage, "belongs to --fix", "--write", ""});
  if (!o.fix) return judge(o, *source, *options);
  const std::string text = lint::fixed(*source, *options);
  if (!o.write) {
    print(text);
    if (source->name() == "command") print("\n");
    return kHealthy;
  }
  if (source->name() != o.what || o.what == "-") {
    return usage({ErrorCode::Usage, "needs a file", "--write", ""});
  }
  const auto written = text == source->bytes() ? Result<bool>(true) : overwrite(o.what, text);
  if (!written) return usage(written.error());
  return judge(o, lint::SourceText(source->name(), text), *options);
}

}  // namespace

const std::string_view kLaunchLintExamples =
    "  rankdx launch lint lws.yaml                              # a manifest; also compose, "
    "sbatch, scripts\n"
    "  rankdx launch lint 'runai inference distributed submit ...'\n"
    "  helm template . | rankdx launch lint -                   # what Helm makes of a chart\n"
    "  tr '\\0' '\\n' < /proc/1/environ | rankdx launch lint -    # the environment of a process\n"
    "  rankdx launch lint launch.sh --fix > fixed.sh            # the corrected text\n"
    "  rankdx launch lint lws.yaml -o sarif > lint.sarif        # for code review\n";

std::function<int()> make_launch_lint(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operand("FILE|-|COMMAND", o->what, "a file, - for standard input, or a command in quotes");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown", "sarif"},
               "form of the answer");
  flags.choice("--fail-on", o->fail_on, {"error", "warning", "never"}, "what gives exit code 1");
  flags.on("--fix", o->fix, "print the corrected text instead");
  flags.on("--write", o->write, "with --fix: write it over the file, and judge the result");
  flags.text("--vllm-version", o->vllm, "instead of the version in the image's tag: 0.11.0");
  flags.text("--nccl-version", o->nccl, "for variables that not all releases read: 2.27.5");
  flags.choice("--network", o->network, {"unknown", "ethernet", "roce", "infiniband", "efa"},
               "what connects the nodes");
  flags.choice("--purpose", o->purpose, {"marked", "production", "debug"},
               "debug: settings for debugging are in place; marked: as 'launch generate' noted in "
               "the text, else production");
  return [o] { return run(*o); };
}

}  // namespace rankdx
