// A Page as JSON: {"schema": "rankdx.explain/1", "kind", "name", "title", one member per section,
// "parts"}.
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "explain/page.h"
#include "present/finding_json.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

OrderedJson object_of(const std::vector<Field>& fields) {
  OrderedJson object = OrderedJson::object();
  for (const auto& [label, value] : fields)
    object[replace_all(lower(safe_text(label)), " ", "_")] = safe_text(value);
  return object;
}

OrderedJson value_of(const Section& s) {
  OrderedJson list = OrderedJson::array();
  switch (s.kind) {
    case Section::Kind::Fields:
      return object_of(s.rows[0]);
    case Section::Kind::Records:
      for (const auto& record : s.rows) list.push_back(object_of(record));
      return list;
    case Section::Kind::Fixes:
      for (const Fix& f : s.fixes) {
        list.push_back(
            {{"for", safe_text(f.for_)}, {"text", safe_text(f.text)}, {"command", nullptr}});
        if (!f.command.empty()) list.back()["command"] = safe_text(f.command);
      }
      return list;
    default:
      for (const std::string& l : s.lines) list.push_back(safe_text(l));
      return list;
  }
}

OrderedJson page_of(const Page& page) {
  OrderedJson json = {{"kind", page.kind}, {"name", nullptr}, {"title", safe_text(page.title)}};
  if (!page.name.empty()) json["name"] = safe_text(page.name);
  for (const Section& s : page.sections) json[s.key] = value_of(s);
  for (const Page& part : page.parts) json["parts"].push_back(page_of(part));
  return json;
}

}  // namespace

std::string page_as_json(const Page& page) {
  OrderedJson json = {{"schema", "rankdx.explain/1"}};
  json.update(page_of(page));
  return dumped(json);
}

}  // namespace rankdx
