// Completion for shells: commands, subcommands, flags, words of a flag, else files. What changes
// with the rules (finding ids) is asked of the binary when the user presses the key.
#include <map>

#include "base/text.h"
#include "cli/recorded_flags.h"

namespace rankdx {
namespace {

/// In single quotes of a POSIX shell.
std::string quoted(std::string_view text) { return "'" + replace_all(text, "'", "'\\''") + "'"; }

/// First words of the table: commands and groups, each once, with their summary.
std::vector<std::pair<std::string, std::string>> first_words(
    const std::vector<RecordedCommand>& commands) {
  std::vector<std::pair<std::string, std::string>> words;
  std::string last_group;
  for (const RecordedCommand& c : commands) {
    std::string_view second;
    const std::string first(take_until(c.command->name, ' ', second));
    if (second.empty()) {
      words.emplace_back(first, c.command->summary);
      continue;
    }
    if (first == last_group) continue;
    last_group = first;
    for (const CommandGroup& g : command_groups()) {
      if (g.name == first) words.emplace_back(first, g.summary);
    }
  }
  return words;
}

/// Group to its second words: "model" to {"check", "fit"}.
std::map<std::string, std::vector<std::pair<std::string, std::string>>> second_words(
    const std::vector<RecordedCommand>& commands) {
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> out;
  for (const RecordedCommand& c : commands) {
    std::string_view second;
    const std::string_view first = take_until(c.command->name, ' ', second);
    if (!second.empty()) out[std::string(first)].emplace_back(second, c.command->summary);
  }
  return out;
}

std::string names_of(const std::vector<std::pair<std::string, std::string>>& words) {
  std::string out;
  for (const auto& [word, help] : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string flag_names(const RecordedCommand& c) {
  std::string out = "--help";
  for (const RecordedFlag& f : c.flags) {
    if (!f.operand()) out += " " + join(f.names, " ");
  }
  return out;
}

/// The lines of a bash case: words behind a flag, flags of a command.
std::string bash_cases(const std::vector<RecordedCommand>& commands) {
  std::string out;
  for (const RecordedCommand& c : commands) {
    out += "    " + quoted(c.command->name) + ")\n      case \"$previous\" in\n";
    for (const RecordedFlag& f : c.flags) {
      if (f.choices.empty()) continue;
      out += "        " + join(f.names, "|") + ") words=" + quoted(join(f.choices, " ")) + " ;;\n";
    }
    out += "        *) flags=" + quoted(flag_names(c)) + " ;;\n      esac ;;\n";
  }
  return out;
}

std::string bash(const std::vector<RecordedCommand>& commands) {
  std::string groups;
  for (const auto& [group, words] : second_words(commands)) {
    groups +=
        "    " + group +
        ") command=\"$command ${COMP_WORDS[2]-}\"\n      if ((COMP_CWORD == 2)); then words=" +
        quoted(names_of(words)) + "; fi ;;\n";
  }
  return "# bash completion of rankdx: source <(rankdx completion bash)\n"
         "_rankdx() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
         "command=${COMP_WORDS[1]-}\n"
         "  local words='' flags=''\n"
         "  COMPREPLY=()\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    COMPREPLY=($(compgen -W " +
         quoted(names_of(first_words(commands)) + " --help --version") +
         " -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case \"$command\" in\n" +
         groups +
         "    *) ;;\n"
         "  esac\n"
         "  if [[ -z $words ]]; then\n"
         "  case \"$command\" in\n" +
         bash_cases(commands) +
         "  esac\n"
         "  fi\n"
         "  if [[ -n $words ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  elif [[ $current == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$flags\" -- \"$current\"))\n"
         "  elif [[ $command == explain && $previous != -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$(rankdx explain --words 2>/dev/null)\" -- \"$current\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _rankdx rankdx\n";
}

/// Brackets and colons mean something in the specifications of _arguments and _describe.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_describe(std::string_view what,
                         const std::vector<std::pair<std::string, std::string>>& words) {
  std::string out = "_values " + quoted(what);
  for (const auto& [word, help] : words) out += " " + quoted(word + "[" + zsh_text(help) + "]");
  return out;
}

std::string zsh_arguments(const RecordedCommand& c) {
  std::string out = "_arguments '--help[help]'";
  for (const RecordedFlag& f : c.flags) {
    if (f.operand()) continue;
    const std::string value = f.value.empty() ? ""
                              : f.choices.empty()
                                  ? ":" + zsh_text(f.value) + ":_files"
                                  : ":" + zsh_text(f.value) + ":(" + join(f.choices, " ") + ")";
    for (const std::string& name : f.names)
      out += " " + quoted("*" + name + "[" + zsh_text(f.help) + "]" + value);
  }
  const bool explain = c.command->name == "explain";
  return out + (explain ? " '*:what:{compadd -- $(rankdx explain --words 2>/dev/null)}'"
                        : " '*:file:_files'");
}

std::string zsh(const std::vector<RecordedCommand>& commands) {
  std::string out =
      "#compdef rankdx\n# zsh completion of rankdx: source <(rankdx completion zsh)\n"
      "_rankdx() {\n"
      "  if ((CURRENT == 2)); then\n    " +
      zsh_describe("command", first_words(commands)) + "\n    return\n  fi\n" +
      "  local command=${words[2]}\n  case $command in\n";
  for (const auto& [group, second] : second_words(commands)) {
    out += "    " + group + ")\n      if ((CURRENT == 3)); then " + zsh_describe(group, second) +
           "; return; fi\n      command=\"$command ${words[3]}\"; shift words; ((CURRENT--)) ;;\n";
  }
  out += "  esac\n  shift words; ((CURRENT--))\n  case $command in\n";
  for (const RecordedCommand& c : commands)
    out += "    " + quoted(c.command->name) + ") " + zsh_arguments(c) + " ;;\n";
  return out +
         "  esac\n}\n"
         "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _rankdx \"$@\"; else compdef "
         "_rankdx rankdx; fi\n";
}

std::string fish_flag(const RecordedFlag& f, const std::string& condition) {
  std::string out = "complete -c rankdx -n " + condition;
  for (const std::string& name : f.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!f.choices.empty()) {
    out += " -x -a '" + join(f.choices, " ") + "'";
  } else if (!f.value.empty()) {
    out += " -r";
  }
  return out + " -d " + quoted(f.help) + "\n";
}

std::string fish(const std::vector<RecordedCommand>& commands) {
  std::string out = "# fish completion of rankdx: rankdx completion fish | source\n";
  for (const auto& [word, help] : first_words(commands)) {
    out +=
        "complete -c rankdx -n __fish_use_subcommand -f -a " + word + " -d " + quoted(help) + "\n";
  }
  for (const auto& [group, second] : second_words(commands)) {
    for (const auto& [word, help] : second) {
      out += "complete -c rankdx -n '__fish_seen_subcommand_from " + group +
             "; and not __fish_seen_subcommand_from " + names_of(second) + "' -f -a " + word +
             " -d " + quoted(help) + "\n";
    }
  }
  for (const RecordedCommand& c : commands) {
    std::string condition =
        "'__fish_seen_subcommand_from " +
        replace_all(c.command->name, " ", "; and __fish_seen_subcommand_from ") + "'";
    for (const RecordedFlag& f : c.flags) {
      if (!f.operand()) out += fish_flag(f, condition);
    }
    if (c.command->name == "explain") {
      out +=
          "complete -c rankdx -n " + condition + " -f -a '(rankdx explain --words 2>/dev/null)'\n";
    }
  }
  return out;
}

}  // namespace

std::string completion_script(const std::vector<RecordedCommand>& commands,
                              std::string_view shell) {
  if (shell == "bash") return bash(commands);
  if (shell == "zsh") return zsh(commands);
  return shell == "fish" ? fish(commands) : "";
}

}  // namespace rankdx
