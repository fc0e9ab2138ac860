// rankdx explain: what a finding, a variable, a subsystem or a log line means.
#include "explain/explain.h"

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/table_rules.h"
#include "explain/finding_pages.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

constexpr size_t kMaxPasted = 1 << 20;

struct Options {
  std::vector<std::string> words;
  std::string output, list, pages, rules;
  bool words_only = false;
};

int usage_error(const Error& e) {
  return std::fprintf(stderr, "rankdx: %s\n", to_string(e).c_str()), kUsage;
}

int print(const Page& page, const std::string& output) {
  const std::string text =
      output == "json" ? page_as_json(page)
      : output == "markdown"
          ? page_as_markdown(page)
          : page_as_text(page, width_of_terminal(STDOUT_FILENO), colour_for(STDOUT_FILENO));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kHealthy;
}

Result<std::string> pasted() {
  std::string text(kMaxPasted, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  if (std::ferror(stdin)) return fail(ErrorCode::Unreadable, "cannot read standard input");
  if (trim(text).empty())
    return fail(ErrorCode::Usage, "standard input is empty", "-", "pipe a log line in");
  return text;
}

int write_pages(const std::string& directory, const RulePack& rules) {
  const auto pages = write_finding_pages(directory, rules);
  if (!pages) return usage_error(pages.error());
  std::printf("%zu pages in %s\n", *pages, directory.c_str());
  return kHealthy;
}

int print_words(const RulePack& rules) {
  for (std::string_view word : explained_words(rules))
    std::printf("%.*s\n", static_cast<int>(word.size()), word.data());
  return kHealthy;
}

Result<RulePack> rules_of(const Options& o) {
  RulePack pack = RANKDX_TRY(with_table_rules(builtin_rules()));
  if (!o.rules.empty()) pack.add(RANKDX_TRY(RulePack::load(o.rules)));
  return pack;
}

int run(const Options& o) {
  const auto rules = rules_of(o);
  if (!rules) return usage_error(rules.error());
  if (!o.pages.empty()) return write_pages(o.pages, *rules);
  if (o.words_only) return print_words(*rules);
  if (!o.list.empty()) {
    const auto page = explain_list(o.list, *rules);
    return page ? print(*page, o.output)
                : usage_error({ErrorCode::Usage, "there is no list of " + safe_text(o.list),
                               "--list", "findings, variables or subsystems"});
  }
  if (o.words == std::vector<std::string>{"-"}) {
    const auto text = pasted();
    return text ? print(explain_log(*text, *rules), o.output) : usage_error(text.error());
  }
  const auto page = explain(join(o.words, " "), *rules);
  return page ? print(*page, o.output) : usage_error(page.error());
}

}  // namespace

const std::string_view kExplainExamples =
    "  rankdx explain shm-too-small                 # a finding\n"
    "  rankdx explain NCCL_IB_DISABLE=1             # an NCCL variable and its value\n"
    "  rankdx explain VLLM_HOST_IP                  # a vLLM variable; also a flag: "
    "tensor-parallel-size\n"
    "  rankdx explain GRAPH                         # a subsystem of NCCL_DEBUG_SUBSYS\n"
    "  kubectl logs vllm-0 | tail -1 | rankdx explain -\n";

std::function<int()> make_explain(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operands(
      "WHAT", o->words,
      "finding, variable, flag, subsystem or a pasted log line; - reads lines from standard input");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown"}, "form of the answer");
  flags.text("--list", o->list, "all there is: findings, variables (of NCCL) or subsystems");
  flags.on("--words", o->words_only,
           "every word that can be explained, one a line (for completion)");
  flags.text("--rules", o->rules, "a directory or file of more rules (TOML)");
  flags.text("--pages", o->pages, "write a Markdown page per finding into this directory");
  return [o] { return run(*o); };
}

}  // namespace rankdx
