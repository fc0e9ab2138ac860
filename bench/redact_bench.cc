// The redactor alone: bytes per second over the lines of the demonstration, repeated.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "redact/redactor.h"

namespace {

std::vector<std::string> demo_lines() {
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator("tests/data/demo")) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) lines.push_back(line);
  }
  return lines;
}

void redact(benchmark::State& state, rankdx::Hide hide) {
  const std::vector<std::string> lines = demo_lines();
  if (lines.empty()) return state.SkipWithError("run this in the project's root");
  rankdx::Redactor redactor(hide);
  redactor.add_host("gpu-worker-01");
  redactor.add_host("gpu-worker-02");
  std::string out;
  int64_t bytes = 0;
  for (auto _ : state) {
    for (const std::string& line : lines) {
      out.clear();
      redactor.redact(line, out);
      benchmark::DoNotOptimize(out.data());
      bytes += static_cast<int64_t>(line.size());
    }
  }
  state.SetBytesProcessed(bytes);
}

BENCHMARK_CAPTURE(redact, secrets, rankdx::Hide::SecretsOnly);
BENCHMARK_CAPTURE(redact, names_too, rankdx::Hide::NamesToo);

}  // namespace
