#include "memory/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "memory/fit_parts.h"

namespace rankdx {

double Budget::available_gib() const {
  return utilization * total_gib - weights_gib - activations_gib - other_gib;
}

Fitter::Fitter(const ModelConfig& config, const WeightSource& source, const FitRequest& request)
    : config_(config), request_(request), weights_(placed(source.tensors, config)) {
  if (request.weights_gib) return;
  if (source.tensors.empty()) weights_.clear();
}

bool Fitter::knows_weights() const { return !weights_.empty() || request_.weights_gib.has_value(); }

WeightSum Fitter::weights(const Parallel& parallel) const {
  return distribute(weights_, config_, parallel);
}

Batch Fitter::batch(int64_t length) const {
  Batch batch =
      default_batch(request_.vllm, request_.gpu_memory_gib.value_or(0), request_.gpu, length);
  batch.tokens = request_.max_num_batched_tokens.value_or(batch.tokens);
  batch.seqs = request_.max_num_seqs.value_or(batch.seqs);
  return batch;
}

KvLayout Fitter::layout(const Parallel& parallel, int64_t length) const {
  KvOptions o;
  o.vllm = request_.vllm;
  o.gpu = request_.gpu;
  o.dtype = request_.kv_cache_dtype;
  o.tp = parallel.tp;
  o.pp = parallel.pp;
  o.context_parallel = request_.context_parallel;
  o.block_size = request_.block_size;
  const Batch b = batch(length);
  o.batched_tokens = b.tokens;
  o.max_num_seqs = b.seqs;
  o.manager = request_.manager;
  o.state_cache = request_.state_cache;
  o.speculative_tokens = request_.speculative_tokens;
  return kv_layout(config_, o);
}

std::optional<Budget> Fitter::budget(const Parallel& parallel, int64_t length) const {
  if (!request_.gpu_memory_gib || !knows_weights()) return std::nullopt;
  const auto extra =
      overheads(config_, request_.vllm, batch(length), parallel.tp, parallel.pp, request_.graphs);
  if (!extra) return std::nullopt;
  Budget b;
  b.total_gib = *request_.gpu_memory_gib;
  b.utilization = request_.utilization.value_or(default_utilization(request_.vllm));
  b.weights_gib = request_.weights_gib.value_or(weights(parallel).heaviest_bytes() / kGib);
  b.activations_gib = request_.activations_gib.value_or(extra->activations_gib);
  b.graphs_gib = extra->graphs_gib;
  b.graphs_budgeted = extra->graphs_budgeted;
  b.other_gib = request_.other_gib.value_or(extra->non_torch_gib +
                                            (b.graphs_budgeted ? extra->graphs_gib : 0));
  return b;
}

int64_t Fitter::length_wanted() const {
  if (request_.max_model_len && *request_.max_model_len > 0) return *request_.max_model_len;
  return config_.max_len;
}

bool Fitter::starts(const Parallel& parallel, int64_t length) const {
  const auto b = budget(parallel, length);
  if (!b || b->available_gib() <= 0) return false;
  const KvLayout l = layout(parallel, length);
  return l.blocks_in(b->available_gib() * kGib) >= std::max<int64_t>(l.blocks_for(length), 1) ||
         l.attention_free();
}

bool Fitter::valid(const Parallel& parallel) const {
  const auto findings = divisibility(config_, parallel, request_.vllm);
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& f) { return f.severity == Severity::Error; });
}

std::optional<Parallel> Fitter::smallest(int64_t length) const {
  if (!request_.gpu_memory_gib || weights_.empty() || length <= 0 ||
      !config_.unknown_cache.empty()) {
    return std::nullopt;
  }
  // By number of GPUs; of the same number the one with more tensor parallelism, which needs fewer
  // hops.
  for (int64_t gpus = 1; gpus <= 64; gpus *= 2) {
    for (int64_t tp = std::min<int64_t>(gpus, 16); tp >= 1; tp /= 2) {
      const Parallel p{tp, gpus / tp, request_.parallel.dp, request_.parallel.experts};
      Fitter plain = *this;
      plain.request_.weights_gib.reset();
      if (valid(p) && plain.starts(p, length)) return p;
    }
  }
  return std::nullopt;
}

namespace {

void fill_cache(const Fitter& fitter, const FitRequest& request, const KvLayout& layout,
                FitReport& report) {
  const int64_t length = fitter.length_wanted();
  if (!fitter.config().unknown_cache.empty()) return;
  report.block_size = layout.block_size;
  report.kv_bytes_per_token = layout.token_bytes;
  if (!report.kv_cache_gib) return;
  const double bytes = std::max(*report.kv_cache_gib, 0.0) * kGib;
  const int64_t blocks = layout.blocks_in(bytes);
  report.kv_blocks = blocks;
  report.kv_tokens = layout.tokens_printed(blocks, length);
  if (length > 0) report.max_concurrency = layout.concurrency(blocks, length);
  const int64_t limit = std::max(fitter.config().max_len, request.max_model_len.value_or(0));
  if (limit > 0) report.largest_max_model_len = layout.longest(bytes, limit);
}

void fill_parts(const WeightSum& sum, FitReport& report) {
  if (sum.stages.empty()) return;
  const StageWeights& stage = sum.stages[sum.heaviest];
  for (size_t i = 0; i < stage.of_part.size(); ++i) {
    if (stage.of_part[i] > 0)
      report.weight_parts_gib.emplace_back(to_string(static_cast<Part>(i)),
                                           stage.of_part[i] / kGib);
  }
  if (stage.buffers > 0) report.weight_parts_gib.emplace_back("buffers", stage.buffers / kGib);
}

Fits verdict_of(const Fitter& fitter, const FitReport& report, const KvLayout& layout) {
  if (std::any_of(report.findings.begin(), report.findings.end(),
                  [](const Finding& f) { return f.severity == Severity::Error; })) {
    return Fits::No;
  }
  if (!report.kv_cache_gib || !report.kv_blocks || fitter.length_wanted() <= 0)
    return Fits::Unknown;
  return layout.attention_free() || *report.kv_blocks >= layout.blocks_for(fitter.length_wanted())
             ? Fits::Yes
             : Fits::No;
}

void fill_sweep(const Fitter& fitter, const FitRequest& request, FitReport& report) {
  const int64_t longest = fitter.length_wanted();
  std::vector<int64_t> lengths;
  for (const int64_t length : {int64_t{8192}, int64_t{32768}, int64_t{131072}, longest}) {
    if (length > 0 && (longest <= 0 || length <= longest) &&
        std::find(lengths.begin(), lengths.end(), length) == lengths.end()) {
      lengths.push_back(length);
    }
  }
  for (const int64_t tp : {1, 2, 4, 8, 16}) {
    for (const int64_t pp : {1, 2, 4}) {
      const Parallel p{tp, pp, request.parallel.dp, request.parallel.experts};
      if (!fitter.valid(p)) continue;
      for (const int64_t length : lengths) {
        FitCell cell{tp, pp, length};
        if (const auto b = fitter.budget(p, length)) {
          const KvLayout l = fitter.layout(p, length);
          cell.weights_gib = b->weights_gib;
          cell.kv_cache_gib = b->available_gib();
          cell.concurrency =
              l.concurrency(l.blocks_in(std::max(b->available_gib(), 0.0) * kGib), length);
          cell.fits = fitter.starts(p, length) ? Fits::Yes : Fits::No;
        }
        report.sweep.push_back(cell);
      }
    }
  }
}

}  // namespace

FitReport fit(const ModelConfig& config, const WeightSource& source, const FitRequest& request,
              Sweep sweep) {
  const Fitter fitter(config, source, request);
  const Parallel& p = request.parallel;
  FitReport report;
  report.model = config.name.empty()
                     ? config.architecture.empty() ? config.model_type : config.architecture
                     : config.name;
  report.gpu = request.gpu_name;
  report.vllm = to_string(request.vllm);
  report.tp = p.tp, report.pp = p.pp, report.dp = p.dp;
  report.max_model_len = fitter.length_wanted();
  report.findings = divisibility(config, p, request.vllm);
  const WeightSum sum = fitter.weights(p);
  if (fitter.knows_weights())
    report.weights_gib = request.weights_gib.value_or(sum.heaviest_bytes() / kGib);
  if (!request.weights_gib && fitter.knows_weights()) fill_parts(sum, report);
  const auto budget = fitter.budget(p, report.max_model_len);
  if (const auto extra = overheads(config, request.vllm, fitter.batch(report.max_model_len), p.tp,
                                   p.pp, request.graphs)) {
    report.activations_gib = request.activations_gib.value_or(extra->activations_gib);
    report.other_gib = request.other_gib.value_or(extra->non_torch_gib +
                                                  (extra->graphs_budgeted ? extra->graphs_gib : 0));
  }
  if (request.kv_cache_gib) {
    report.kv_cache_gib = request.kv_cache_gib;
  } else if (budget) {
    report.kv_cache_gib = budget->available_gib();
  }
  const KvLayout layout = fitter.layout(p, report.max_model_len);
  fill_cache(fitter, request, layout, report);
  report.smallest_parallelism = fitter.smallest(report.max_model_len);
  add_memory_findings(fitter, request, layout, budget, report);
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  report.verdict = verdict_of(fitter, report, layout);
  fill_basis(config, source, request, layout, fitter, report);
  fill_flags(fitter, request, report);
  report.summary = summary_of(report);
  if (sweep == Sweep::Yes) fill_sweep(fitter, request, report);
  return report;
}

std::string_view to_string(Fits fits) {
  return fits == Fits::Yes ? "fits" : fits == Fits::No ? "does-not-fit" : "unknown";
}

}  // namespace rankdx
