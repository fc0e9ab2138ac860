// Texts of /proc/PID that say how far a process is, and which file of a checkpoint it reads.
// Any bytes are read or refused. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rankdx {

/// The fields of /proc/PID/stat that are looked at. proc(5) numbers them; the name may hold blanks
/// and parentheses, so they count from the last ')'.
struct ProcStat {
  char state = '?';  ///< R running, S sleeping, D waiting for a device, T stopped, Z zombie
  int parent = 0, session = 0;
  double cpu_s = 0;  ///< user and system time of all threads
  int threads = 0;
  bool operator==(const ProcStat&) const = default;
};
std::optional<ProcStat> parse_stat(std::string_view text);

/// The number behind a key as "rchar:" in /proc/PID/io.
std::optional<unsigned long long> parse_io_field(std::string_view text, std::string_view key);

/// A file of a checkpoint as its name numbers it: "model-00007-of-00059.safetensors" is 7 of 59.
struct ShardNumber {
  int number = 0, total = 0;
  bool operator==(const ShardNumber&) const = default;
};
std::optional<ShardNumber> shard_of_path(std::string_view path);

/// The latest shard that is mapped (/proc/PID/maps); loaders open them one by one in order.
std::optional<ShardNumber> shard_of_maps(std::string_view maps);

}  // namespace rankdx
