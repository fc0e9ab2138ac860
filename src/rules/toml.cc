// Rules as people write them. The only file that includes toml++.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "rules/expression.h"
#include "rules/rule.h"
#include "rules/versions.h"

namespace rankdx {
namespace {

constexpr size_t kLeastLiteral = 8;
constexpr std::array<std::string_view, 5> kEvents = {"", "nccl", "nccl.info", "nccl.warn", "text"};
constexpr std::array<std::string_view, 4> kGuilty = {"self", "peer", "rank",
                                                     "none"};  // in the order of the enum

/// Where a text of a rule goes.
struct TextField {
  std::string_view key;
  std::string Rule::*field;
};
constexpr std::array<TextField, 9> kTexts = {{{"id", &Rule::id},
                                              {"variant", &Rule::variant},
                                              {"title", &Rule::title},
                                              {"versions", &Rule::versions},
                                              {"event", &Rule::event},
                                              {"source_file", &Rule::source_file},
                                              {"match", &Rule::match},
                                              {"harmless", &Rule::harmless},
                                              {"cause", &Rule::cause}}};
struct ListField {
  std::string_view key;
  std::vector<std::string> Rule::*field;
};
constexpr std::array<ListField, 10> kLists = {{{"literal", &Rule::literals},
                                               {"unless", &Rule::unless},
                                               {"unless_line", &Rule::unless_line},
                                               {"explains", &Rule::explains},
                                               {"settled_by", &Rule::settled_by},
                                               {"needs", &Rule::needs},
                                               {"references", &Rule::references},
                                               {"source", &Rule::source},
                                               {"bad", &Rule::bad},
                                               {"good", &Rule::good}}};

/// Reads one [[rule]]; the first thing that is wrong ends it.
class RuleReader {
 public:
  RuleReader(const toml::table& table, std::string_view file) : table_(table), file_(file) {}

  Result<Rule> read() {
    rule_.file = fmt::format("{}:{}", file_, table_.source().begin.line);
    rule_.id = table_["id"].value_or(std::string());  // errors of other keys name it
    for (const auto& [key, node] : table_) RANKDX_TRY(value(key.str(), node));
    RANKDX_TRY(check());
    return std::move(rule_);
  }

 private:
  tl::unexpected<Error> wrong(const toml::node* node, std::string text,
                              std::string hint = {}) const {
    const auto line = (node ? node->source() : table_.source()).begin.line;
    return fail(ErrorCode::Corrupt, fmt::format("rule '{}': {}", rule_.id, text),
                fmt::format("{}:{}", file_, line), std::move(hint));
  }

  Result<bool> value(std::string_view key, const toml::node& node) {
    for (const TextField& f : kTexts) {
      if (f.key == key) return text(key, node, rule_.*f.field);
    }
    for (const ListField& f : kLists) {
      if (f.key == key) return list(key, node, rule_.*f.field);
    }
    if (key == "fix") return fixes(node);
    if (key == "rivals") return rivals(node);
    if (key == "at_least") return count(key, node, rule_.at_least);
    if (key == "last_lines") return count(key, node, rule_.last_lines);
    std::string word;
    RANKDX_TRY(text(key, node, word));
    if (key == "severity") return chosen(key, node, word, severity_from(word), rule_.severity);
    if (key == "role") return chosen(key, node, word, role_from(word), rule_.role);
    if (key == "confidence")
      return chosen(key, node, word, confidence_from(word), rule_.confidence);
    if (key == "layer") return chosen(key, node, word, layer_from(word), rule_.layer);
    if (key == "guilty") {
      const auto at = std::find(kGuilty.begin(), kGuilty.end(), word);
      std::optional<Guilty> guilty;
      if (at != kGuilty.end()) guilty = static_cast<Guilty>(at - kGuilty.begin());
      return chosen(key, node, word, guilty, rule_.guilty);
    }
    return wrong(&node, fmt::format("unknown key '{}'", key),
                 "see CONTRIBUTING.md for the keys of a rule");
  }

  Result<bool> text(std::string_view key, const toml::node& node, std::string& out) {
    const auto* value = node.as_string();
    if (!value) return wrong(&node, fmt::format("'{}' must be a text", key));
    out = value->get();
    return true;
  }

  Result<bool> list(std::string_view key, const toml::node& node, std::vector<std::string>& out) {
    const toml::array* array = node.as_array();
    if (!array) return wrong(&node, fmt::format("'{}' must be a list of texts", key));
    for (const toml::node& item : *array) RANKDX_TRY(text(key, item, out.emplace_back()));
    return true;
  }

  Result<bool> count(std::string_view key, const toml::node& node, int& out) {
    const auto* value = node.as_integer();
    if (!value || value->get() < 1 || value->get() > 1000)
      return wrong(&node, fmt::format("'{}' must be a number from 1 to 1000", key));
    out = static_cast<int>(value->get());
    return true;
  }

  template <class T>
  Result<bool> chosen(std::string_view key, const toml::node& node, std::string_view word,
                      std::optional<T> value, T& out) {
    if (!value) return wrong(&node, fmt::format("'{}' is no {}", word, key));
    out = *value;
    return true;
  }

  Result<bool> fixes(const toml::node& node) {
    const toml::array* array = node.as_array();
    if (!array) return wrong(&node, "'fix' must be a list of { for, text, command }");
    for (const toml::node& item : *array) {
      const toml::table* table = item.as_table();
      if (!table) return wrong(&item, "a fix must be { for, text, command }");
      Fix& fix = rule_.fix.emplace_back();
      for (const auto& [key, part] : *table) {
        std::string* to = key == "for"       ? &fix.for_
                          : key == "text"    ? &fix.text
                          : key == "command" ? &fix.command
                                             : nullptr;
        if (!to) return wrong(&part, fmt::format("unknown key '{}' in a fix", key.str()));
        RANKDX_TRY(text(key.str(), part, *to));
      }
      if (fix.for_.empty() || fix.text.empty()) return wrong(&item, "a fix needs 'for' and 'text'");
    }
    return true;
  }

  Result<bool> rivals(const toml::node& node) {
    const toml::array* array = node.as_array();
    if (!array) return wrong(&node, "'rivals' must be a list of { id, ask }");
    for (const toml::node& item : *array) {
      const toml::table* table = item.as_table();
      if (!table) return wrong(&item, "a rival must be { id, ask }");
      Rival& rival = rule_.rivals.emplace_back();
      for (const auto& [key, part] : *table) {
        std::string* to = key == "id" ? &rival.id : key == "ask" ? &rival.ask : nullptr;
        if (!to) return wrong(&part, fmt::format("unknown key '{}' in a rival", key.str()));
        RANKDX_TRY(text(key.str(), part, *to));
      }
      if (rival.id.empty() || rival.ask.empty())
        return wrong(&item, "a rival needs 'id' and 'ask'");
    }
    return true;
  }

  Result<bool> check() const {
    const bool slug =
        !rule_.id.empty() &&
        rule_.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!slug) return wrong(nullptr, "the id must be made of a-z, 0-9 and '-'");
    if (rule_.title.empty() && rule_.harmless.empty()) return wrong(nullptr, "a title is missing");
    if (std::find(kEvents.begin(), kEvents.end(), rule_.event) == kEvents.end()) {
      return wrong(table_.get("event"), fmt::format("'{}' is no event", rule_.event),
                   "nccl, nccl.info, nccl.warn, text or nothing");
    }
    if (!is_version_range(rule_.versions)) {
      return wrong(table_.get("versions"), fmt::format("'{}' is no version range", rule_.versions),
                   ">=2.4, <=2.13 or 2.18.1-2.22.3");
    }
    return check_match();
  }

  Result<bool> check_match() const {
    for (const std::string& literal : rule_.literals) {
      if (literal.size() >= kLeastLiteral) continue;
      return wrong(table_.get("literal"), fmt::format("the literal '{}' is too short", literal),
                   "at least 8 characters");
    }
    if (rule_.literals.empty()) {
      if (!rule_.match.empty())
        return wrong(table_.get("match"), "'match' needs a 'literal' that selects the line");
      return true;
    }
    if (rule_.bad.empty()) return wrong(nullptr, "a sample line that must hit ('bad') is missing");
    Expression expression(rule_.match);
    if (!expression.error().empty())
      return wrong(table_.get("match"), "the expression is wrong: " + expression.error());
    return check_templates(expression);
  }

  /// Every {name} of a text must be something that a hit can fill.
  Result<bool> check_templates(const Expression& expression) const {
    std::set<std::string> known = {"host", "rank"};
    for (const std::string& name : expression.names()) known.insert(name);
    std::vector<std::string_view> texts = {rule_.title, rule_.cause};
    for (const Fix& fix : rule_.fix) texts.push_back(fix.text);
    for (std::string_view t : texts) {
      for (const std::string& name : template_names(t)) {
        if (!known.count(name))
          return wrong(nullptr, fmt::format("{{{}}} is captured by nothing", name));
      }
    }
    return true;
  }

  const toml::table& table_;
  std::string_view file_;
  Rule rule_;
};

}  // namespace

Result<RulePack> RulePack::parse_toml(std::string_view text, std::string_view file) {
  toml::parse_result parsed = [&] {
    try {
      return toml::parse(text, file);
    } catch (const toml::parse_error& e) {
      return toml::table{
          {"error", fmt::format("{}:{}", e.source().begin.line, e.source().begin.column)},
          {"text", std::string(e.description())}};
    }
  }();
  if (const auto* at = parsed["error"].as_string()) {
    return fail(ErrorCode::Corrupt, "not valid TOML: " + parsed["text"].value_or(std::string()),
                fmt::format("{}:{}", file, at->get()));
  }
  RulePack pack;
  const toml::array* rules = parsed["rule"].as_array();
  if (!rules && !parsed.empty()) {
    return fail(ErrorCode::Corrupt, "no [[rule]] in this file", std::string(file),
                "see CONTRIBUTING.md for the form of a rule");
  }
  if (!rules) return pack;
  for (const toml::node& node : *rules) {
    const toml::table* table = node.as_table();
    if (!table)
      return fail(ErrorCode::Corrupt, "a rule must be a [[rule]] table", std::string(file));
    pack.rules_.push_back(RANKDX_TRY(RuleReader(*table, file).read()));
  }
  return pack;
}

}  // namespace rankdx
