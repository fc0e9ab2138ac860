// Versions, environment, plugins and the life of a communicator (init.cc, bootstrap.cc,
// misc/param.cc of NCCL).
#include <algorithm>
#include <iterator>

#include "events/nccl/parsers.h"

namespace rankdx::nccl {
namespace {

bool is_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// Numbers are printed with a full stop behind them, and so is this one text (param.cc;
/// NCCL_COLLNET_ENABLE in init.cc).
std::string_view without_full_stop(std::string_view name, std::string_view value) {
  if (!value.ends_with('.')) return value;
  const std::string_view shorter = value.substr(0, value.size() - 1);
  return is_number(shorter) || name == "NCCL_COLLNET_ENABLE" ? shorter : value;
}

bool take_field(Cursor& at, int& field) { return at.take_int(field); }

/// One "key value" of a line about a communicator.
struct Field {
  std::string_view key;
  bool (*take)(Cursor&, Event&);
};

constexpr Field kFields[] = {
    {"busId", [](Cursor& at, Event& e) { return e.has_bus_id = at.take_hex(e.bus_id); }},
    {"childCount", [](Cursor& at, Event& e) { return take_field(at, e.split_count); }},
    {"color", [](Cursor& at, Event& e) { return e.has_color = take_field(at, e.color); }},
    {"comm", [](Cursor& at, Event& e) { return at.take_pointer(e.comm); }},
    {"commId", [](Cursor& at, Event& e) { return e.has_comm_id = at.take_pointer(e.comm_id); }},
    {"cudaDev", [](Cursor& at, Event& e) { return take_field(at, e.cuda_dev); }},
    {"key", [](Cursor& at, Event& e) { return take_field(at, e.key); }},
    {"localRank", [](Cursor& at, Event& e) { return take_field(at, e.local_rank); }},
    {"localRanks", [](Cursor& at, Event& e) { return take_field(at, e.local_ranks); }},
    {"nNodes", [](Cursor& at, Event& e) { return take_field(at, e.n_nodes); }},
    {"nRanks", [](Cursor& at, Event& e) { return take_field(at, e.nranks); }},
    {"nranks", [](Cursor& at, Event& e) { return take_field(at, e.nranks); }},
    {"nvmlDev", [](Cursor& at, Event& e) { return take_field(at, e.nvml_dev); }},
    {"parent", [](Cursor& at, Event& e) { return at.take_pointer(e.parent); }},
    {"rank", [](Cursor& at, Event& e) { return take_field(at, e.rank); }},
    {"splitCount", [](Cursor& at, Event& e) { return take_field(at, e.split_count); }},
};
static_assert(std::is_sorted(std::begin(kFields), std::end(kFields),
                             [](const Field& a, const Field& b) { return a.key < b.key; }));

/// Fields that are read over: neighbours of bootstrapSplit, the flag of multi-node NVLink.
constexpr std::string_view kIgnoredFields[] = {"MNNVL", "next", "prev"};

/// Takes "key value" pairs up to the dash or the end. False at a word that is no key or a value
/// that is none: the line is cut.
bool take_fields(Cursor& at, Event& event) {
  while (!at.at_end()) {
    at.skip_blanks();
    if (at.at_end() || at.take("- ")) return true;
    const std::string_view key = at.take_word();
    const auto field =
        std::lower_bound(std::begin(kFields), std::end(kFields), key,
                         [](const Field& f, std::string_view k) { return f.key < k; });
    if (field != std::end(kFields) && field->key == key) {
      if (!field->take(at, event)) return false;
    } else if (std::count(std::begin(kIgnoredFields), std::end(kIgnoredFields), key)) {
      at.take_word();
      continue;
    } else {
      return false;
    }
    // "key 0- Init START": no blank before the dash in 2.23 to 2.30 (init.cc).
    if (!at.at_end() && at.rest().front() != ' ' && at.rest().front() != '-') return false;
  }
  return true;
}

struct Ending {
  std::string_view text;
  EventKind kind;
  std::string_view value;
  bool start;
};

constexpr Ending kEndings[] = {
    {"Abort COMPLETE", EventKind::Destroy, "Abort", false},
    {"Abort START", EventKind::Destroy, "Abort", true},
    {"COMPLETE", EventKind::InitComplete, "", false},  // 2.3.7
    {"Destroy COMPLETE", EventKind::Destroy, "Destroy", false},
    {"Init COMPLETE", EventKind::InitComplete, "", false},
    {"Init START", EventKind::InitStart, "", false},
    {"Revoke COMPLETE", EventKind::Destroy, "Revoke", false},
    {"Revoke START", EventKind::Destroy, "Revoke", true},
};

/// What a line without an ending says: the layout, or the START of 2.3 and 2.4.
bool set_kind_of_plain_line(Event& event) {
  if (event.n_nodes >= 0) {
    event.kind = EventKind::Layout;
    return event.rank >= 0 && event.nranks > 0 && event.local_ranks >= 0 && event.local_rank >= 0;
  }
  event.kind = EventKind::InitStart;
  const bool later_form =
      event.has_bus_id || event.has_comm_id || event.parent || !event.func.empty();
  const bool whole = (event.cuda_dev >= 0) == (event.nvml_dev >= 0);
  return event.rank >= 0 && event.nranks > 0 && whole && !later_form;
}

}  // namespace

bool parse_banner(Cursor at, Event& event) {
  event.value = trim(at.rest());
  return !event.value.empty();
}

bool parse_driver_version(Cursor at, Event& event) { return at.take_int(event.count); }

bool parse_env(Cursor at, Event& event) {
  const std::string_view body = at.body();
  event.name = body.substr(0, body.find(' '));
  at = Cursor(body, std::min(body.size(), event.name.size() + 1));
  if (!at.take("set by environment to") && !at.take("set from environment to") &&
      !at.take("set to"))
    return false;
  event.value = without_full_stop(event.name, trim(at.rest()));
  return true;
}

bool parse_env_invalid(Cursor at, Event& event) {
  return at.take_until(" for ", event.value) && at.take_until(", using default", event.name);
}

// "Invalid NCCL_NTHREADS 7 (must be a multiple of 32)", 2.27.3 and later (graph/tuning.cc).
bool parse_env_out_of_range(Cursor at, Event& event) {
  at = Cursor(at.body());
  if (!at.take("Invalid ")) return false;
  event.name = at.take_word();
  event.value = at.take_word();
  return is_number(event.value) && at.take("(");
}

bool parse_comm_config(Cursor at, Event& event) {
  if (!at.take_until(" set to ", event.name)) return false;
  event.value = trim(at.rest());
  return true;
}

bool parse_tuner_plugin(Cursor at, Event& event) {
  event.name = "TUNER";
  event.value = at.rest();
  return true;
}

bool parse_comm(Cursor at, Event& event) {
  // The function name stands before the pointer from 2.21.5 on.
  const std::string_view body = at.body();
  const size_t comm = body.find("comm ");
  event.func = trim(body.substr(0, comm));
  at = Cursor(body, comm);
  if (!take_fields(at, event)) return false;
  if (at.at_end()) return !body.ends_with("- ") && set_kind_of_plain_line(event);
  for (const Ending& ending : kEndings) {
    if (!at.rest().starts_with(ending.text)) continue;
    event.kind = ending.kind;
    event.value = ending.value;
    event.start = ending.start;
    return event.rank >= 0;
  }
  return false;
}

bool parse_destroyed(Cursor at, Event& event) {
  event.value = "Destroy";
  return at.take_pointer(event.comm) && at.take(" rank ") && at.take_int(event.rank);
}

bool parse_bootstrap_split(Cursor at, Event& event) {
  return take_fields(at, event) && at.take("DONE") && event.rank >= 0;
}

bool parse_rank(Cursor at, Event& event) {
  if (!at.take_int(event.rank)) return false;
  if (at.take(" Connected CollNet")) {
    event.kind = EventKind::Connected;
    event.name = "collnet";
    return true;
  }
  return at.take(" nranks ") && at.take_int(event.nranks) && trim(at.rest()).empty();  // 2.3
}

bool parse_split_no_color(Cursor at, Event& event) {
  return at.take_int(event.rank) && at.take(" has color with NCCL_SPLIT_NOCOLOR");
}

bool parse_bootstrap_timings(Cursor at, Event& event) {
  const auto seconds = parse_double(at.take_word());
  event.seconds = seconds.value_or(-1);
  return seconds.has_value();
}

/// "(kernels 0.00, bootstrap 12.10, allgathers 0.09, ...)": what was spent in waiting for other
/// ranks. A cut list says nothing.
void take_waited(Cursor at, Event& event) {
  double waited = 0;
  int found = 0;
  std::string_view list = at.rest();
  if (!list.starts_with('(') || !trim(list).ends_with(')')) return;
  list.remove_prefix(1);
  for (std::string_view part : split(list, ',')) {
    part = trim(part);
    const size_t blank = part.find(' ');
    if (blank == part.npos) return;
    const std::string_view name = part.substr(0, blank);
    if (name != "bootstrap" && name != "allgathers") continue;
    const auto seconds = parse_double(part.substr(blank + 1));
    if (!seconds) return;
    waited += *seconds;
    ++found;
  }
  if (found == 2) event.waited_seconds = waited;
}

bool parse_init_timings(Cursor at, Event& event) {
  // 2.22.3 has no function name: "Init timings: rank 0 nranks 4 total 0.50 (...".
  if (at.take(" - ")) {
    if (!at.take_until(": ", event.func)) return false;
  } else if (!at.take(": ")) {
    return false;
  }
  const bool whole = at.take("rank ") && at.take_int(event.rank) && at.take(" nranks ") &&
                     at.take_int(event.nranks) && at.take(" total ") &&
                     parse_bootstrap_timings(at, event);
  if (whole) {
    at.take_word();
    at.skip_blanks();
    take_waited(at, event);
  }
  return whole;
}

bool parse_connect_timings(Cursor at, Event& event) {
  return at.take_int(event.rank) && at.take(" nranks ") && at.take_int(event.nranks) &&
         at.take(" P2p connect done in ") && parse_bootstrap_timings(at, event);
}

}  // namespace rankdx::nccl
