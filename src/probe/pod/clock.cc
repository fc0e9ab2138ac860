// The clock: against the caller's, and whether the kernel knows it to be disciplined.
#include <fmt/format.h>
#include <sys/timex.h>

#include <chrono>
#include <cmath>

#include "probe/pod/checks.h"

namespace rankdx {
namespace {

/// Logs of several hosts cannot be put in order, and tokens and certificates begin to fail.
constexpr double kWrongSeconds = 2.0;

double now_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

void check_clock(const PodContext& ctx, Checklist& out) {
  if (ctx.options.caller_time_s) {
    const double offset = now_s() - *ctx.options.caller_time_s;
    const std::string value = fmt::format("{:+.2f} s against the caller", offset);
    if (std::abs(offset) < kWrongSeconds) return out.ok("clock", value, "--now");
    return out.warning("clock", value, "--now",
                       {"clock-offset",
                        Layer::Container,
                        fmt::format("This clock is {:.1f} s {}", std::abs(offset),
                                    offset < 0 ? "behind" : "ahead"),
                        "Times in logs of several hosts do not fit together; tokens and "
                        "certificates may be refused.",
                        {{"any", "Start time synchronisation on the node", "chronyc tracking"}}});
  }
  if (!ctx.host.is_this_machine()) {
    return out.unknown("clock", "the kernel's clock is not a file", "adjtimex");
  }
  timex t{};
  const int state = adjtimex(&t);
  if (state < 0 || state == TIME_ERROR || (t.status & STA_UNSYNC) != 0) {
    return out.unknown("clock",
                       "nothing on this machine tells the kernel that its time is right; `check "
                       "mesh` compares the hosts, --now compares with a caller",
                       "adjtimex");
  }
  out.ok("clock", fmt::format("synchronised, error at most {:.1f} ms", double(t.maxerror) / 1000),
         "adjtimex");
}

}  // namespace rankdx
