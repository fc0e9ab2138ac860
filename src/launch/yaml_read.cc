// YAML into Value, over yaml-cpp. Only this file includes it.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/text.h"
#include "launch/value.h"

namespace rankdx {
namespace {

// A launch has some hundred nodes; an alias bomb has billions.
constexpr size_t kMostNodes = 1'000'000;
constexpr int kDeepest = 200;

class Converter {
 public:
  Result<Value> convert(const YAML::Node& node, int depth) {
    if (++nodes_ > kMostNodes || depth > kDeepest) {
      return fail(ErrorCode::Corrupt, "the YAML is too deep or has too many nodes",
                  fmt::format("line {}", node.Mark().line + 1));
    }
    if (node.IsScalar()) return scalar(node);
    if (node.IsSequence()) {
      Value list = Value::list();
      for (const YAML::Node& item : node) list.push(RANKDX_TRY(convert(item, depth + 1)));
      return list;
    }
    if (!node.IsMap()) return Value();
    Value map = Value::map();
    for (const auto& member : node) {
      if (!member.first.IsScalar()) {
        return fail(ErrorCode::Corrupt, "a name in the YAML is no text",
                    fmt::format("line {}", member.first.Mark().line + 1));
      }
      map.set(member.first.Scalar(), RANKDX_TRY(convert(member.second, depth + 1)));
    }
    return map;
  }

 private:
  static Value scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!") return Value(text);  // it stood in quotes
    if (text == "true" || text == "false") return Value(text == "true");
    if (const auto number = parse_int<int64_t>(text)) return Value(*number);
    return Value(text);
  }

  size_t nodes_ = 0;
};

}  // namespace

Result<std::vector<Value>> parse_yaml(std::string_view text) {
  std::vector<YAML::Node> nodes;
  try {
    nodes = YAML::LoadAll(std::string(text));
  } catch (const YAML::Exception& e) {
    return fail(ErrorCode::Corrupt, "this is no YAML: " + e.msg,
                e.mark.is_null() ? "" : fmt::format("line {}", e.mark.line + 1));
  } catch (const std::exception& e) {
    return fail(ErrorCode::Corrupt, fmt::format("this is no YAML: {}", e.what()));
  }
  Converter converter;
  std::vector<Value> documents;
  for (const YAML::Node& node : nodes) documents.push_back(RANKDX_TRY(converter.convert(node, 0)));
  return documents;
}

}  // namespace rankdx
