// Limits of the process that counts: locked memory, open files, processes.
#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/text.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

struct Limit {
  bool unlimited = false;
  uint64_t soft = 0;
};

/// "Max locked memory         8388608              8388608              bytes".
std::optional<Limit> limit_of(std::string_view limits, std::string_view label) {
  for (const std::string_view line : split(limits, '\n')) {
    if (!line.starts_with(label)) continue;
    std::string_view rest;
    const std::string_view soft = take_until(trim(line.substr(label.size())), ' ', rest);
    if (soft == "unlimited") return Limit{true, 0};
    if (const auto n = parse_int<uint64_t>(soft)) return Limit{false, *n};
  }
  return std::nullopt;
}

bool has_rdma(const HostView& host) {
  const auto devices = host.list("/sys/class/infiniband");
  return devices && !devices->empty();
}

void check_memlock(const PodContext& ctx, std::string_view text, const std::string& source,
                   Checklist& out) {
  const auto limit = limit_of(text, "Max locked memory");
  if (!limit) return out.unknown("limit-memlock", "no such line", source);
  const std::string value = limit->unlimited ? "unlimited" : bytes_text(limit->soft);
  if (limit->unlimited || !has_rdma(ctx.host)) {
    return out.ok("limit-memlock",
                  limit->unlimited ? value : value + " (no RDMA device needs more)", source);
  }
  Problem low{"memlock-limit",
              Layer::Container,
              fmt::format("Locked memory is limited to {}", value),
              "RDMA pins its buffers: creating queues or registering memory fails with ENOMEM.",
              {{"kubernetes", "Add the capability, or raise the limit of the container runtime",
                "securityContext: {capabilities: {add: [IPC_LOCK]}}"},
               {"docker", "Lift the limit", "docker run --ulimit memlock=-1 ..."},
               {"slurm", "Do not pass the login node's limit on",
                "PropagateResourceLimitsExcept=MEMLOCK"}}};
  const bool capable = [&] {
    // CAP_IPC_LOCK (14) lifts the limit.
    const auto status = ctx.host.read(ctx.process_dir() + "status", 65536).value_or("");
    for (const std::string_view line : split(status, '\n')) {
      if (!line.starts_with("CapEff:")) continue;
      return (parse_hex(trim(line.substr(7))).value_or(0) >> 14 & 1) != 0;
    }
    return false;
  }();
  if (capable) return out.ok("limit-memlock", value + ", lifted by CAP_IPC_LOCK", source);
  out.failed("limit-memlock", value, source, std::move(low));
}

void check_count(std::string id, std::string_view label, uint64_t least, std::string_view text,
                 const std::string& source, Problem problem, Checklist& out) {
  const auto limit = limit_of(text, label);
  if (!limit) return out.unknown(std::move(id), "no such line", source);
  const std::string value = limit->unlimited ? "unlimited" : std::to_string(limit->soft);
  if (limit->unlimited || limit->soft >= least) return out.ok(std::move(id), value, source);
  problem.title += fmt::format(" ({})", limit->soft);
  out.warning(std::move(id), value, source, std::move(problem));
}

}  // namespace

void check_limits(const PodContext& ctx, Checklist& out) {
  const std::string source = ctx.process_dir() + "limits";
  const auto text = ctx.host.read(source, 65536);
  if (!text) {
    for (const auto* id : {"limit-memlock", "limit-nofile", "limit-nproc"}) {
      out.unknown(id, text.error().text, source);
    }
    return;
  }
  check_memlock(ctx, *text, source, out);
  // A rank opens sockets per peer and channel, safetensors shards and CUDA's device files.
  check_count("limit-nofile", "Max open files", 4096, *text, source,
              {"open-files-limit",
               Layer::Container,
               "Few files may be open",
               "Large jobs run out of descriptors for sockets: \"Too many open files\".",
               {{"docker", "Raise the limit", "docker run --ulimit nofile=1048576 ..."},
                {"any", "Raise it before the start", "ulimit -n 65536"}}},
              out);
  check_count("limit-nproc", "Max processes", 4096, *text, source,
              {"process-limit",
               Layer::Container,
               "Few processes and threads may run",
               "Each rank starts dozens of threads; creating one then fails with EAGAIN.",
               {{"any", "Raise it before the start", "ulimit -u 65536"}}},
              out);
}

}  // namespace rankdx
