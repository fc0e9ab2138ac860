// The memory that the control group (version 1 or 2) leaves, and whether the kernel has killed
// something in it.
#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

struct Group {
  std::string source;
  std::optional<uint64_t> limit_bytes;  ///< absent: none
  uint64_t used_bytes = 0;
  std::optional<uint64_t> kills;
};

/// The number behind "key " in a file of such lines.
std::optional<uint64_t> keyed(const std::string& text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    std::string_view value;
    if (take_until(line, ' ', value) == key) return parse_int<uint64_t>(trim(value));
  }
  return std::nullopt;
}

std::optional<Group> version_2(const HostView& host) {
  const std::string dir = "/sys/fs/cgroup/";
  const auto limit = host.line(dir + "memory.max");
  if (!limit) return std::nullopt;
  Group g{dir + "memory.max", parse_int<uint64_t>(*limit), 0, {}};
  g.used_bytes = static_cast<uint64_t>(host.number(dir + "memory.current").value_or(0));
  g.kills = keyed(host.line(dir + "memory.events").value_or(""), "oom_kill");
  return g;
}

std::optional<Group> version_1(const HostView& host) {
  const std::string dir = "/sys/fs/cgroup/memory/";
  const auto limit = host.number(dir + "memory.limit_in_bytes");
  if (!limit) return std::nullopt;
  Group g{dir + "memory.limit_in_bytes", {}, 0, {}};
  // "No limit" is the largest multiple of the page size that fits.
  if (*limit < (int64_t{1} << 60)) g.limit_bytes = static_cast<uint64_t>(*limit);
  g.used_bytes = static_cast<uint64_t>(host.number(dir + "memory.usage_in_bytes").value_or(0));
  g.kills = keyed(host.line(dir + "memory.oom_control").value_or(""), "oom_kill");
  return g;
}

void check_kills(const Group& g, Checklist& out) {
  if (!g.kills) return out.unknown("oom-kills", "this kernel does not count them", g.source);
  if (*g.kills == 0) return out.ok("oom-kills", "none in this container", g.source);
  out.failed("oom-kills", fmt::format("{} since the container started", *g.kills), g.source,
             {"host-memory-oom",
              Layer::Container,
              "The kernel killed processes of this container for want of memory",
              "A rank that vanished without a message was probably one of them.",
              {{"kubernetes",
                "Raise the memory limit; model loading needs page cache and pinned "
                "buffers beside the weights",
                "resources: {limits: {memory: 256Gi}}"}}});
}

}  // namespace

void check_memory_limit(const PodContext& ctx, Checklist& out) {
  auto group = version_2(ctx.host);
  if (!group) group = version_1(ctx.host);
  if (!group) {
    return out.unknown("memory-limit", "no memory control group is visible", "/sys/fs/cgroup");
  }
  const Group& g = *group;
  const std::string used = bytes_text(g.used_bytes) + " used";
  if (!g.limit_bytes) {
    out.ok("memory-limit", "none, " + used, g.source);
  } else if (g.used_bytes > *g.limit_bytes / 100 * 95) {
    out.warning("memory-limit", fmt::format("{} of {}", used, bytes_text(*g.limit_bytes)), g.source,
                {"host-memory-oom",
                 Layer::Container,
                 "The memory limit is nearly reached",
                 "Page cache counts too and can be given back, but a loading rank may be killed.",
                 {{"kubernetes", "Raise the memory limit", ""}},
                 {},
                 Confidence::Possible});
  } else {
    out.ok("memory-limit", fmt::format("{} of {}", used, bytes_text(*g.limit_bytes)), g.source);
  }
  check_kills(g, out);
}

}  // namespace rankdx
