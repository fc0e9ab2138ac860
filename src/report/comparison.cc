#include "report/comparison.h"

#include <array>
#include <nlohmann/json.hpp>

#include "present/finding_json.h"
#include "present/safe_text.h"
#include "present/table.h"

namespace rankdx {
namespace {

constexpr std::array<std::string_view, 3> kWords = {"named-by-finding", "steering",
                                                    "outcome"};  // in the order of Telling
constexpr std::array<std::string_view, 3> kHeadings = {
    "Named by a finding of the bad run", "What steers the launch", "What came out of it"};
constexpr size_t kMostRows = 40;

std::string or_nothing(const std::string& value) { return value.empty() ? "-" : safe_text(value); }

}  // namespace

std::string comparison_text(const std::vector<Difference>& differences, const Diagnosis& bad,
                            const TextStyle& style) {
  const Paint paint(style.colour);
  std::string out = "Bad run: " + safe_text(bad.summary) + "\n";
  if (differences.empty()) return out + "\nNothing that these logs show differs.\n";
  for (size_t group = 0; group < kHeadings.size(); ++group) {
    Table table({"what", "good", "bad"});
    size_t rows = 0;
    for (const Difference& d : differences) {
      if (static_cast<size_t>(d.telling) != group || ++rows > kMostRows) continue;
      table.add({safe_text(d.what), or_nothing(d.good), or_nothing(d.bad)});
    }
    if (table.empty()) continue;
    out += "\n" + paint(Ink::Bold, kHeadings[group]) + "\n" +
           table.text(static_cast<size_t>(style.width), "  ");
    if (rows > kMostRows) out += "  and " + std::to_string(rows - kMostRows) + " more (-o json)\n";
  }
  return out;
}

std::string comparison_json(const std::vector<Difference>& differences, const Diagnosis& bad) {
  OrderedJson json = {
      {"schema", "rankdx.diff/1"}, {"verdict", to_string(bad.verdict)}, {"summary", bad.summary}};
  json["differences"] = OrderedJson::array();
  for (const Difference& d : differences) {
    json["differences"].push_back({{"what", d.what},
                                   {"good", text_or_null(d.good)},
                                   {"bad", text_or_null(d.bad)},
                                   {"telling", kWords[static_cast<size_t>(d.telling)]}});
  }
  return dumped(json);
}

}  // namespace rankdx
