// Model configurations: any bytes give a configuration or an Error; every number computed from one
// is finite, a longer request never takes fewer blocks, and the longest one that fits does fit.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "memory/fit_report.h"
#include "memory/model_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rankdx;
  if (size < 2) return 0;
  const std::string_view json(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto source = model_from_text(json, "config.json", "", "");
  if (!source) return 0;
  FitRequest request;
  request.gpu_memory_gib = 79.2;
  request.parallel = {int64_t{1} << (data[0] % 7), 1 + data[0] / 32, 1,
                      data[1] & 1 ? ExpertParallel::On : ExpertParallel::Off};
  constexpr std::string_view versions[] = {"0.6.4", "0.8.5", "0.11.0", "0.26.0"};
  request.vllm = vllm_version(versions[data[1] / 2 % 4]);
  if (data[1] & 8) request.kv_cache_dtype = "fp8";
  if (data[1] & 16) request.kv_cache_gib = 7.5;
  const FitReport report =
      fit(source->config, source->weights, request, data[1] & 32 ? Sweep::Yes : Sweep::No);
  for (const auto& number :
       {report.weights_gib, report.kv_cache_gib, report.activations_gib, report.max_concurrency}) {
    if (number && !std::isfinite(*number)) std::abort();
  }
  if (report.kv_tokens.value_or(0) < 0 || report.kv_blocks.value_or(0) < 0) std::abort();
  KvOptions options;
  options.vllm = request.vllm;
  const KvLayout layout = kv_layout(source->config, options);
  if (layout.blocks_for(100) > layout.blocks_for(100'000)) std::abort();
  const int64_t longest = layout.longest(1e10, 1 << 20);
  if (longest > 0 && layout.blocks_for(longest) > layout.blocks_in(1e10)) std::abort();
  fit_json(report);
  fit_text(report, {});
  return 0;
}
