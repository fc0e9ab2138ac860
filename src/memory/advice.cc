#include "memory/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "memory/fit.h"
#include "memory/gpus.h"
#include "memory/known_models.h"
#include "memory/model_source.h"

namespace rankdx {
namespace {

/// Down to a multiple of 1024, or of 16 below 4096.
int64_t round_length(int64_t length) {
  return length >= 4096 ? length / 1024 * 1024 : length / 16 * 16;
}

bool positive(const std::optional<double>& value) {
  return value && *value > 0 && std::isfinite(*value);
}

std::optional<Advice> length_advice(const MemoryFacts& f) {
  if (f.estimated_len && *f.estimated_len >= 16) {
    return Advice{fmt::format("--max-model-len {}", round_length(*f.estimated_len)),
                  fmt::format("vLLM estimated that {} tokens fit.", *f.estimated_len)};
  }
  if (!positive(f.available_gib) || !positive(f.needed_gib) || !f.max_model_len ||
      *f.max_model_len <= 0)
    return std::nullopt;
  // The cache grows with the length (windows and states make it grow slower, so this stays on the
  // safe side).
  const double share = std::min(*f.available_gib / *f.needed_gib, 1.0);
  const int64_t length =
      round_length(static_cast<int64_t>(share * static_cast<double>(*f.max_model_len)));
  if (length < 16 || share >= 1) return std::nullopt;
  return Advice{fmt::format("--max-model-len {}", length),
                fmt::format("{:.2f} of the {:.2f} GiB that {} tokens need are there.",
                            *f.available_gib, *f.needed_gib, *f.max_model_len)};
}

std::optional<Advice> utilization_advice(const MemoryFacts& f) {
  if (!positive(f.total_gib) || !positive(f.needed_gib) || !f.available_gib || !f.utilization)
    return std::nullopt;
  const double wanted = *f.utilization + (*f.needed_gib - *f.available_gib) / *f.total_gib;
  const double rounded = std::ceil(wanted * 100 - 1e-9) / 100;
  if (!(rounded > *f.utilization && rounded <= 0.95)) return std::nullopt;
  return Advice{
      fmt::format("--gpu-memory-utilization {:.2f}", rounded),
      fmt::format("{:.2f} GiB more make room for a whole request, if nothing else uses the GPU.",
                  *f.needed_gib - *f.available_gib)};
}

FitRequest request_of(const MemoryFacts& f) {
  FitRequest r;
  r.vllm = vllm_version(f.vllm);
  if (const auto gpu = gpu_named(f.gpu))
    r.gpu = gpu->kind, r.gpu_memory_gib = gpu->memory_gib, r.gpu_name = gpu->name;
  if (positive(f.total_gib)) r.gpu_memory_gib = f.total_gib;
  const auto ranks = [](const std::optional<int64_t>& value) {
    return std::clamp<int64_t>(value.value_or(1), 1, 1024);
  };
  r.parallel = {ranks(f.tp), ranks(f.pp), ranks(f.dp), ExpertParallel::Off};
  if (f.max_model_len && *f.max_model_len > 0) r.max_model_len = f.max_model_len;
  if (!f.kv_cache_dtype.empty()) r.kv_cache_dtype = f.kv_cache_dtype;
  if (positive(f.utilization) && *f.utilization <= 1) r.utilization = f.utilization;
  if (positive(f.weights_gib)) r.weights_gib = f.weights_gib;
  r.kv_cache_gib = f.available_gib;
  r.max_num_seqs = f.max_num_seqs;
  r.max_num_batched_tokens = f.max_num_batched_tokens;
  return r;
}

Result<ModelSource> source_of(const MemoryFacts& f, const VllmVersion& version) {
  if (known_model(f.model)) return open_model("", f.model, f.quantization, version);
  return open_model(f.model, "", f.quantization, version);
}

}  // namespace

std::vector<Advice> advise_from_numbers(const MemoryFacts& facts) {
  std::vector<Advice> result;
  if (auto advice = length_advice(facts)) result.push_back(std::move(*advice));
  if (auto advice = utilization_advice(facts)) result.push_back(std::move(*advice));
  return result;
}

std::vector<Advice> advise(const MemoryFacts& facts) {
  std::vector<Advice> result = advise_from_numbers(facts);
  if (facts.model.empty()) return result;
  const FitRequest request = request_of(facts);
  const auto source = source_of(facts, request.vllm);
  if (!source) return result;
  const FitReport report = fit(source->config, source->weights, request);
  for (const Finding& f : report.findings) {
    if (f.severity != Severity::Error) continue;
    for (const Fix& fix : f.fix) {
      const std::string flag = fix.command.substr(0, fix.command.find(' '));
      const bool there = std::any_of(result.begin(), result.end(),
                                     [&](const Advice& a) { return a.flag.rfind(flag, 0) == 0; });
      if (!fix.command.empty() && !there) result.push_back({fix.command, fix.text});
    }
  }
  return result;
}

std::vector<Fix> as_fixes(const std::vector<Advice>& advice) {
  std::vector<Fix> fixes;
  for (const Advice& a : advice) fixes.push_back({"any", a.text, a.flag});
  return fixes;
}

}  // namespace rankdx
