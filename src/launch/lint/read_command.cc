// vLLM's and Ray's commands among the words of a shell or a container.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "catalogue/vllm_flags.h"
#include "launch/lint/readers.h"

namespace rankdx::lint {
namespace {

constexpr int kMaxNesting = 6;  // bash -c 'bash -c ...'

std::string_view base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

bool is_flag(const ShellWord& word) {
  const std::string_view text = word.text();
  if (text.size() < 2 || text[0] != '-') return false;
  return !parse_double(text) && (text[1] != '-' || text.size() > 2);
}

/// A word that may become several words, flags among them: "$EXTRA_ARGS", "${ARGS[@]}".
bool may_be_flags(const ShellWord& word) {
  const std::string_view t = word.text();
  return word.dynamic && (!word.quoted || t.find("[@]") != t.npos || t == "$@") &&
         t.starts_with('$') && !is_reference(t);
}

Flag flag_at(const std::vector<ShellWord>& words, size_t& i) {
  const ShellWord& word = words[i];
  Flag flag{std::string(word.text()),
            find_vllm_flag(word.text()),
            word.span,
            std::nullopt,
            false,
            word.span};
  const size_t equals = word.text().find('=');
  if (equals != std::string_view::npos) {
    flag.written.resize(equals);
    ShellWord value = word;
    value.value = word.value.part(equals + 1);
    flag.value = text_of(value);
    flag.value->span =
        value.value.text.empty() ? Span{word.span.end, word.span.end} : value.value.span();
    flag.joined = true;
    ++i;
    return flag;
  }
  ++i;
  const VllmFlag* known = flag.known;
  const bool is_switch = known != nullptr && !known->takes_value();
  if (is_switch || i >= words.size() || is_flag(words[i])) return flag;
  flag.value = text_of(words[i]);
  flag.whole.end = words[i].span.end;
  ++i;
  // Lists go on to the next flag.
  const bool list = known != nullptr && known->rule.kind == ValueKind::List;
  while (list && i < words.size() && !is_flag(words[i])) flag.whole.end = words[i++].span.end;
  return flag;
}

bool is_number(std::string_view text) { return parse_double(text).has_value(); }

/// The words behind "vllm serve".
Serve serve_of(const CommandWords& command, size_t first, Span begin, size_t last) {
  Serve serve;
  serve.span = begin;
  serve.end = begin;
  serve.form = command.form;
  serve.env = command.env;
  serve.branch = command.branch;
  const std::vector<ShellWord> words(command.words.begin(),
                                     command.words.begin() + static_cast<std::ptrdiff_t>(last));
  for (size_t i = first; i < words.size();) {
    serve.end = words[i].span;
    if (is_flag(words[i])) {
      serve.flags.push_back(flag_at(words, i));
      serve.end = words[i - 1].span;
      if (serve.flags.back().written == "--model" && serve.flags.back().value) {
        serve.model = *serve.flags.back().value;
      }
      continue;
    }
    if (may_be_flags(words[i])) serve.unknown_words = true;
    if (!serve.model && !may_be_flags(words[i])) serve.model = text_of(words[i]);
    ++i;
  }
  return serve;
}

/// Index behind "vllm serve" or "-m vllm.entrypoints...", or npos.
size_t behind_server(const std::vector<ShellWord>& words, size_t& begin) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view text = words[i].text();
    begin = i;
    if (base_name(text) == "vllm" && i + 1 < words.size() && words[i + 1].text() == "serve")
      return i + 2;
    if (text == "-m" && i + 1 < words.size() &&
        words[i + 1].text().starts_with("vllm.entrypoints.")) {
      return i + 2;
    }
    if (text.ends_with("vllm/entrypoints/openai/api_server.py")) return i + 1;
  }
  return std::string::npos;
}

bool is_shell(std::string_view word) {
  constexpr std::array<std::string_view, 5> kShells = {"bash", "sh", "zsh", "dash", "ash"};
  return std::find(kShells.begin(), kShells.end(), base_name(word)) != kShells.end();
}

/// The text behind "bash -c", or nothing.
const ShellWord* script_of(const std::vector<ShellWord>& words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (!is_shell(words[i].text())) continue;
    for (size_t k = i + 1; k + 1 < words.size() && words[k].text().starts_with('-'); ++k) {
      if (words[k].text().ends_with('c')) return &words[k + 1];
      if (words[k].text() == "-o") ++k;
    }
  }
  return nullptr;
}

/// Whether a script hands more words on than those it was given: exec "$@" "${extra[@]}".
bool adds_words(std::string_view script) {
  const size_t at = script.find("$@");
  const size_t behind = script.find_first_not_of("\" ", at + 2);
  return behind != script.npos && script[behind] != '\n' && script[behind] != ';';
}

bool read_ray(const CommandWords& command, Container& out) {
  const auto& words = command.words;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (base_name(words[i].text()) != "ray" || words[i + 1].text() != "start") continue;
    RayStart ray{words[i].span, false, false, command.env};
    for (size_t k = i + 2; k < words.size(); ++k) {
      ray.head |= words[k].text() == "--head";
      ray.block |= words[k].text().starts_with("--block");
    }
    out.rays.push_back(std::move(ray));
    return true;
  }
  for (const ShellWord& w : words) {
    // vLLM's helper script: "multi-node-serving.sh leader|worker".
    if (base_name(w.text()) != "multi-node-serving.sh" && base_name(w.text()) != "run_cluster.sh")
      continue;
    const size_t next = static_cast<size_t>(&w - words.data()) + 1;
    const bool head = next < words.size() && words[next].text() == "leader";
    out.rays.push_back({w.span, head, true, command.env});
    return true;
  }
  return false;
}

}  // namespace

bool is_reference(std::string_view text) {
  const size_t at = text.find("$(");
  return at != text.npos && text.find(')', at) != text.npos &&
         is_variable_name(text.substr(at + 2, text.find(')', at) - at - 2));
}

Text text_of(const ShellWord& word) {
  return {word.value.text, word.span, word.dynamic || is_reference(word.text())};
}

bool read_command(const CommandWords& command, EntryPoint entry, Container& out, Launch& launch,
                  int depth) {
  if (command.words.empty()) return false;
  if (const ShellWord* script = depth < kMaxNesting ? script_of(command.words) : nullptr) {
    Container inner;
    read_shell_text(script->value, inner, launch, depth + 1);
    const bool found = !inner.serves.empty() || !inner.rays.empty();
    for (Serve& s : inner.serves) {
      s.env.insert(s.env.begin(), command.env.begin(), command.env.end());
      s.branch += command.branch;
      out.serves.push_back(std::move(s));
    }
    out.rays.insert(out.rays.end(), inner.rays.begin(), inner.rays.end());
    out.env.insert(out.env.end(), inner.env.begin(), inner.env.end());
    // bash -c 'exec "$@"' name command...: the words behind are a command too.
    const auto behind = static_cast<size_t>(script - command.words.data()) + 2;
    const bool runs_words = script->text().find("$@") != std::string_view::npos;
    if (!runs_words || behind >= command.words.size()) return found;
    CommandWords rest = command;
    rest.words.erase(rest.words.begin(), rest.words.begin() + static_cast<std::ptrdiff_t>(behind));
    const size_t serves = out.serves.size();
    const bool more = read_command(rest, EntryPoint::Unknown, out, launch, depth + 1);
    for (size_t i = serves; i < out.serves.size(); ++i) {
      out.serves[i].unknown_words |= adds_words(script->text());
    }
    return more || found;
  }
  bool found = read_ray(command, out);
  size_t begin = 0;
  const size_t first = behind_server(command.words, begin);
  if (first != std::string::npos) {
    out.serves.push_back(serve_of(command, first, command.words[begin].span, command.words.size()));
    return true;
  }
  const bool starts_with_flag = is_flag(command.words[0]) || command.words[0].text() == "serve";
  if (!found && entry == EntryPoint::VllmServe) {
    const bool program = !starts_with_flag && !is_number(command.words[0].text()) &&
                         command.words[0].text().find('/') == std::string_view::npos;
    if (!program) {
      const size_t at = command.words[0].text() == "serve" ? 1 : 0;
      out.serves.push_back(serve_of(command, at, command.words[0].span, command.words.size()));
      return true;
    }
  }
  if (!found) out.other_program = true;
  return found;
}

std::optional<int64_t> count_of_devices(std::string_view list) {
  std::string bare = replace_all(list, "\"", "");
  bare = replace_all(bare, "'", "");
  std::string_view text = trim(bare);
  if (text.starts_with("device=")) text.remove_prefix(7);
  if (text.empty() || text == "all" || text == "none" || text == "void" ||
      text.find('$') != text.npos) {
    return std::nullopt;
  }
  return static_cast<int64_t>(split(text, ',').size());
}

bool is_vllm_image(std::string_view image) {
  const std::string_view repository = image.substr(0, image.find('@'));
  const size_t slash = repository.rfind('/');
  const std::string_view name =
      slash == repository.npos ? repository : repository.substr(slash + 1);
  return name.starts_with("vllm-openai") || name.starts_with("vllm") ||
         repository.find("vllm/") != repository.npos;
}

}  // namespace rankdx::lint
