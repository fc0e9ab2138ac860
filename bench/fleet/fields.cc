#include "fields.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace rankdx::fleet {
namespace {

void number(uint64_t value, std::string& out) {
  const fmt::format_int text(value);
  out.append(text.data(), text.size());
}

void hex(uint64_t value, std::string& out) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:x}"), value);
}

void seconds(double value, std::string& out) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:.2f}"), value);
}

void two_digits(int value, std::string& out) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:02}"), value);
}

/// NCCL's own form of a time of day, "[2026-11-22 10:58:07.689] ", before the prefix of a line.
void prefix(const Slot& slot, const std::string& text, std::string& out) {
  if (slot.plan.has_timestamps) {
    const int64_t ms = slot.time_us / 1000 + int64_t{10} * 3600 * 1000;
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("[2026-11-22 {:02}:{:02}:{:02}.{:03}] "),
                   ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
  }
  out += text;
}

/// A warning always carries its time, and an empty line stands before it.
void warning(const std::string& text, std::string& out) {
  out += "\n[2026-11-22 10:51:22] ";
  out += text;
}

int next(const Slot& s) { return next_in_ring(s.plan, s.channel, s.speaker.place.rank); }
int prev(const Slot& s) { return prev_in_ring(s.plan, s.channel, s.speaker.place.rank); }

/// The first ranks of a ring, up to 2.22.3: twenty at most, four columns each.
void ring20(const Slot& s, std::string& out) {
  int rank = 0;
  for (int i = 0; i < std::min(s.plan.ranks, 20); ++i) {
    fmt::format_to(std::back_inserter(out), " {:3}", rank);
    rank = next_in_ring(s.plan, s.channel, rank);
  }
}

/// Later: as wide as the greatest number, and the whole message is cut at 127 bytes, its last
/// three characters become dots (graph/rings.cc).
void ring127(const Slot& s, std::string& out) {
  constexpr size_t kMostBytes = 127 - 16;  // "Channel 00/02 : "
  const size_t width = fmt::formatted_size("{}", s.plan.ranks - 1);
  std::string text;
  int rank = 0;
  for (int i = 0; i < s.plan.ranks && text.size() <= kMostBytes; ++i) {
    fmt::format_to(std::back_inserter(text), "{}{:{}}", i > 0 ? " " : "", rank, width);
    rank = next_in_ring(s.plan, s.channel, rank);
  }
  out += text.size() > kMostBytes ? text.substr(0, kMostBytes - 3) + "..." : text;
}

void network(const Slot& s, std::string& out) {
  out += s.plan.is_ib ? "NET/IB/" : "NET/Socket/";
  number(s.plan.is_ib ? static_cast<uint64_t>(s.speaker.place.dev) : 0, out);
  if (s.plan.is_ib) out += "/GDRDMA";
}

void hcas(const Slot& s, std::string& out) {
  for (int i = 0; i < s.plan.gpus_per_node; ++i) {
    fmt::format_to(std::back_inserter(out), " [{}]mlx5_{}:1/RoCE", i, i);
  }
}

struct Row {
  std::string_view name;
  Field field;
};
#define FIELD(expr) [](const Slot& s, std::string& out) { (void)s, expr; }
/// Sorted by name.
constexpr std::array<Row, 41> kFields = {{
    {"bootstrap",
     FIELD(fmt::format_to(std::back_inserter(out), "{:.6f}", s.speaker.timings.bootstrap))},
    {"busid", FIELD(out += s.speaker.place.bus_id)},
    {"bytes", FIELD(number((s.call % 17 + 1) * 16384, out))},
    {"call", FIELD(hex(s.call, out))},
    {"channel", FIELD(two_digits(s.channel, out))},
    {"channels", FIELD(two_digits(s.plan.channels, out))},
    {"comm", FIELD(out += s.speaker.comm)},
    {"commid", FIELD(out += s.comm_id)},
    {"count", FIELD(number((s.call % 17 + 1) * 8192, out))},
    {"dev", FIELD(number(s.speaker.place.dev, out))},
    {"hcas", hcas},
    {"iface", FIELD(out += s.speaker.place.interface)},
    {"ip", FIELD(out += s.speaker.place.address)},
    {"kernels", FIELD(seconds(s.speaker.timings.kernels, out))},
    {"localranks", FIELD(number(s.plan.ranks_on(s.speaker.place.node), out))},
    {"lostdev", FIELD(number(std::max(0, s.speaker.fate.lost_local), out))},
    {"nchannels", FIELD(number(s.plan.channels, out))},
    {"net", network},
    {"next", FIELD(number(next(s), out))},
    {"nextdev", FIELD(number(next(s) % s.plan.gpus_per_node, out))},
    {"nnodes", FIELD(number(s.plan.nodes(), out))},
    {"nranks", FIELD(number(s.plan.ranks, out))},
    {"p", FIELD(prefix(s, s.speaker.main, out))},
    {"peer", FIELD(out += s.speaker.fate.peer)},
    {"prev", FIELD(number(prev(s), out))},
    {"prevdev", FIELD(number(prev(s) % s.plan.gpus_per_node, out))},
    {"q", FIELD(prefix(s, s.speaker.proxy, out))},
    {"r", FIELD(prefix(s, s.speaker.root, out))},
    {"rank", FIELD(number(s.speaker.place.rank, out))},
    {"ring127", ring127},
    {"ring20", ring20},
    {"shm", FIELD(hex(noise(s.plan.seed, 8, s.speaker.place.rank) & 0xffffff, out))},
    {"sleep", FIELD(number(s.attempt * 100, out))},
    {"total", FIELD(seconds(s.speaker.timings.total, out))},
    {"trees", FIELD(out += s.speaker.trees)},
    {"try", FIELD(number(s.attempt, out))},
    {"v", FIELD(warning(s.speaker.root_warn, out))},
    {"w", FIELD(warning(s.speaker.main_warn, out))},
    {"wait1", FIELD(seconds(s.speaker.timings.bootstrap, out))},
    {"wait2", FIELD(seconds(s.speaker.timings.allgathers, out))},
    {"work", FIELD(seconds(s.speaker.timings.topo, out))},
}};
#undef FIELD
static_assert(std::is_sorted(kFields.begin(), kFields.end(),
                             [](const Row& a, const Row& b) { return a.name < b.name; }));

}  // namespace

Field find_field(std::string_view name) {
  const auto at = std::lower_bound(kFields.begin(), kFields.end(), name,
                                   [](const Row& row, std::string_view n) { return row.name < n; });
  return at != kFields.end() && at->name == name ? at->field : nullptr;
}

}  // namespace rankdx::fleet
