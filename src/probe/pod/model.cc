// The model directory, through `model check`: as the server's user and with its variables.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "checkpoint/check_model.h"
#include "probe/model_path.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

/// Who the server runs as; this process where that cannot be read.
Identity identity_of(const PodContext& ctx) {
  Identity who = identity_of_this_process();
  const auto status = ctx.host.read(ctx.process_dir() + "status", 65536);
  if (!ctx.server || !status) return who;
  for (const std::string_view line : split(*status, '\n')) {
    // "Uid:", real, effective, saved and file system's; "Groups:" and numbers with blanks between.
    const auto cells = split(line, '\t');
    if (cells.size() > 2 && cells[0] == "Uid:") who.uid = parse_int<uint32_t>(cells[2]).value_or(0);
    if (cells.size() > 2 && cells[0] == "Gid:") who.gid = parse_int<uint32_t>(cells[2]).value_or(0);
    if (cells.size() < 2 || cells[0] != "Groups:") continue;
    who.groups.clear();
    for (const std::string_view group : split(cells[1], ' ')) {
      if (const auto id = parse_int<uint32_t>(group)) who.groups.push_back(*id);
    }
  }
  return who;
}

void take_over(CheckReport report, Checklist& out) {
  for (CheckResult& c : report.checks) {
    if (!c.id.starts_with("model-")) c.id = "model-" + c.id;
    out.add(std::move(c));
  }
  for (Finding& f : report.findings) {
    const bool known = std::any_of(out.findings().begin(), out.findings().end(),
                                   [&](const Finding& o) { return o.id == f.id; });
    if (!known) out.add(std::move(f));
  }
}

}  // namespace

void check_model_files(const PodContext& ctx, Checklist& out) {
  const std::string source = ctx.options.model.empty() ? "command of the server" : "--model";
  std::string model = ctx.options.model;
  if (model.empty() && ctx.server) model = model_of_command(split_words(ctx.server->command));
  if (model.empty()) {
    return out.unknown("model-files",
                       ctx.server ? "the server's command names no directory; give --model"
                                  : "no --model, and no server runs whose command names it",
                       source);
  }
  ModelCheckOptions options;
  options.model = ctx.host.is_this_machine() ? model : ctx.host.full(model);
  options.environment = Environment(ctx.environment);
  options.identity = identity_of(ctx);
  if (!ctx.host.is_this_machine()) options.passwd_file = ctx.host.full("/etc/passwd");
  auto report = check_model(options);
  if (!report) return out.unknown("model-files", report.error().text, source, model);
  const bool failed = report->verdict == CheckStatus::Failed;
  CheckResult whole{"model-files", report->verdict, model, "", source};
  if (failed || report->verdict == CheckStatus::Warning) whole.why = report->summary;
  out.add(std::move(whole));
  take_over(std::move(*report), out);
}

}  // namespace rankdx
