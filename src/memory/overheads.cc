#include "memory/overheads.h"

#include <algorithm>

namespace rankdx {
namespace {

constexpr double kGib = 1073741824.0;
double d(int64_t value) { return static_cast<double>(value); }

/// Widest inner vector of one token on a rank, gate and up together.
double inner_width(const ModelConfig& c, int64_t tp) {
  int64_t widest = 0;
  for (const ModelLayer& l : c.layers) {
    if (l.mlp == Mlp::Dense) widest = std::max(widest, l.intermediate);
  }
  if (c.has_experts()) {
    const int64_t active = std::clamp<int64_t>(
        c.text.integer_or({"num_experts_per_tok", "moe_topk", "top_k_experts"}, 4), 1, 64);
    widest = std::max(widest, c.experts.intermediate * active + c.experts.shared_intermediate);
  }
  return 2 * d(widest) / d(tp);
}

}  // namespace

Batch default_batch(const VllmVersion& v, double gpu_memory_gib, GpuClass gpu, int64_t length) {
  // V0 without chunked prefill profiles the longest prompt; with it (contexts over 32768) 2048
  // tokens.
  if (v.v0) return {length > 32768 || length <= 0 ? 2048 : std::max<int64_t>(length, 2048), 256};
  const bool large = gpu_memory_gib >= 70 && gpu != GpuClass::Ampere;
  Batch batch = large ? Batch{8192, 1024} : Batch{2048, 256};
  if (large && gpu_memory_gib >= 160 && v.at_least(20)) batch.tokens = 16384;
  if (!v.at_least(8, 5)) batch.seqs = 256;
  return batch;
}

std::optional<Overheads> overheads(const ModelConfig& c, const VllmVersion& v, const Batch& batch,
                                   int64_t tp, int64_t pp, Graphs graphs) {
  if (c.hidden <= 0 || c.vocab <= 0) return std::nullopt;
  Overheads o;
  const double logits = d(batch.seqs) * d(c.vocab) * 4;
  const double stream = d(batch.tokens) * d(c.hidden) * 2;
  const double forward = d(batch.tokens) * (inner_width(c, tp) + 2 * d(c.hidden)) * 2;
  if (v.v0) {
    o.activations_gib = (forward + 5.7 * logits) / kGib;
    o.activations_how =
        "one forward pass over the batch plus 5.7 x the logits, fitted on three logged V0 runs";
  } else {
    // The dummy run of the sampler (sorting for top-k and top-p) is the peak in V1; logits are
    // gathered, so TP does not help.
    o.activations_gib = std::max(9.57 * logits + stream, forward) / kGib;
    o.activations_how =
        "9.57 x the logits of max-num-seqs plus one hidden state of the batch, fitted on eight "
        "logged runs";
  }
  o.activations_error = c.vision.empty()
                            ? "1 % near vLLM 0.12-0.14 with default batch, else up to 40 %"
                            : "text only: images and video add 0.5 GiB to tens of GiB";
  const double graph_size =
      0.35 + 0.2 * std::min(1.0, d(static_cast<int64_t>(c.layers.size())) / 80.0);
  o.graphs_gib = graphs == Graphs::Eager ? 0 : graph_size;
  o.graphs_budgeted = v.at_least(21) && !v.v0;
  o.non_torch_gib = tp * pp > 1 ? 0.45 : v.v0 ? 0.3 : 0.13;
  return o;
}

}  // namespace rankdx
