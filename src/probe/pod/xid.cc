// Xid errors of the driver in the kernel log: the library has no counter for them.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

/// Application errors: the program's fault, not the GPU's (NVIDIA's Xid catalogue). Sorted.
constexpr std::array<int, 6> kOfPrograms = {13, 31, 43, 45, 68, 69};

/// Counts by number of "NVRM: Xid (PCI:0000:1b:00): 79, ...".
std::map<int, int> count_xids(std::string_view log) {
  std::map<int, int> out;
  for (const std::string_view line : split(log, '\n')) {
    const size_t at = line.find("NVRM: Xid (");
    if (at == std::string_view::npos) continue;
    const size_t colon = line.find("): ", at);
    if (colon == std::string_view::npos) continue;
    std::string_view rest;
    if (const auto xid = parse_int<int>(trim(take_until(line.substr(colon + 3), ',', rest)))) {
      ++out[*xid];
    }
  }
  return out;
}

/// The kernel's ring buffer: one record per read, EAGAIN at the end.
Result<std::string> kernel_log(const HostView& host) {
  if (!host.is_this_machine()) return host.read("/dev/kmsg", 4 << 20);
  const int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return fail(ErrorCode::Unreadable, "not readable here");
  std::string out;
  char record[8192];
  for (int i = 0; i < 20000 && out.size() < (4 << 20); ++i) {
    const ssize_t n = read(fd, record, sizeof record);
    if (n > 0) out.append(record, static_cast<size_t>(n)).push_back('\n');
    // EPIPE: records were overwritten while we read; the next call goes on.
    if (n == 0 || (n < 0 && errno != EPIPE && errno != EINTR)) break;
  }
  return out;
}

}  // namespace

void check_xid(const PodContext& ctx, Checklist& out) {
  if (ctx.nvml.state != NvmlSnapshot::State::Read && !ctx.host.exists("/proc/driver/nvidia"))
    return;
  const auto log = kernel_log(ctx.host);
  if (!log) {
    return out.unknown("gpu-xid",
                       "the kernel log is readable for root of the host only: run "
                       "`rankdx check host` on the node, or dmesg | grep Xid",
                       "/dev/kmsg");
  }
  const auto xids = count_xids(*log);
  std::string of_gpu, of_programs;
  for (const auto& [xid, count] : xids) {
    const bool program = std::binary_search(kOfPrograms.begin(), kOfPrograms.end(), xid);
    std::string& text = program ? of_programs : of_gpu;
    text += fmt::format("{}Xid {}{}", text.empty() ? "" : ", ", xid,
                        count > 1 ? fmt::format(" ({} times)", count) : "");
  }
  if (of_gpu.empty()) {
    return out.ok("gpu-xid", of_programs.empty() ? "none" : of_programs + ": faults of programs",
                  "/dev/kmsg");
  }
  out.warning("gpu-xid", of_gpu, "/dev/kmsg",
              {"gpu-hardware-fault",
               Layer::Hardware,
               "The driver logged GPU errors: " + of_gpu,
               "These Xid numbers stand for faults of the GPU, its memory or its links since the "
               "node started.",
               {{"any",
                 "Look the numbers up in NVIDIA's Xid catalogue; drain the node when they "
                 "repeat",
                 "dmesg -T | grep Xid"}},
               {},
               Confidence::Likely});
}

}  // namespace rankdx
