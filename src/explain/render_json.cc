// A Page as JSON: {"schema": "rankdx.explain/1", "kind", "name", "title", one member per section,
// "parts"}.
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "explain/page.h"

namespace rankdx {
namespace {

using Json = nlohmann::ordered_json;

Json object_of(const std::vector<Field>& fields) {
  Json object = Json::object();
  for (const auto& [label, value] : fields)
    object[replace_all(lower(printable(label)), " ", "_")] = printable(value);
  return object;
}

Json value_of(const Section& s) {
  Json list = Json::array();
  switch (s.kind) {
    case Section::Kind::Fields:
      return object_of(s.rows[0]);
    case Section::Kind::Records:
      for (const auto& record : s.rows) list.push_back(object_of(record));
      return list;
    case Section::Kind::Fixes:
      for (const Fix& f : s.fixes) {
        list.push_back(
            {{"for", printable(f.for_)}, {"text", printable(f.text)}, {"command", nullptr}});
        if (!f.command.empty()) list.back()["command"] = printable(f.command);
      }
      return list;
    default:
      for (const std::string& l : s.lines) list.push_back(printable(l));
      return list;
  }
}

Json page_of(const Page& page) {
  Json json = {{"kind", page.kind}, {"name", nullptr}, {"title", printable(page.title)}};
  if (!page.name.empty()) json["name"] = printable(page.name);
  for (const Section& s : page.sections) json[s.key] = value_of(s);
  for (const Page& part : page.parts) json["parts"].push_back(page_of(part));
  return json;
}

}  // namespace

std::string page_as_json(const Page& page) {
  Json json = {{"schema", "rankdx.explain/1"}};
  json.update(page_of(page));
  return json.dump(2) + "\n";
}

}  // namespace rankdx
