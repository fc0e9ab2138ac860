#include "launch/lint/judge.h"

#include <algorithm>

#include "base/text.h"
#include "launch/lint/rule_table.h"

namespace rankdx::lint {

Issue& Judge::add(std::string_view rule, Span span, std::string detail, std::vector<Edit> edits) {
  Issue issue;
  issue.rule = rule;
  issue.severity = rule_words(rule).severity;
  issue.span = span;
  issue.detail = std::move(detail);
  issue.edits = std::move(edits);
  return issues.emplace_back(std::move(issue));
}

std::optional<Version> version_in_image(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const size_t slash = image.rfind('/');
  const std::string_view last = slash == image.npos ? image : image.substr(slash + 1);
  std::string_view tag;
  const std::string_view name = take_until(last, ':', tag);
  if (name != "vllm" && name != "vllm-openai") return std::nullopt;
  if (image.find("lmcache") != image.npos || image.find("nvcr.io") != image.npos ||
      image.find("rocm/") != image.npos)
    return std::nullopt;
  if (tag.starts_with('v')) tag.remove_prefix(1);
  const auto version = parse_version(tag.substr(0, tag.find_first_of("-_")));
  // vLLM's releases are 0.x.y; other numbers count something else.
  if (!version || version->parts < 3 || version->part[0] != 0) return std::nullopt;
  return version;
}

namespace {

/// "debug" of "rankdx/profile: debug", "rankdx.profile=debug" and "# rankdx: profile=debug", as
/// `launch generate` writes them; "" where there is none.
std::string_view mark(std::string_view bytes, std::string_view key) {
  constexpr std::string_view kOurs = "rankdx";
  for (size_t at = bytes.find(kOurs); at != bytes.npos; at = bytes.find(kOurs, at + 1)) {
    std::string_view rest = bytes.substr(at + kOurs.size(), 80);
    const std::string_view separator = rest.starts_with(": ") ? ": " : rest.substr(0, 1);
    if (separator != ": " && separator != "/" && separator != ".") continue;
    rest.remove_prefix(separator.size());
    if (!rest.starts_with(key)) continue;
    rest.remove_prefix(key.size());
    const size_t begin = rest.find_first_not_of("=: \"'");
    if (begin == 0 || begin == rest.npos) continue;
    rest.remove_prefix(begin);
    return rest.substr(0, rest.find_first_of(" \n\r\"'\\"));
  }
  return {};
}

Network network_named(std::string_view word) {
  return word == "ethernet"     ? Network::Ethernet
         : word == "roce"       ? Network::Roce
         : word == "infiniband" ? Network::Infiniband
         : word == "efa"        ? Network::Efa
                                : Network::Unknown;
}

/// A script may install the version that it runs.
std::optional<Version> installed_vllm(std::string_view bytes) {
  const size_t at = bytes.find("vllm==");
  if (at == bytes.npos) return std::nullopt;
  const size_t end = std::min(bytes.find_first_not_of("0123456789.postrc", at + 6), bytes.size());
  return parse_version(bytes.substr(at + 6, end - at - 6));
}

}  // namespace

Judge::Judge(const SourceText& text, const Launch& what, const LintOptions& how)
    : source(text), launch(what), options(how) {
  const std::string_view bytes = text.bytes();
  if (options.network == Network::Unknown) options.network = network_named(mark(bytes, "network"));
  if (!options.purpose)
    options.purpose = mark(bytes, "profile") == "debug" ? Purpose::Debug : Purpose::Production;
  named_vllm = installed_vllm(bytes);
  if (!named_vllm) named_vllm = parse_version(mark(bytes, "vllm"));
}

Versions versions_of(const Judge& judge, const Container& container) {
  Versions v{judge.options.vllm, judge.options.nccl, false};
  if (!v.vllm && !container.image.dynamic) v.vllm = version_in_image(container.image.text);
  if (!v.vllm) v.vllm = judge.named_vllm;
  v.newest = !v.vllm;
  return v;
}

std::vector<const EnvVar*> variables_of(const Container& container) {
  std::vector<const EnvVar*> out;
  auto add = [&](const std::vector<EnvVar>& list) {
    for (const EnvVar& v : list) {
      const bool seen = std::any_of(out.begin(), out.end(), [&](const EnvVar* o) {
        return o->name_span == v.name_span && o->name == v.name;
      });
      if (!seen) out.push_back(&v);
    }
  };
  if (container.serves.empty() && container.rays.empty()) {
    // Dumps may hold thousands; nothing else adds to them.
    for (const EnvVar& v : container.env) out.push_back(&v);
    return out;
  }
  add(container.env);
  for (const Serve& s : container.serves) add(s.env);
  for (const RayStart& r : container.rays) add(r.env);
  return out;
}

const EnvVar* find_variable(const Container& container, std::string_view name) {
  const EnvVar* found = nullptr;
  for (const EnvVar* v : variables_of(container)) {
    if (v->name == name) found = v;
  }
  return found;
}

std::string_view value_of(const Container& container, std::string_view name) {
  const EnvVar* v = find_variable(container, name);
  return v != nullptr && !v->value.dynamic ? std::string_view(v->value.text) : std::string_view{};
}

bool uses_ray(const Group& group) {
  for (const Container& c : group.containers) {
    if (!c.rays.empty()) return true;
    for (const Serve& s : c.serves) {
      const Flag* f = find_flag(s, "--distributed-executor-backend");
      if (f != nullptr && f->value && f->value->text == "ray") return true;
    }
  }
  return group.kind == GroupKind::RayCluster;
}

bool over_nodes(const Group& group) {
  if (group.nodes && *group.nodes > 1 &&
      (group.kind == GroupKind::LeaderWorkerSet || group.kind == GroupKind::Runai ||
       group.kind == GroupKind::RayCluster || group.kind == GroupKind::Slurm)) {
    return true;
  }
  if (!group.nodes || *group.nodes > 1) {
    if (uses_ray(group)) return true;
  }
  for (const Container& c : group.containers) {
    for (const Serve& s : c.serves) {
      const Flag* n = find_flag(s, "--nnodes");
      if (n != nullptr && n->value && n->value->text != "1") return true;
      if (find_flag(s, "--headless") != nullptr) return true;
    }
  }
  return false;
}

}  // namespace rankdx::lint
