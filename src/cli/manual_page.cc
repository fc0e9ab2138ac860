// The manual page, in the man macros of roff.
#include "base/text.h"
#include "cli/recorded_flags.h"

namespace rankdx {
namespace {

/// Text that roff shows as it is: backslashes and dashes escaped, no line that begins as a request.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else {
      if (c == '-') out += '\\';
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

std::string sentence(std::string_view help) {
  std::string text(trim(help));
  if (!text.empty() && text.back() != '.') text += '.';
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string flag_entry(const RecordedFlag& f) {
  std::string names;
  for (const std::string& n : f.names)
    names += (names.empty() ? "" : ", ") + std::string("\\fB") + roff(n) + "\\fR";
  if (!f.value.empty())
    names += " \\fI" + roff(f.choices.empty() ? f.value : join(f.choices, "|")) + "\\fR";
  return ".TP\n" + names + "\n" + roff(sentence(f.help)) + "\n";
}

std::string operand_words(const RecordedCommand& c) {
  std::string out;
  for (const RecordedFlag& f : c.flags) {
    if (!f.operand()) continue;
    out += " [\\fI" + roff(f.names[0]) + "\\fR]" +
           (f.kind == RecordedFlag::Kind::Operand ? "" : "...");
  }
  return out;
}

std::string command_section(const RecordedCommand& c) {
  std::string out = ".SS \"rankdx " + std::string(c.command->name) + "\"\n" +
                    roff(sentence(c.command->summary)) + "\n.PP\n\\fBrankdx " +
                    roff(c.command->name) + "\\fR [\\fIflags\\fR]" + operand_words(c) + "\n";
  for (const RecordedFlag& f : c.flags) out += flag_entry(f);
  if (!c.command->examples.empty()) out += ".PP\n.nf\n" + roff(c.command->examples) + ".fi\n";
  return out;
}

}  // namespace

std::string manual_page(const std::vector<RecordedCommand>& commands, std::string_view version) {
  std::string out = ".TH RANKDX 1 \"\" \"rankdx " + std::string(version) + "\" \"User Commands\"\n";
  out +=
      ".SH NAME\nrankdx \\- find what is wrong with a distributed vLLM launch\n"
      ".SH SYNOPSIS\n\\fBrankdx\\fR \\fIcommand\\fR [\\fIflags\\fR] [\\fIoperands\\fR]\n.br\n"
      "\\fBrankdx\\fR \\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR\n"
      ".SH DESCRIPTION\n"
      "rankdx (rank diagnosis) reads the logs of a launch over several GPUs or hosts and names "
      "what failed, where, the "
      "lines that prove it, and what to do.\n"
      "Each command has \\fB\\-\\-help\\fR.\n"
      ".SH COMMANDS\n";
  for (const RecordedCommand& c : commands) out += command_section(c);
  out +=
      ".SH EXIT STATUS\n"
      ".TP\n0\nHealthy.\n.TP\n1\nA problem was found.\n.TP\n2\nWrong usage, or input that cannot "
      "be read.\n"
      ".TP\n3\nUndetermined: more input is needed.\n"
      ".SH ENVIRONMENT\n.TP\nNO_COLOR\nNo colour on terminals when set.\n";
  return out;
}

}  // namespace rankdx
