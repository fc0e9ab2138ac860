#include "events/phases.h"

#include <array>
#include <string>
#include <vector>

#include "base/text.h"
#include "scan/literal_set.h"

namespace rankdx {
namespace {

using enum Phase;
using enum MarkKind;

// Messages of vLLM 0.6 to 0.26. What only DEBUG prints is left out where INFO has another line for
// the same step.
constexpr auto kMarks = std::to_array<PhaseMark>({
    {"# GPU blocks:", KvCache, Enter},
    {"# cuda blocks:", KvCache, Enter},
    {"Application startup complete", Serving, Enter},
    {"Automatically detected platform", Boot, Enter},
    {"Available KV cache memory:", KvCache, Enter},
    {"Cache the graph of ", Compile, Enter},
    {"Capturing CUDA graph", Graphs, Enter},
    {"Capturing cudagraphs for decoding", Graphs, Enter},
    {"Compiling a graph for ", Compile, Enter},
    {"Connecting to existing Ray cluster", Rendezvous, Enter},
    {"Did not receive response from front-end process", Boot, Fail},
    {"Directly load AOT compilation", Compile, Enter},
    {"Directly load the compiled graph", Compile, Enter},
    {"Dynamo bytecode transform time", Compile, Enter},
    {"Engine core initialization failed", Boot, Fail},
    {"Engine process failed to start", Boot, Fail},
    {"EngineCore failed to start", Boot, Fail},
    {"GPU KV cache size:", KvCache, Enter},
    {"Graph capturing finished", Graphs, Enter},
    {"Initializing a V0 LLM engine", Rendezvous, Enter},
    {"Initializing a V1 LLM engine", Rendezvous, Enter},
    {"Initializing an LLM engine", Rendezvous, Enter},
    {"Loading model weights took", Compile, Enter},
    {"Loading np_cache checkpoint shards", Load, Enter},
    {"Loading pt checkpoint shards", Load, Enter},
    {"Loading safetensors ", Load, Enter},
    {"Loading weights took", Load, Enter},
    {"Maximum concurrency for", KvCache, Enter},
    {"Memory profiling takes", KvCache, Enter},
    {"Model loading took", Compile, Enter},
    {"Multi-thread loading ", Load, Enter},
    {"No available shared memory broadcast block", Boot, Wait},
    {"Prefetching checkpoint files", Load, Enter},
    {"Profiling CUDA graph memory", KvCache, Enter},
    {"Started engine process with PID", Boot, Enter},
    {"Starting to load model", Load, Enter},
    {"Using model weights format", Load, Enter},
    {"Waiting for creating a placement group", Rendezvous, Wait},
    {"Waiting for init message from front-end", Boot, Enter},
    {"WorkerProc failed to start", Boot, Fail},
    {"WorkerProc initialization failed", Boot, Fail},
    {"died unexpectedly", Boot, Fail},
    {"distributed_init_method=", Rendezvous, Enter},
    {"headless multiproc executor", Rendezvous, Enter},
    {"init engine (profile", Ready, Enter},
    {"is assigned as DP rank", NcclInit, Enter},
    {"non-default args:", Boot, Enter},
    {"torch.compile takes", Compile, Enter},
    {"torch.compile took", Compile, Enter},
    {"torch.distributed.DistBackendError:", Boot, Fail},
    {"torch.distributed.DistStoreError:", Boot, Fail},
    {"vLLM API server version", Boot, Banner},
    {"vLLM is using nccl==", NcclInit, Enter},
    {"vLLM server version", Boot, Banner},
});

const LiteralSet& literals() {
  static const LiteralSet set([] {
    std::vector<std::string> texts;
    for (const PhaseMark& mark : kMarks) texts.emplace_back(mark.text);
    return texts;
  }());
  return set;
}

int weight(const PhaseMark& mark) { return mark.kind == Fail ? 100 : static_cast<int>(mark.phase); }

/// "7", "1.2k", "3M": tqdm shortens large counts.
std::optional<double> count_of(std::string_view text) {
  double unit = 1;
  if (text.ends_with('k')) unit = 1e3;
  if (text.ends_with('M')) unit = 1e6;
  if (text.ends_with('G')) unit = 1e9;
  if (text.ends_with('T')) unit = 1e12;
  if (unit > 1) text.remove_suffix(1);
  const auto value = parse_double(text);
  if (!value || *value < 0) return std::nullopt;
  return *value * unit;
}

/// "00:08", "1:02:03"; -1 for "?".
double clock_s(std::string_view text) {
  double total = 0;
  for (std::string_view part : split(text, ':')) {
    const auto value = parse_int<int>(part);
    if (!value || *value < 0) return -1;
    total = total * 60 + *value;
  }
  return total;
}

double item_s(std::string_view rate) {
  rate = trim(rate);
  const size_t unit = rate.find_first_not_of("0123456789.");
  if (unit == std::string_view::npos) return -1;
  const auto value = parse_double(rate.substr(0, unit));
  if (!value || *value <= 0) return -1;
  if (rate.substr(unit) == "s/it") return *value;
  if (rate.substr(unit) == "it/s") return 1 / *value;
  return -1;
}

}  // namespace

std::span<const PhaseMark> phase_marks() { return kMarks; }

std::optional<PhaseMark> phase_of(std::string_view body) {
  static thread_local std::vector<uint32_t> hits;
  hits.clear();
  literals().find(body, hits);
  std::optional<PhaseMark> best;
  for (uint32_t hit : hits) {
    if (!best || weight(kMarks[hit]) > weight(*best)) best = kMarks[hit];
  }
  return best;
}

std::string_view name_of(Phase phase) {
  constexpr std::string_view kNames[] = {
      "process start", "rendezvous", "NCCL init",     "connect",   "loading",
      "compile",       "KV cache",   "graph capture", "API start", "serving"};
  return kNames[static_cast<size_t>(phase)];
}

double patience_s(Phase phase) {
  // Imports from a network file system; a shard of a slow one; a compile of a large model without a
  // cache.
  constexpr double kPatience[] = {60, 30, 30, 30, 120, 300, 120, 120, 60, 0};
  return kPatience[static_cast<size_t>(phase)];
}

std::optional<BarState> bar_of_line(std::string_view body) {
  const size_t open = body.rfind('[');
  if (open == std::string_view::npos || !body.ends_with(']')) return std::nullopt;
  std::string_view rest;
  take_until(body.substr(open + 1, body.size() - open - 2), '<', rest);
  std::string_view rate;
  const std::string_view left = take_until(rest, ',', rate);
  if (rate.empty()) return std::nullopt;
  std::string_view counts = trim(body.substr(0, open));
  counts = counts.substr(counts.find_last_of(" |") + 1);
  std::string_view total_text;
  const std::string_view done_text = take_until(counts, '/', total_text);
  const auto done = count_of(done_text), total = count_of(total_text);
  if (!done || !total || *total <= 0 || *done > *total) return std::nullopt;
  return BarState{*done, *total, clock_s(left), item_s(rate)};
}

}  // namespace rankdx
