#include "live/proc_text.h"

#include <unistd.h>

#include "base/text.h"

namespace rankdx {

std::optional<ProcStat> parse_stat(std::string_view text) {
  const size_t close = text.rfind(')');
  if (close == std::string_view::npos) return std::nullopt;
  const auto cells = split(trim(text.substr(close + 1)), ' ');
  if (cells.size() < 18 || cells[0].size() != 1) return std::nullopt;
  const auto parent = parse_int<int>(cells[1]), session = parse_int<int>(cells[3]),
             threads = parse_int<int>(cells[17]);
  const auto user = parse_int<uint64_t>(cells[11]), system = parse_int<uint64_t>(cells[12]);
  if (!parent || !session || !threads || !user || !system) return std::nullopt;
  const double ticks = static_cast<double>(*user) + static_cast<double>(*system);
  return ProcStat{cells[0][0], *parent, *session,
                  ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)), *threads};
}

std::optional<unsigned long long> parse_io_field(std::string_view text, std::string_view key) {
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = take_until(rest, '\n', rest);
    if (line.starts_with(key)) return parse_int<unsigned long long>(trim(line.substr(key.size())));
  }
  return std::nullopt;
}

std::optional<ShardNumber> shard_of_path(std::string_view path) {
  constexpr std::string_view kBetween = "-of-";
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.ends_with(".safetensors") && !name.ends_with(".bin") && !name.ends_with(".pt"))
    return std::nullopt;
  name = name.substr(0, name.rfind('.'));
  const size_t between = name.rfind(kBetween);
  if (between == std::string_view::npos) return std::nullopt;
  const std::string_view head = name.substr(0, between);
  const auto number = parse_int<int>(head.substr(head.rfind('-') + 1));
  const auto total = parse_int<int>(name.substr(between + kBetween.size()));
  if (!number || !total || *number < 1 || *number > *total) return std::nullopt;
  return ShardNumber{*number, *total};
}

std::optional<ShardNumber> shard_of_maps(std::string_view maps) {
  std::optional<ShardNumber> latest;
  while (!maps.empty()) {
    const std::string_view line = take_until(maps, '\n', maps);
    // "address perms offset dev inode   path"
    const size_t path = line.find('/');
    if (path == std::string_view::npos) continue;
    const auto shard = shard_of_path(line.substr(path));
    if (shard && (!latest || shard->number > latest->number)) latest = shard;
  }
  return latest;
}

}  // namespace rankdx
