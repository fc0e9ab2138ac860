// YAML into Value, over the document model, which limits size, depth and aliases.
#include <fmt/format.h>

#include "base/text.h"
#include "launch/document/yaml.h"
#include "launch/value.h"

namespace rankdx {
namespace {

using lint::YamlNode;
using lint::YamlProblem;

// A launch has some hundred nodes. The model counts what aliases unfold to; this is for one
// document of many.
constexpr size_t kMostNodes = 1'000'000;

Value scalar(const YamlNode& node) {
  const std::string text(node.text());
  if (node.quoted()) return Value(text);
  if (text == "true" || text == "false") return Value(text == "true");
  if (const auto number = parse_int<int64_t>(text)) return Value(*number);
  return Value(text);
}

class Converter {
 public:
  Result<Value> convert(const YamlNode& node) {
    if (++nodes_ > kMostNodes) return fail(ErrorCode::Corrupt, "the YAML has too many nodes");
    if (node.is_scalar()) return scalar(node);
    if (node.is_sequence()) {
      Value list = Value::list();
      for (const YamlNode& item : node.items()) list.push(RANKDX_TRY(convert(item)));
      return list;
    }
    if (!node.is_map()) return Value();
    Value map = Value::map();
    for (const auto& [key, value] : node.members()) {
      if (!key.is_scalar()) return fail(ErrorCode::Corrupt, "a name in the YAML is no text");
      map.set(std::string(key.text()), RANKDX_TRY(convert(value)));
    }
    return map;
  }

 private:
  size_t nodes_ = 0;
};

/// Repeated keys and tabs do not hinder reading; they are for lint to report.
bool hinders(const YamlProblem& problem) {
  return problem.kind != YamlProblem::Kind::DuplicateKey && problem.kind != YamlProblem::Kind::Tab;
}

}  // namespace

Result<std::vector<Value>> parse_yaml(std::string_view text) {
  const lint::SourceText source("", std::string(text));
  const lint::YamlStream stream(source);
  for (const YamlProblem& problem : stream.problems()) {
    if (!hinders(problem)) continue;
    return fail(ErrorCode::Corrupt, "this is no YAML: " + problem.text,
                fmt::format("line {}", source.position(problem.span.begin).line));
  }
  Converter converter;
  std::vector<Value> documents;
  for (const YamlNode& node : stream.documents())
    documents.push_back(RANKDX_TRY(converter.convert(node)));
  return documents;
}

}  // namespace rankdx
