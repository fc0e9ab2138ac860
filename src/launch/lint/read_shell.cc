// Shell scripts: plain ones, sbatch, and those inside containers; docker and runai commands go to
// their own readers.
#include <algorithm>
#include <cstddef>

#include "base/text.h"
#include "launch/lint/readers.h"
#include "launch/lint/sbatch.h"

namespace rankdx::lint {
namespace {

constexpr int kMaxNesting = 6;  // of shells in shells

std::string_view rule_of(ShellProblem::Kind kind) {
  switch (kind) {
    case ShellProblem::Kind::OpenQuote:
      return "shell-unterminated";
    case ShellProblem::Kind::MissingBackslash:
      return "shell-continuation-missing";
    default:
      return "shell-continuation-broken";
  }
}

std::string words_of(ShellProblem::Kind kind) {
  switch (kind) {
    case ShellProblem::Kind::OpenQuote:
      return "What begins here never ends.";
    case ShellProblem::Kind::BlankAfterBackslash:
      return "Blanks stand between the backslash and the end of the line.";
    case ShellProblem::Kind::CommentAfterBackslash:
      return "A comment stands behind the backslash.";
    case ShellProblem::Kind::CommentInContinuation:
      return "A comment stands between the lines of one command.";
    case ShellProblem::Kind::MissingBackslash:
      return "The next line begins with a flag, but this line does not end in a backslash.";
    case ShellProblem::Kind::DanglingBackslash:
      return "An empty line ends the command; flags stand behind it.";
  }
  return "";
}

EnvVar variable_of(const ShellAssignment& a, Span whole, Form form) {
  EnvVar v;
  v.name = a.name;
  v.name_span = {a.span.begin, a.span.begin + static_cast<uint32_t>(a.name.size())};
  v.value = text_of(a.value);
  v.whole = whole;
  v.form = form;
  return v;
}

/// NAME=value words of "export", "env", "declare -x", also of docker's -e.
std::optional<EnvVar> variable_of(const ShellWord& word, Span whole, Form form) {
  const size_t equals = word.text().find('=');
  if (equals == std::string_view::npos || !is_variable_name(word.text().substr(0, equals)))
    return {};
  EnvVar v;
  v.name = word.text().substr(0, equals);
  const MappedText name = word.value.part(0, equals);
  v.name_span = name.span();
  ShellWord value = word;
  value.value = word.value.part(equals + 1);
  v.value = text_of(value);
  v.value.span = value.value.text.empty() ? Span{word.span.end, word.span.end} : value.value.span();
  v.whole = whole;
  v.form = form;
  return v;
}

bool is_export(const ShellCommand& c) {
  const std::string_view first = c.words[0].text();
  return first == "export" ||
         (first == "declare" && c.words.size() > 1 && c.words[1].text() == "-x");
}

void add_exports(const ShellCommand& c, std::vector<EnvVar>& env,
                 const std::vector<ShellAssignment>& set_before) {
  const size_t first = c.words[0].text() == "declare" ? 2 : 1;
  // One export of several variables: taking out one means taking out its word.
  const bool alone = c.words.size() == first + 1;
  for (size_t i = first; i < c.words.size(); ++i) {
    const Span whole = alone ? c.span : c.words[i].span;
    if (auto v = variable_of(c.words[i], whole, Form::ShellExport)) {
      env.push_back(std::move(*v));
      continue;
    }
    for (const ShellAssignment& a : set_before) {
      if (a.name == c.words[i].text()) env.push_back(variable_of(a, a.span, Form::None));
    }
  }
}

/// Leading "NAME=value" words of env(1), and what they stand before.
CommandWords command_words(const ShellCommand& c, std::vector<EnvVar> env) {
  CommandWords out{c.words, Form::ShellWords, std::move(env), c.branch};
  for (const ShellAssignment& a : c.assignments) {
    out.env.push_back(variable_of(a, a.span, Form::ShellExport));
  }
  if (!c.words.empty() && c.words[0].text() == "env") {
    for (size_t i = 1; i < c.words.size(); ++i) {
      auto v = variable_of(c.words[i], c.words[i].span, Form::ShellExport);
      if (!v) break;
      out.env.push_back(std::move(*v));
    }
  }
  return out;
}

/// Without "exec", "sudo" and the like in front.
ShellCommand bare(const ShellCommand& c) {
  ShellCommand out = c;
  size_t skip = 0;
  for (; skip + 1 < c.words.size(); ++skip) {
    const std::string_view word = c.words[skip].text();
    if (word != "exec" && word != "sudo" && word != "nohup" && word != "command") break;
  }
  out.words.erase(out.words.begin(), out.words.begin() + static_cast<std::ptrdiff_t>(skip));
  return out;
}

bool is_runai(const ShellCommand& c) {
  const size_t last = std::min<size_t>(4, c.words.size());
  return c.words.size() > 2 && c.words[0].text().ends_with("runai") &&
         std::any_of(c.words.begin(), c.words.begin() + static_cast<std::ptrdiff_t>(last),
                     [](const ShellWord& w) { return w.text() == "submit"; });
}

bool is_docker_run(const ShellCommand& c) {
  if (c.words.size() < 2 || c.words[1].text() != "run") return false;
  const std::string_view program = c.words[0].text();
  return program == "docker" || program == "podman" || program == "nerdctl";
}

/// The text that ssh hands to the other host's shell.
const ShellWord* remote_text(const ShellCommand& c) {
  const bool ssh = c.words.size() > 2 && c.words[0].text() == "ssh";
  const bool text = ssh && c.words.back().text().find(' ') != std::string_view::npos;
  return text ? &c.words.back() : nullptr;
}

}  // namespace

void note_problems(const ShellScript& script, Launch& launch) {
  for (const ShellProblem& p : script.problems) {
    launch.remarks.push_back({rule_of(p.kind), p.span, words_of(p.kind), p.edits});
  }
}

void read_shell_text(const MappedText& text, Container& out, Launch& launch, int depth) {
  const ShellScript script = parse_shell(text);
  note_problems(script, launch);
  std::vector<EnvVar> exported;
  std::vector<ShellAssignment> set;
  for (const ShellCommand& c : script.commands) {
    if (c.words.empty()) {
      set.insert(set.end(), c.assignments.begin(), c.assignments.end());
    } else if (is_export(c)) {
      add_exports(c, exported, set);
    } else if (const ShellCommand b = bare(c); is_runai(b)) {
      read_runai(b, launch);
    } else if (is_docker_run(b)) {
      read_docker(b, launch);
    } else if (const ShellWord* text_there = depth < kMaxNesting ? remote_text(b) : nullptr) {
      read_shell_text(text_there->value, out, launch, depth + 1);
    } else {
      read_command(command_words(c, exported), EntryPoint::Unknown, out, launch, depth);
    }
  }
  if (out.serves.empty() && out.rays.empty()) {
    out.env.insert(out.env.end(), exported.begin(), exported.end());
  }
}

void read_shell_source(const SourceText& source, Launch& launch) {
  Group group;
  group.kind = GroupKind::Script;
  Container container;
  container.env_form = Form::None;
  read_shell_text(mapped(source.bytes()), container, launch);
  const bool sbatch = read_sbatch_lines(source, group, container, launch);
  if (sbatch) launch.kind = SourceKind::Slurm;
  for (const EnvVar& v : container.env) {
    if (v.name == "CUDA_VISIBLE_DEVICES" && !container.gpu_count)
      container.gpu_count = count_of_devices(v.value.text);
  }
  for (const Serve& s : container.serves) {
    for (const EnvVar& v : s.env) {
      if (v.name == "CUDA_VISIBLE_DEVICES" && !container.gpu_count)
        container.gpu_count = count_of_devices(v.value.text);
    }
  }
  const bool starts = !container.serves.empty() || !container.rays.empty();
  if (!starts && !container.env.empty() && launch.groups.empty())
    group.kind = GroupKind::Environment;
  if (starts || sbatch || !container.env.empty()) {
    if (sbatch) group.kind = GroupKind::Slurm;
    group.containers.push_back(std::move(container));
    launch.groups.push_back(std::move(group));
  }
  for (const Group& g : launch.groups) {
    if (g.kind == GroupKind::Runai) launch.kind = SourceKind::Runai;
  }
}

}  // namespace rankdx::lint
