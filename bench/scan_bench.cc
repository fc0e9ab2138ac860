// The scan room alone: nanoseconds per line and bytes per second of Scanner and LiteralSet.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "scan/literal_set.h"
#include "scan/scanner.h"

namespace {

using rankdx::Envelope;

struct Sink : rankdx::MessageSink {
  uint64_t sum = 0;
  void on_message(const Envelope& message, std::string_view) override {
    sum += message.body.size() + message.writer;
  }
};

std::vector<std::string> nccl_lines(std::string_view wrapper, std::string_view stamp) {
  const std::vector<std::string> bodies = {
      "Channel 00/1 : 2[0] -> 0[0] [receive] via NET/Socket/0",
      "AllReduce: opCount 1f sendbuff 0x7f0000001000 recvbuff 0x7f0000002000 count 1048576 "
      "datatype 7 op 0 "
      "root 0 comm 0x55d0c0a01000 [nranks=4] stream 0x55d0c0b02000",
      "Ring 00 : 3 -> 2 -> 0",
      "AllReduce: 4194304 Bytes -> Algo RING proto SIMPLE channel{Lo..Hi}={0..1}",
      "NCCL_SOCKET_IFNAME set by environment to eth0",
      "GPU/1B000 :GPU/0-1b000 (0/5000.0/LOC) GPU/0-43000 (2/370.8/NVL) NVS/0-0 (1/370.8/NVL) "
      "CPU/0-0 (2/48.0/PHB) NET/0-0 (4/1.2/PHB) ",
      "comm 0x55d0c0a01000 rank 1 nRanks 4 nNodes 2 localRanks 2 localRank 1 MNNVL 0"};
  std::vector<std::string> lines;
  for (int i = 0; i < 20000; ++i) {
    const int pid = 200 + i / 50 % 8;
    const std::string ids = std::to_string(pid) + ":" + std::to_string(pid + i % 3);
    lines.push_back(std::string(wrapper) + std::string(stamp) + "gpu-worker-0" +
                    std::to_string(i / 50 % 2) + ":" + ids + " [" + std::to_string(pid % 8) +
                    "] NCCL INFO " + bodies[i % bodies.size()]);
  }
  return lines;
}

std::vector<std::string> text_lines() {
  const std::vector<std::string> texts = {
      "INFO 07-08 11:50:03 [gpu_model_runner.py:1843] Starting to load model "
      "meta-llama/Llama-3.1-8B-Instruct...",
      "(Worker_TP0 pid=1045) INFO 07-08 11:50:12 [default_loader.py:262] Loading weights took 8.31 "
      "seconds",
      "  File \"/usr/local/lib/python3.12/dist-packages/vllm/v1/engine/core.py\", line 390, in "
      "run_engine_core",
      "(EngineCore_DP0 pid=9081) (RayWorkerWrapper pid=9761, ip=169.254.28.176) DEBUG 07-08 "
      "utils.py:120] ok",
      "Loading safetensors checkpoint shards:  50% Completed | 2/4 [00:03<00:03,  1.71s/it]"};
  std::vector<std::string> lines;
  for (size_t i = 0; i < 20000; ++i) lines.push_back(texts[i % texts.size()]);
  return lines;
}

void report(benchmark::State& state, const std::vector<std::string>& lines) {
  size_t bytes = 0;
  for (const std::string& line : lines) bytes += line.size() + 1;
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
  state.counters["per_line"] =
      benchmark::Counter(static_cast<double>(state.iterations() * lines.size()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void scan(benchmark::State& state, const std::vector<std::string>& lines) {
  rankdx::Scanner scanner;
  Sink sink;
  for (auto _ : state) {
    for (const std::string& line : lines) scanner.scan_line(line, sink);
    benchmark::DoNotOptimize(sink.sum);
  }
  report(state, lines);
}

constexpr std::string_view kPod = "[pod/vllm-worker-0/vllm] ";
constexpr std::string_view kStamp = "2026-03-19T19:40:08.123456789Z ";
constexpr std::string_view kColour = "\x1b[36m(RayWorkerWrapper pid=248, ip=10.1.160.68)\x1b[0m ";

void literals(benchmark::State& state) {
  std::vector<std::string> set;
  for (int i = 0; i < 3000; ++i) {
    set.push_back("Error " + std::to_string(i * 7919) + " while opening device number " +
                  std::to_string(i));
  }
  const rankdx::LiteralSet gate(set);
  const std::vector<std::string> lines = text_lines();
  std::vector<uint32_t> hits;
  for (auto _ : state) {
    for (const std::string& line : lines) gate.find(line, hits);
    benchmark::DoNotOptimize(hits.data());
  }
  report(state, lines);
}

BENCHMARK_CAPTURE(scan, nccl, nccl_lines("", ""));
BENCHMARK_CAPTURE(scan, nccl_with_time, nccl_lines("", "[2026-03-19 19:40:08] "));
BENCHMARK_CAPTURE(scan, kubectl_with_time, nccl_lines(kPod, kStamp));
BENCHMARK_CAPTURE(scan, ray_in_colour, nccl_lines(kColour, ""));
BENCHMARK_CAPTURE(scan, text, text_lines());
BENCHMARK(literals);

}  // namespace
