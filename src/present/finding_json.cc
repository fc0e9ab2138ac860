#include "present/finding_json.h"

#include <nlohmann/json.hpp>

#include "present/safe_text.h"

namespace rankdx {
namespace {

OrderedJson number_or_null(const std::optional<int>& number) {
  return number ? OrderedJson(*number) : OrderedJson(nullptr);
}

OrderedJson where_to_json(const Where& w) {
  return {{"host", text_or_null(w.host)},   {"pod", text_or_null(w.pod)},
          {"rank", number_or_null(w.rank)}, {"gpu", number_or_null(w.gpu)},
          {"peer", text_or_null(w.peer)},   {"interface", text_or_null(w.interface)}};
}

OrderedJson evidence_to_json(const Evidence& e) {
  OrderedJson json = {{"source", e.source}, {"line", e.line}, {"text", e.text}};
  if (e.column) json["column"] = e.column;
  return json;
}

OrderedJson fix_to_json(const Fix& fix) {
  OrderedJson json = {{"for", fix.for_}, {"text", fix.text}};
  if (!fix.command.empty()) json["command"] = fix.command;
  return json;
}

}  // namespace

OrderedJson text_or_null(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

OrderedJson finding_to_json(const Finding& f) {
  OrderedJson json = {{"id", f.id},
                      {"role", to_string(f.role)},
                      {"severity", to_string(f.severity)},
                      {"confidence", to_string(f.confidence)},
                      {"layer", to_string(f.layer)},
                      {"title", f.title},
                      {"cause", f.cause}};
  json["where"] = OrderedJson::array();
  for (const Where& w : f.where) json["where"].push_back(where_to_json(w));
  json["evidence"] = OrderedJson::array();
  for (const Evidence& e : f.evidence) json["evidence"].push_back(evidence_to_json(e));
  json["fix"] = OrderedJson::array();
  for (const Fix& fix : f.fix) json["fix"].push_back(fix_to_json(fix));
  json["references"] = f.references;
  json["needs"] = f.needs;
  return json;
}

OrderedJson findings_to_json(const std::vector<Finding>& findings) {
  OrderedJson list = OrderedJson::array();
  for (const Finding& f : findings) list.push_back(finding_to_json(f));
  return list;
}

std::string dumped(const OrderedJson& json) {
  return safe_json(json.dump(2, ' ', false, OrderedJson::error_handler_t::replace)) + "\n";
}

}  // namespace rankdx
