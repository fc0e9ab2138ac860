#include "probe/mesh/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "present/check_report.h"
#include "present/finding_json.h"
#include "present/safe_text.h"
#include "present/table.h"

namespace rankdx {
namespace {

constexpr size_t kLargestMatrix = 20, kMostRows = 60;
constexpr std::array<std::string_view, kPathStatuses> kCells = {
    "ok",     "filt",  "rej",     "refu",  "route", "arp", "closed",
    "silent", "WRONG", "foreign", "token", "MTU",   "-"};

OrderedJson members_json(const MeshData& data) {
  OrderedJson out = OrderedJson::array();
  for (const MeshMember& m : data.members) {
    OrderedJson addresses = OrderedJson::array();
    for (const MeshAddress& a : m.addresses) {
      addresses.push_back({{"interface", a.interface},
                           {"address", a.address},
                           {"mtu", a.mtu},
                           {"nccl", a.chosen},
                           {"tested", a.tested}});
    }
    out.push_back({{"index", m.index},
                   {"name", m.name},
                   {"present", m.present()},
                   {"nccl_choice", text_or_null(m.choice)},
                   {"addresses", addresses}});
  }
  return out;
}

OrderedJson number_or_null(double value) {
  return value > 0 ? OrderedJson(value) : OrderedJson(nullptr);
}

OrderedJson ways_json(const MeshData& data) {
  OrderedJson out = OrderedJson::array();
  for (const Observation& o : data.observations) {
    const MeshMember& to = data.members[static_cast<size_t>(o.to)];
    const MeshAddress& a = to.addresses[static_cast<size_t>(o.address)];
    const auto who = std::find_if(data.members.begin(), data.members.end(),
                                  [&](const auto& m) { return m.present() && m.id == o.answered; });
    out.push_back(
        {{"from", o.from},
         {"to", o.to},
         {"interface", a.interface},
         {"address", a.address},
         {"status", to_string(o.status)},
         {"connect_ms", number_or_null(static_cast<double>(o.connect_us) / 1000)},
         {"rtt_ms", number_or_null(static_cast<double>(o.rtt_us) / 1000)},
         {"path_mtu", o.path_mtu > 0 ? OrderedJson(o.path_mtu) : OrderedJson(nullptr)},
         {"mbit_s", number_or_null(o.mbit_s)},
         {"clock_offset_s",
          o.clock_offset_s ? OrderedJson(*o.clock_offset_s) : OrderedJson(nullptr)},
         {"answered", who == data.members.end() ? OrderedJson(nullptr) : OrderedJson(who->name)}});
  }
  return out;
}

std::string mesh_json(const MeshData& data, const MeshVerdict& verdict) {
  OrderedJson json = OrderedJson::parse(check_json(verdict.report), nullptr, false);
  json["mesh"] = {{"interface_setting", text_or_null(verdict.interface_setting)},
                  {"members", members_json(data)},
                  {"ways", ways_json(data)}};
  return dumped(json);
}

/// Ways that fail, one a line, where a matrix would not fit.
std::string failing_text(const MeshData& data, size_t width) {
  Table table({"from", "to", "interface", "address", "result"});
  size_t shown = 0;
  for (const Observation& o : data.observations) {
    if (o.status == PathStatus::Ok || ++shown > kMostRows) continue;
    const MeshMember& to = data.members[static_cast<size_t>(o.to)];
    const MeshAddress& a = to.addresses[static_cast<size_t>(o.address)];
    table.add({safe_text(data.members[static_cast<size_t>(o.from)].name), safe_text(to.name),
               safe_text(a.interface), safe_text(a.address), std::string(to_string(o.status))});
  }
  return table.empty() ? "" : table.text(width);
}

}  // namespace

std::string matrix_text(const MeshData& data, size_t width) {
  std::map<std::pair<int, int>, std::string> cells;
  for (const Observation& o : data.observations) {
    const MeshAddress& a =
        data.members[static_cast<size_t>(o.to)].addresses[static_cast<size_t>(o.address)];
    if (a.chosen) cells[{o.from, o.to}] = kCells[static_cast<size_t>(o.status)];
  }
  std::vector<std::string> header = {"from \\ to"};
  for (const MeshMember& m : data.members) header.push_back(std::to_string(m.index));
  Table table(header);
  for (const MeshMember& from : data.members) {
    std::vector<std::string> row = {fmt::format("{} {}", from.index, safe_text(from.name))};
    for (const MeshMember& to : data.members) {
      const auto it = cells.find({from.index, to.index});
      row.push_back(from.index == to.index ? "." : it == cells.end() ? "?" : it->second);
    }
    table.add(std::move(row));
  }
  return table.text(width);
}

std::string render_mesh(const MeshData& data, const MeshVerdict& verdict, std::string_view form,
                        const TextStyle& style) {
  if (form == "json") return mesh_json(data, verdict);
  std::string out = render_check(verdict.report, form, style);
  if (form != "text") return out;
  const auto width = static_cast<size_t>(std::max(style.width, 40));
  if (data.members.size() <= kLargestMatrix) {
    out += "\n" + matrix_text(data, width);
  }
  const std::string failing = failing_text(data, width);
  return failing.empty() ? out : out + "\n" + failing;
}

}  // namespace rankdx
