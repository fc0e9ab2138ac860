// Cuts logs down by what their lines mean: original lines, original order.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "bundle/subsystem.h"
#include "input/block_pipeline.h"
#include "input/input.h"
#include "job/job.h"

namespace rankdx {

enum class LeastLevel : uint8_t { All, Warn };

struct FilterOptions {
  std::set<std::string, std::less<>> subsystems;  ///< "INIT", ...; empty: all
  LeastLevel level = LeastLevel::All;
  std::set<int> ranks;  ///< of the largest communicator, or printed by the launcher; empty: all
  std::string comm;     ///< id or pointer as printed, "0x3c29..."; empty: all
  std::optional<uint64_t> around;  ///< a line number; with `context` lines on both sides
  uint64_t context = 20;
  std::optional<int64_t> since_us,
      until_us;  ///< microseconds since 1970; lines without a time take that of the line before
};

/// "0,4-7" as a set; "INIT,NET" upper case. Errors name the part that is wrong.
Result<std::set<int>> parse_ranks(std::string_view text);
/// "2026-11-22T10:43:38", a blank for the T, or the time of day "10:43:38" (then compared within
/// the day); UTC.
Result<int64_t> parse_moment(std::string_view text);

/// Who wrote a line, as a key: the rank that a launcher printed, or origin, host and process.
std::string writer_key(const Envelope& message, int pid);

/// Which rank a writer is: made from a first reading of the logs.
class RankOf {
 public:
  RankOf() = default;
  explicit RankOf(const Job& job);
  int find(std::string_view writer_key) const;  ///< -1 unknown

 private:
  std::map<std::string, int, std::less<>> ranks_;
};

/// What was counted before ranks are known.
struct VolumeCounts {
  struct Count {
    uint64_t lines = 0, bytes = 0;
    void add(std::string_view line) { ++lines, bytes += line.size() + 1; }
    void add(const Count& other) { lines += other.lines, bytes += other.bytes; }
  };
  static constexpr size_t kMostWriters = 1 << 20;  ///< all others count as one

  std::array<Count, kSubsystems> by_subsystem;
  std::map<std::string, Count, std::less<>> by_writer;  ///< by writer_key()
  uint64_t lines = 0, kept = 0;

  Count& of_writer(const std::string& key);
  void add(const VolumeCounts& other);
};

/// Where the volume comes from.
struct VolumeStats {
  using Count = VolumeCounts::Count;
  VolumeStats(const VolumeCounts& counts, const RankOf& ranks);
  std::map<std::string, Count, std::less<>> by_subsystem;
  std::map<int, Count> by_rank;  ///< -1: not known
  uint64_t lines = 0, kept = 0;
};

/// Whether a line of this number, from 1 on, is near enough to the one asked for.
bool is_near(const FilterOptions& options, uint64_t line);

/// Folds lines that differ only in numbers, over all ranks. The first of each kind is kept where it
/// stands.
class Collapser {
 public:
  static constexpr size_t kMostKinds = 1 << 20;
  /// What two lines of one kind have in common.
  static uint64_t kind_of(std::string_view line);
  /// True for the first line of a kind.
  bool first(uint64_t kind, std::string_view line);
  uint64_t folded() const { return folded_; }
  /// The kinds seen most often, with an example each, most frequent first.
  std::vector<std::pair<uint64_t, std::string>> most_frequent(size_t n) const;

 private:
  struct Kind {
    uint64_t count = 0;
    std::string example;
  };
  std::unordered_map<uint64_t, Kind> kinds_;
  uint64_t folded_ = 0;
};

/// What a source is filtered with. All of it outlives the filtering.
struct Filtering {
  const FilterOptions& options;
  const RankOf& ranks;
  VolumeCounts* counts = nullptr;               ///< to be filled instead of writing, or nullptr
  Collapser* collapser = nullptr;               ///< or nullptr
  std::function<void(std::string_view)> write;  ///< takes the lines of a block that are kept
};

/// Filters one source on some threads; the lines come in order. What a pipe gives is not held up.
void filter_source(ByteSource& source, const Filtering& filtering, size_t threads,
                   size_t block_bytes = LineReader::kBlock);

/// Counts what filter_source() would while logs are read for something else. No ranks can be asked
/// for.
class VolumeWatch {
 public:
  explicit VolumeWatch(const FilterOptions& options) : options_(options) {}
  /// The ends of a pipeline that reads this source, which does both then. By any thread; they are
  /// gone before the watch is.
  BlockPipeline::Ends beside(const std::string& name, BlockPipeline::Ends other);
  /// Whether the source was read. After all pipelines, like the counts.
  bool has(const std::string& name) const { return names_.contains(name); }
  const VolumeCounts& counts() const { return counts_; }

 private:
  struct Source;
  const FilterOptions& options_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> names_;
  VolumeCounts counts_;
};

/// What NCCL_DEBUG_SUBSYS would have been enough for a diagnosis, from what was seen.
std::string enough_subsystems(const VolumeStats& stats);

}  // namespace rankdx
