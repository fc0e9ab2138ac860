// Tells the form of a text and hands it to its reader.
#include <algorithm>

#include "base/text.h"
#include "catalogue/vllm_flags.h"
#include "launch/document/environment.h"
#include "launch/lint/readers.h"

namespace rankdx::lint {
namespace {

bool has_line(std::string_view bytes, std::string_view start) {
  for (size_t at = bytes.find(start); at != bytes.npos; at = bytes.find(start, at + 1)) {
    if (at == 0 || bytes[at - 1] == '\n') return true;
  }
  return false;
}

bool looks_like_yaml(const SourceText& source) {
  const std::string_view bytes = source.bytes();
  if (bytes.starts_with("#!") || has_line(bytes, "#SBATCH")) return false;
  const std::string_view name = source.name();
  if (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json")) return true;
  if (name.ends_with(".sh") || name.ends_with(".sbatch") || name.ends_with(".slurm")) return false;
  for (std::string_view start : {"apiVersion:", "kind:", "services:", "{"}) {
    if (has_line(bytes, start)) return true;
  }
  return false;
}

void note(const YamlProblem& p, Launch& launch) {
  auto say = [&](std::string_view rule, std::string detail) {
    launch.remarks.push_back({rule, p.span, std::move(detail), {}});
  };
  using Kind = YamlProblem::Kind;
  launch.unreadable |= p.kind != Kind::DuplicateKey;
  switch (p.kind) {
    case Kind::Syntax:
      return say("yaml-syntax", "The parser says: " + p.text + ".");
    case Kind::Tab:
      return say("yaml-tab", "This line is indented with a tab.");
    case Kind::DuplicateKey:
      return say("yaml-duplicate-key", "\"" + p.text + "\" stands twice in one map.");
    case Kind::AliasBomb:
      return say("yaml-alias-bomb", "Here " + p.text + ".");
    case Kind::TooDeep:
      return say("yaml-too-deep", "This is " + p.text + ".");
    case Kind::TooBig:
      return say("yaml-too-deep", "The file holds " + p.text + ".");
    case Kind::Template:
      return say("helm-template", "Braces of a template stand here.");
  }
}

void read_yaml(const SourceText& source, Launch& launch) {
  const YamlStream stream(source);
  for (const YamlProblem& p : stream.problems()) note(p, launch);
  launch.kind = SourceKind::Kubernetes;
  for (const YamlNode& doc : stream.documents()) {
    if (!doc["services"].is_map() || doc["kind"]) continue;
    launch.kind = SourceKind::Compose;
    ++launch.documents;
    read_compose(doc, launch);
  }
  if (launch.kind == SourceKind::Kubernetes) read_kubernetes(stream, launch);
}

}  // namespace

void read_environment_dump(const SourceText& source, Launch& launch) {
  launch.kind = SourceKind::Environment;
  Group group;
  group.kind = GroupKind::Environment;
  Container c;
  const bool nul = source.bytes().find('\0') != std::string::npos;
  for (EnvironmentLine& line : parse_environment(source.bytes())) {
    EnvVar v;
    v.name = line.name;
    v.name_span = {line.span.begin, line.span.begin + static_cast<uint32_t>(line.name.size())};
    v.value = {line.value.text,
               line.value.text.empty() ? Span{line.span.end, line.span.end} : line.value.span(),
               false};
    const uint32_t end = std::min(line.span.end + 1, source.size());
    v.whole = {line.span.begin, end};
    v.form = nul ? Form::None : Form::DumpLine;
    c.env.push_back(std::move(v));
  }
  group.containers.push_back(std::move(c));
  launch.groups.push_back(std::move(group));
}

Launch read_launch(const SourceText& source) {
  Launch launch;
  const std::string_view bytes = source.bytes();
  const size_t nul = bytes.find('\0');
  const bool environment = looks_like_environment(bytes);
  if (nul != bytes.npos && !environment) {
    const auto at = static_cast<uint32_t>(nul);
    launch.remarks.push_back({"not-text", {at, at + 1}, "", {}});
    launch.unreadable = true;
  } else if (looks_like_yaml(source) && nul == bytes.npos) {
    read_yaml(source, launch);
  } else if (environment) {
    read_environment_dump(source, launch);
  } else {
    read_shell_source(source, launch);
  }
  return launch;
}

const Flag* find_flag(const Serve& serve, std::string_view name) {
  const Flag* found = nullptr;
  for (const Flag& f : serve.flags) {
    if (f.known != nullptr ? f.known->name == name : f.written == name) found = &f;
  }
  return found;
}

std::optional<int64_t> flag_number(const Serve& serve, std::string_view name) {
  const Flag* f = find_flag(serve, name);
  if (f == nullptr || !f->value || f->value->dynamic) return std::nullopt;
  return parse_int<int64_t>(f->value->text);
}

}  // namespace rankdx::lint
