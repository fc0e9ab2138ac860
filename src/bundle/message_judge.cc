#include "bundle/message_judge.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "events/nccl.h"
#include "events/nccl/skim.h"

namespace rankdx {
namespace {

constexpr int64_t kDay = 86'400'000'000;

/// Words with which text lines (Python logging, tracebacks) say that something is wrong.
constexpr std::array<std::string_view, 10> kWarningWords = {
    "ERROR",   "WARNING",   "CRITICAL",  "FATAL", "Traceback",
    "Error: ", "Exception", "OOMKilled", "[E ",   "[W "};

bool sounds_bad(std::string_view text) {
  return std::any_of(kWarningWords.begin(), kWarningWords.end(),
                     [&](std::string_view w) { return text.find(w) != text.npos; });
}

}  // namespace

MessageJudge::MessageJudge(const FilterOptions& o)
    : options_(o),
      takes_all_(o.subsystems.empty() && o.level == LeastLevel::All && o.ranks.empty() &&
                 o.comm.empty() && !o.since_us && !o.until_us) {
  start();
  for (size_t i = 0; i < kSubsystems; ++i)
    subsystems_[i] = o.subsystems.contains(name_of(static_cast<Subsystem>(i)));
}

bool MessageJudge::is_out(std::string_view line) const {
  return !options_.comm.empty() && !asks_for_time() && options_.ranks.empty() &&
         ::memmem(line.data(), line.size(), options_.comm.data(), options_.comm.size()) == nullptr;
}

/// Most lines of a large log are known without a full reading.
Subsystem MessageJudge::subsystem(const Said& m) {
  if (m.level == Level::None) return subsystem_of(m.level, EventKind::Unknown);
  if (m.level == Level::Info) {
    if (!m.text.empty()) {
      if (const SaidAlike::Message* known = said_alike_.find(m.text))
        return subsystem_of(m.level, known->kind);
    }
    if (const SaidBefore::Message* known = said_before_.find(m.body))
      return subsystem_of(m.level, known->kind);
    CallText call;
    const EventKind kind = skim_nccl(m.body, call);
    if (kind != EventKind::Unknown) {
      if (!m.text.empty()) said_alike_.learn(m.text, m.body, kind, call);
      return subsystem_of(m.level, kind);
    }
  }
  parse_nccl({m.level, m.body, m.file, m.func, m.host_size}, event_);
  if (m.level == Level::Info && event_.kind != EventKind::Unknown) said_before_.remember(false);
  return subsystem_of(m.level, event_.kind);
}

bool MessageJudge::is_in_time() const {
  const auto moment = [&](int64_t bound) { return bound < kDay ? last_time % kDay : last_time; };
  if (options_.since_us &&
      (last_time == kNoTime || moment(*options_.since_us) < *options_.since_us))
    return false;
  return !options_.until_us || last_time == kNoTime ||
         moment(*options_.until_us) <= *options_.until_us;
}

bool MessageJudge::wants(const Said& m, int rank) {
  if (options_.level == LeastLevel::Warn && m.level != Level::Warn && m.level != Level::Abort &&
      !(m.level == Level::None && sounds_bad(m.body)))
    return false;
  if (!options_.ranks.empty() && !options_.ranks.count(rank)) return false;
  if (!options_.comm.empty() && m.body.find(options_.comm) == m.body.npos) return false;
  // Last, as it takes longest.
  return options_.subsystems.empty() || subsystems_[subsystem(m)];
}

}  // namespace rankdx
