#include "bundle/subsystem.h"

#include <array>
#include <cstdint>
#include <utility>

namespace rankdx {
namespace {

using enum EventKind;

/// As the INFO calls of NCCL's sources name it; a line of two subsystems (INIT|NET) counts for the
/// one that is on by default.
constexpr std::array kByKind = std::to_array<std::pair<EventKind, std::string_view>>({
    {Banner, "VERSION"},
    {GitVersion, "INIT"},
    {DriverVersion, "INIT"},
    {EnvSet, "ENV"},
    {EnvInvalid, "ENV"},
    {CommConfig, "ENV"},
    {PluginNote, "INIT"},
    {BootstrapUsing, "INIT"},
    {SocketUsing, "INIT"},
    {IbUsing, "INIT"},
    {IbNoDevice, "INIT"},
    {NetFailed, "INIT"},
    {NetInitialized, "INIT"},
    {NetAssigned, "INIT"},
    {NetUsing, "INIT"},
    {InitStart, "INIT"},
    {InitComplete, "INIT"},
    {BootstrapSplit, "INIT"},
    {SplitNoColor, "INIT"},
    {BootstrapTimings, "INIT"},
    {InitTimings, "INIT"},
    {Layout, "INIT"},
    {Destroy, "INIT"},
    {RingDump, "INIT"},
    {RingEdge, "GRAPH"},
    {Trees, "INIT"},
    {TreeEdge, "GRAPH"},
    {Pattern, "GRAPH"},
    {SystemLine, "GRAPH"},
    {PathLine, "GRAPH"},
    {NvlsAvailable, "INIT"},
    {CollNetOff, "INIT"},
    {Via, "INIT"},
    {CollNetVia, "INIT"},
    {GdrReason, "NET"},
    {Connected, "INIT"},
    {ChannelCount, "INIT"},
    {P2pChunk, "INIT"},
    {Thresholds, "INIT"},
    {Affinity, "INIT"},
    {ProxyNote, "PROXY"},
    {CollCall, "COLL"},
    {CallTrace, "CALL"},
    {Tuning, "TUNING"},
    {Alloc, "ALLOC"},
    {RasNote, "RAS"},
    {RasDead, "RAS"},
    {ProxyClosed, "PROXY"},
    {ConnectRetry, "ALL"},
    {Backtrace, "ALL"},
});

constexpr Subsystem kOther = 0, kText = 1, kWarn = 2, kVersion = 3;

/// Those that are no subsystem of NCCL, then those of kByKind.
constexpr auto kNames = [] {
  std::array<std::string_view, kSubsystems> names{"OTHER", "TEXT", "WARN", "VERSION"};
  for (const auto& [kind, name] : kByKind) {
    size_t at = 0;
    while (!names[at].empty() && names[at] != name) ++at;
    names[at] = name;
  }
  return names;
}();

constexpr auto kOfKind = [] {
  std::array<Subsystem, 256> subsystems;
  subsystems.fill(kOther);
  for (const auto& [kind, name] : kByKind) {
    Subsystem at = 0;
    while (kNames[at] != name) ++at;
    subsystems[static_cast<uint8_t>(kind)] = at;
  }
  return subsystems;
}();

}  // namespace

Subsystem subsystem_of(Level level, EventKind kind) {
  if (level == Level::None) return kText;
  if (level == Level::Warn || level == Level::Abort) return kWarn;
  if (level == Level::Version) return kVersion;
  return kOfKind[static_cast<uint8_t>(kind)];
}

std::string_view name_of(Subsystem subsystem) {
  return subsystem < kNames.size() ? kNames[subsystem] : std::string_view();
}

}  // namespace rankdx
