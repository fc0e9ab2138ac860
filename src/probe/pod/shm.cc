// /dev/shm: NCCL's shared-memory transport and vLLM's message queue live there.
#include <fmt/format.h>

#include <algorithm>

#include "probe/pod/checks.h"

namespace rankdx {
namespace {

constexpr std::string_view kShm = "/dev/shm";
/// Container engines give 64 MiB. NCCL takes up to about 10 MiB per pair of neighbours and channel
/// group without cuMem, vLLM 24 MiB and more for its queues: below 1 GiB a multi-GPU start is at
/// risk.
constexpr uint64_t kDefaultBytes = 64ULL << 20, kComfortBytes = 1ULL << 30;

const std::vector<Fix>& fixes() {
  static const std::vector<Fix> list = {
      {"kubernetes", "Mount a memory-backed emptyDir at /dev/shm",
       "volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 16Gi}}]"},
      {"docker", "Give the container more shared memory",
       "docker run --ipc=host ...  (or "
       "--shm-size=16g)"},
      {"runai", "Ask for large shared memory", "runai ... --large-shm"}};
  return list;
}

struct Leftovers {
  size_t files = 0;
  uint64_t bytes = 0;
};

Result<Leftovers> leftovers(const HostView& host) {
  Leftovers out;
  for (const std::string& n : RANKDX_TRY(host.list(kShm))) {
    if (!n.starts_with("nccl-") && !n.starts_with("psm_") && !n.starts_with("torch_")) continue;
    ++out.files;
    out.bytes += host.file_bytes(std::string(kShm) + "/" + n).value_or(0);
  }
  return out;
}

void check_leftovers(const PodContext& ctx, const FilesystemUsage& usage, Checklist& out) {
  const auto seen = leftovers(ctx.host);
  if (!seen) return out.unknown("shm-segments", seen.error().text, std::string(kShm));
  const Leftovers& old = *seen;
  const std::string value = fmt::format("{} segments, {}", old.files, bytes_text(old.bytes));
  if (ctx.server || old.files == 0 || old.bytes < usage.size_bytes / 4) {
    return out.ok("shm-segments", value, std::string(kShm));
  }
  out.warning(
      "shm-segments", value, std::string(kShm),
      {"shm-leftover-segments",
       Layer::Container,
       "/dev/shm holds segments although no vLLM process runs",
       "Segments of killed processes stay until they are removed; a container restart in "
       "the same pod keeps them.",
       {{"any", "Remove them before the next start", "rm -f /dev/shm/nccl-* /dev/shm/psm_*"}},
       {},
       Confidence::Likely});
}

}  // namespace

void check_shm(const PodContext& ctx, Checklist& out) {
  const std::string source(kShm);
  const auto usage = ctx.host.filesystem(kShm);
  if (!usage && usage.error().code != ErrorCode::Empty) {
    return out.unknown("shm", usage.error().text, source);
  }
  if (!usage) {
    return out.failed("shm", "missing", source,
                      {"shm-not-writable", Layer::Container, "There is no /dev/shm",
                       "NCCL and vLLM create shared-memory segments there.", fixes()});
  }
  const std::string value =
      fmt::format("{}, {} free", bytes_text(usage->size_bytes), bytes_text(usage->free_bytes));
  if (usage->read_only || ctx.host.writable(kShm) != Access::Yes) {
    return out.failed(
        "shm", value + ", not writable", source,
        {"shm-not-writable",
         Layer::Container,
         "/dev/shm cannot be written",
         "It is mounted read-only or its mode keeps this user out.",
         {{"any", "Mount it with mode 1777", "mount -o remount,rw,mode=1777 /dev/shm"}}});
  }
  const uint64_t size = usage->size_bytes;
  Problem small{"shm-too-small", Layer::Container,
                fmt::format("/dev/shm is small ({})", bytes_text(size)),
                "With several GPUs per host NCCL's segments fill it: creating one fails with \"No "
                "space left on device\" or the process dies of SIGBUS.",
                fixes()};
  const auto gpus = std::max<size_t>(ctx.nvml.gpus.size(),
                                     static_cast<size_t>(ctx.options.expected_gpus.value_or(0)));
  if (gpus == 1 && size >= kDefaultBytes) {
    // One GPU has no neighbour in this container to share memory with.
    out.ok("shm", value + "; enough for one GPU", source);
  } else if (size <= kDefaultBytes && gpus > 1) {
    small.title = fmt::format("/dev/shm has the container default of {}", bytes_text(size));
    out.failed("shm", value, source, std::move(small));
  } else if (size < kComfortBytes || usage->free_bytes < kDefaultBytes) {
    small.confidence = Confidence::Possible;
    out.warning("shm", value, source, std::move(small));
  } else {
    out.ok("shm", value, source);
  }
  check_leftovers(ctx, *usage, out);
}

}  // namespace rankdx
