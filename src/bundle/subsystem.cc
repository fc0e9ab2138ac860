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

constexpr auto kNames = [] {
  std::array<std::string_view, 256> names;
  names.fill("OTHER");
  for (const auto& [kind, name] : kByKind) names[static_cast<uint8_t>(kind)] = name;
  return names;
}();

}  // namespace

std::string_view subsystem_of(Level level, EventKind kind) {
  if (level == Level::None) return "TEXT";
  if (level == Level::Warn || level == Level::Abort) return "WARN";
  if (level == Level::Version) return "VERSION";
  return kNames[static_cast<uint8_t>(kind)];
}

}  // namespace rankdx
