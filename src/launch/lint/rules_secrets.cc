// Secrets that stand where everyone can read them.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "catalogue/vllm_variables.h"
#include "launch/lint/judge.h"

namespace rankdx::lint {
namespace {

struct Shape {
  std::string_view prefix;
  size_t least;  ///< characters behind it
};
constexpr std::array<Shape, 9> kShapes = {{{"hf_", 16},
                                           {"sk-", 16},
                                           {"ghp_", 20},
                                           {"github_pat_", 20},
                                           {"glpat-", 16},
                                           {"AKIA", 16},
                                           {"ASIA", 16},
                                           {"nvapi-", 16},
                                           {"xoxb-", 16}}};

bool is_word_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

bool is_secret_name(std::string_view name) {
  if (const LaunchVariable* v = find_launch_variable(name))
    return v->use == LaunchVariableUse::Secret;
  for (std::string_view end : {"_TOKEN", "_PASSWORD", "_SECRET", "_API_KEY", "_SECRET_ACCESS_KEY",
                               "_SECRET_KEY", "_PASSWD", "_ACCESS_KEY_ID"}) {
    if (name.ends_with(end)) return true;
  }
  return name == "PASSWORD" || name == "TOKEN" || name == "SECRET" || name == "API_KEY";
}

/// "<your token>", "xxx", "changeme": stands for a secret.
bool is_placeholder(std::string_view value) {
  const std::string word = lower(value);
  for (std::string_view mark : {"<", "your", "xxx", "changeme", "...", "{{", "replace", "example",
                                "redacted", "***", "dummy", "none", "empty", "placeholder"}) {
    if (word.find(mark) != word.npos) return true;
  }
  return word.size() < 4 || word == "true" || word == "false";
}

void secret_value(Judge& j, const Text& value, std::string_view what) {
  if (value.dynamic || value.text.empty()) return;
  // Masked even where it may only be a placeholder.
  j.secret(value.span);
  if (is_placeholder(value.text)) return;
  j.add("secret-in-plain-text", value.span, std::string(what) + " holds it.");
}

bool known_shape(std::string_view text, size_t at) {
  for (const Shape& s : kShapes) {
    if (!text.substr(at).starts_with(s.prefix)) continue;
    size_t end = at + s.prefix.size();
    while (end < text.size() && is_word_byte(text[end])) ++end;
    if (end - at - s.prefix.size() >= s.least) return true;
  }
  return false;
}

/// Everything in the text that has the form of a well-known token, wherever it stands.
void shapes(Judge& j) {
  const std::string_view bytes = j.source.bytes();
  for (size_t at = bytes.find_first_of("hsgAnx"); at != bytes.npos;
       at = bytes.find_first_of("hsgAnx", at + 1)) {
    if ((at > 0 && is_word_byte(bytes[at - 1])) || !known_shape(bytes, at)) continue;
    size_t end = at;
    while (end < bytes.size() && is_word_byte(bytes[end])) ++end;
    const Span span{static_cast<uint32_t>(at), static_cast<uint32_t>(end)};
    const bool known = std::any_of(j.secrets.begin(), j.secrets.end(), [&](Span s) {
      return s.begin <= span.begin && span.end <= s.end;
    });
    if (!known)
      secret_value(j, {std::string(bytes.substr(at, end - at)), span, false}, "This text");
    at = end;
    if (at >= bytes.size()) break;
  }
}

}  // namespace

void judge_secrets(Judge& judge) {
  for (const Group& g : judge.launch.groups) {
    for (const Container& c : g.containers) {
      for (const EnvVar* v : variables_of(c)) {
        if (is_secret_name(v->name) && !v->from_reference) secret_value(judge, v->value, v->name);
      }
      for (const Serve& s : c.serves) {
        for (std::string_view name : {"--api-key", "--hf-token"}) {
          const Flag* f = find_flag(s, name);
          if (f != nullptr && f->value) secret_value(judge, *f->value, name);
        }
      }
    }
  }
  shapes(judge);
}

}  // namespace rankdx::lint
