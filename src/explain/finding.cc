// A finding, from the rules of one id: what it means, how it looks, what it is not, what to do.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "explain/sources.h"

namespace rankdx {
namespace {

using Rules = std::vector<const Rule*>;

/// The rule that gives the words, then the others in pack order.
Rules rules_of(std::string_view id, const RulePack& rules) {
  const Rule* first = rules.definition(id);
  Rules all;
  for (const Rule& r : rules.rules()) {
    if (r.id == id && &r != first) all.push_back(&r);
  }
  if (first != nullptr) all.insert(all.begin(), first);
  return all;
}

void add_distinct(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const std::string& s : from) {
    if (std::find(to.begin(), to.end(), s) == to.end()) to.push_back(s);
  }
}

std::vector<std::string> gathered(const Rules& all, std::vector<std::string> Rule::*field) {
  std::vector<std::string> out;
  for (const Rule* r : all) add_distinct(out, r->*field);
  return out;
}

/// Samples of several lines are shown as such.
std::vector<std::string> lines_of(const std::vector<std::string>& samples) {
  std::vector<std::string> lines;
  for (const std::string& s : samples) {
    for (std::string_view l : split(s, '\n')) lines.emplace_back(l);
  }
  return lines;
}

std::vector<Fix> fixes_of(const Rules& all) {
  std::vector<Fix> fixes;
  for (const Rule* r : all) {
    for (const Fix& f : r->fix) {
      const Fix shown{f.for_, readable(f.text), readable(f.command)};
      // Rules of one id say the same step in several ways: the command decides.
      const auto same = [&](const Fix& o) {
        return o.for_ == shown.for_ && o.command == shown.command &&
               (!o.command.empty() || o.text == shown.text);
      };
      if (std::any_of(fixes.begin(), fixes.end(), same)) continue;
      fixes.push_back(shown);
    }
  }
  return fixes;
}

std::vector<std::vector<Field>> titled(const std::set<std::string>& ids, const RulePack& rules) {
  std::vector<std::vector<Field>> out;
  for (const std::string& id : ids) {
    const Rule* r = rules.definition(id);
    out.push_back({{"finding", id}, {"title", r != nullptr ? readable(r->title) : ""}});
  }
  return out;
}

/// Other rules of the id that say something else than the first one.
std::vector<std::vector<Field>> other_forms(const Rules& all) {
  std::vector<std::vector<Field>> out;
  for (const Rule* r : all) {
    if (r == all[0] || r->cause.empty() || r->cause == all[0]->cause) continue;
    const std::string title =
        r->title.empty() || r->title == all[0]->title ? r->variant : readable(r->title);
    out.push_back({{"form", title}, {"cause", readable(r->cause)}, {"versions", r->versions}});
  }
  return out;
}

std::string how_found(const Rules& all) {
  const bool by_line =
      std::any_of(all.begin(), all.end(), [](const Rule* r) { return !r->literals.empty(); });
  if (by_line) return "";
  // Findings of a check name it first among their sources.
  for (const Rule* r : all) {
    if (!r->source.empty() && r->source.front().starts_with("rankdx "))
      return "No log line says this: `" + r->source.front() + "` sees it.";
  }
  return "No single line says this: it follows from what all ranks have printed together, or have "
         "not.";
}

std::set<std::string> causes_of(std::string_view id, const RulePack& rules) {
  std::set<std::string> out;
  for (const Rule& r : rules.rules()) {
    if (std::find(r.explains.begin(), r.explains.end(), id) != r.explains.end()) out.insert(r.id);
  }
  return out;
}

}  // namespace

std::string readable(std::string_view text) {
  std::map<std::string, std::string> names;
  for (const std::string& name : template_names(text)) names[name] = "<" + name + ">";
  return fill(text, names);
}

std::string role_in_words(const Rule& rule) {
  if (!rule.harmless.empty()) return "harmless";
  return replace_all(to_string(rule.role), "-", " ");
}

std::vector<std::string_view> finding_ids(const RulePack& rules) {
  std::set<std::string_view> ids;
  for (const Rule& r : rules.rules()) ids.insert(r.id);
  return {ids.begin(), ids.end()};
}

std::optional<Page> finding_page(std::string_view id, const RulePack& rules) {
  const Rules all = rules_of(id, rules);
  if (all.empty()) return std::nullopt;
  const Rule& rule = *all[0];
  Page page{"finding", rule.id, readable(rule.title)};
  const bool harmless = !rule.harmless.empty();
  page.fields("class", "",
              {{"role", role_in_words(rule)},
               {"severity", harmless ? "" : std::string(to_string(rule.severity))},
               {"confidence", harmless ? "" : std::string(to_string(rule.confidence))},
               {"layer", std::string(to_string(rule.layer))},
               {"versions", rule.versions}});
  if (harmless) page.text("harmless", "Why it needs no action", {readable(rule.harmless)});
  page.text("meaning", "What it means", {readable(rule.cause), how_found(all)});
  page.records("other_forms", "Other forms", other_forms(all));
  page.code("bad", "How it looks", lines_of(gathered(all, &Rule::bad)));
  page.code("good", "What looks alike but is not it", lines_of(gathered(all, &Rule::good)));
  page.fix("fix", "What to do", fixes_of(all));
  const auto ids = [&](std::vector<std::string> Rule::*field) {
    const std::vector<std::string> list = gathered(all, field);
    return std::set<std::string>(list.begin(), list.end());
  };
  page.records("explains", "What follows from it", titled(ids(&Rule::explains), rules));
  page.records("caused_by", "What can stand behind it", titled(causes_of(id, rules), rules));
  page.records("unless", "Not said when one of these is found", titled(ids(&Rule::unless), rules));
  page.list("needs", "What would decide an open case", gathered(all, &Rule::needs));
  page.list("source", "Source", gathered(all, &Rule::source));
  page.list("references", "References", gathered(all, &Rule::references));
  return page;
}

}  // namespace rankdx
