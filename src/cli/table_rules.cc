#include "cli/table_rules.h"

#include <fmt/format.h>

#include "base/text.h"
#include "checkpoint/problems.h"
#include "launch/lint/rule_table.h"

namespace rankdx {
namespace {

/// A text between quotes, as TOML wants it.
std::string quoted(std::string_view text) {
  return '"' + replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\"") + '"';
}

std::string_view role_of(Severity severity) {
  return to_string(severity == Severity::Error     ? Role::RootCause
                   : severity == Severity::Warning ? Role::Contributing
                                                   : Role::Note);
}

struct Words {
  std::string_view id, title, cause, fix, command;
  Severity severity;
  Confidence confidence;
  Layer layer;
};

/// A rule as people write it. `check` also tells its form from another rule of the same finding.
std::string rule_text(const Words& w, std::string_view check, bool is_known) {
  std::string out = fmt::format(
      "[[rule]]\nid = {}\ntitle = {}\nseverity = \"{}\"\nrole = \"{}\"\nconfidence = \"{}\"\n"
      "layer = \"{}\"\ncause = {}\nsource = [\"rankdx {}\"]\n",
      quoted(w.id), quoted(w.title), to_string(w.severity), role_of(w.severity),
      to_string(w.confidence), to_string(w.layer), quoted(w.cause.empty() ? w.title : w.cause),
      check);
  if (is_known) out += fmt::format("variant = \"{}\"\n", check);
  if (!w.fix.empty()) {
    out += fmt::format("fix = [{{ for = \"any\", text = {}, command = {} }}]\n", quoted(w.fix),
                       quoted(w.command));
  }
  return out;
}

bool knows(const RulePack& pack, std::string_view id) { return pack.definition(id) != nullptr; }

}  // namespace

Result<RulePack> with_table_rules(RulePack pack) {
  std::string models, launches;
  for (const ProblemText& p : problem_texts()) {
    models +=
        rule_text({p.id, p.title, p.cause, p.fix, p.command, p.severity, p.confidence, p.layer},
                  "model check", knows(pack, p.id));
  }
  pack.add(RANKDX_TRY(RulePack::parse_toml(models, "src/checkpoint/problem_texts.cc")));
  for (const lint::RuleWords& w : lint::rule_table()) {
    launches +=
        rule_text({w.id, w.title, w.why, w.fix, "", w.severity, Confidence::Certain, w.layer},
                  "launch lint", knows(pack, w.id));
  }
  pack.add(RANKDX_TRY(RulePack::parse_toml(launches, "src/launch/lint/rule_table.cc")));
  return pack;
}

}  // namespace rankdx
