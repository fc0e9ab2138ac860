#include "memory/weights.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "memory/kv_layout.h"

namespace rankdx {
namespace {

double d(int64_t value) { return static_cast<double>(value); }
double up_to(double value, double step) { return std::ceil(value / step) * step; }

/// 32-bit checkpoints are loaded in 16 bits; small parameters (routing biases, states) keep theirs.
double loaded(const Tensor& t, const Placement& p, const ModelConfig& c) {
  const bool wide =
      t.dtype == "F32" && t.shape.size() >= 2 && c.quantisation.format == WeightFormat::Plain;
  return wide && p.part != Part::State ? 0.5 : 1.0;
}

bool holds_experts_to_pad(const Tensor& t, const Placement& p, const ModelConfig& c) {
  return p.split == Split::Experts && c.quantisation.format == WeightFormat::Mxfp4 &&
         c.quantisation.experts_only && t.name.find("bias") == std::string::npos;
}

double row_padding(const Tensor& t, const Placement& p, const ModelConfig& c) {
  const double rows = t.shape.empty() ? d(c.vocab) : d(t.shape.front());
  return p.split == Split::Vocabulary && rows > 0 ? up_to(rows, 64) / rows : 1;
}

class Distributor {
 public:
  Distributor(const ModelConfig& c, const Parallel& p) : c_(c), p_(p) {
    const auto per_stage = stage_layers(static_cast<int64_t>(c.layers.size()), p.pp);
    sum_.stages.resize(per_stage.size());
    stage_of_layer_.reserve(c.layers.size());
    for (size_t s = 0; s < per_stage.size(); ++s)
      stage_of_layer_.insert(stage_of_layer_.end(), static_cast<size_t>(per_stage[s]), s);
  }

  void add(const PlacedBytes& w) {
    const Placement& p = w.placement;
    const double bytes = w.bytes * share(w);
    const auto part = static_cast<size_t>(p.part);
    const size_t last = sum_.stages.size() - 1;
    if (p.part == Part::Head || (p.layer < 0 && (p.part == Part::Norm || p.part == Part::Other))) {
      sum_.stages[last].of_part[part] += bytes;
    } else if (p.layer >= 0) {
      sum_.stages[stage_of_layer_[static_cast<size_t>(p.layer)]].of_part[part] += bytes;
    } else {
      sum_.stages[0].of_part[part] += bytes;
      // Tied models need the embedding on the last stage too, as the head.
      if (p.part == Part::Embedding && c_.tied && last > 0)
        sum_.stages[last].of_part[part] += bytes;
    }
  }

  WeightSum finish() {
    for (size_t s = 0; s < sum_.stages.size(); ++s) {
      sum_.stages[s].buffers = rotary() + absorbed(s);
      if (sum_.stages[s].total() > sum_.stages[sum_.heaviest].total()) sum_.heaviest = s;
    }
    return std::move(sum_);
  }

 private:
  double share(const PlacedBytes& w) const {
    const double tp = d(p_.tp);
    switch (w.placement.split) {
      case Split::Tensor:
        return 1 / tp;
      case Split::KvHeads:
        return kv_share(w.placement.layer);
      case Split::FusedQkv: {
        const double kv = d(std::max<int64_t>(kv_heads(w.placement.layer), 1)),
                     heads = d(std::max<int64_t>(c_.heads, 1));
        return (heads / tp + 2 * kv * kv_share(w.placement.layer)) / (heads + 2 * kv);
      }
      case Split::Vocabulary:
        return w.row_padding / tp;
      case Split::Experts:
        return expert_share(w.padded_experts);
      default:
        return 1;
    }
  }

  int64_t kv_heads(int64_t layer) const {
    return layer >= 0 && layer < static_cast<int64_t>(c_.layers.size())
               ? c_.layers[static_cast<size_t>(layer)].kv_heads
               : c_.kv_heads;
  }

  double kv_share(int64_t layer) const {
    const int64_t kv = kv_heads(layer);
    return kv <= 0 ? 1 / d(p_.tp) : d(std::max<int64_t>(kv / p_.tp, 1)) / d(kv);
  }

  /// Whole experts per rank with expert parallelism; else each expert's inner size is cut, over
  /// data-parallel ranks too.
  double expert_share(bool padded_inner) const {
    const double ranks = d(p_.tp * p_.dp);
    if (p_.experts == ExpertParallel::On) {
      const double count = d(std::max<int64_t>(c_.experts.count, 1));
      return std::ceil(count / ranks) / count * (padded_inner ? padding(1) : 1);
    }
    return (padded_inner ? padding(ranks) : 1) / ranks;
  }

  /// gpt-oss on Hopper and newer: the kernels want the inner size as a multiple of 256 (20b: 12.8
  /// GiB become 13.5).
  double padding(double ranks) const {
    const double inner = d(c_.experts.intermediate) / ranks;
    return inner > 0 ? up_to(inner, 256) / inner : 1;
  }

  double rotary() const { return d(c_.rotary_positions) * d(c_.rotary_dim) * d(c_.dtype_bytes); }

  /// Latent attention keeps the two halves of kv_b_proj a second time, in 16 bits, for decoding.
  double absorbed(size_t stage) const {
    if (!c_.latent) return 0;
    const auto layers = std::count_if(stage_of_layer_.begin(), stage_of_layer_.end(),
                                      [&](size_t s) { return s == stage; });
    const Latent& m = *c_.latent;
    const double heads = std::max(1.0, d(c_.heads / p_.tp));
    // Kimi Linear: only its attention layers.
    const double part = d(c_.count(Mixer::Full)) / d(static_cast<int64_t>(c_.layers.size()));
    return d(layers) * part * heads * d(m.nope_dim + m.v_dim) * d(m.kv_rank) * 2;
  }

  const ModelConfig& c_;
  const Parallel& p_;
  WeightSum sum_;
  std::vector<size_t> stage_of_layer_;
};

}  // namespace

double StageWeights::total() const {
  return std::accumulate(of_part.begin(), of_part.end(), buffers);
}

std::vector<PlacedBytes> placed(const std::vector<Tensor>& tensors, const ModelConfig& c) {
  using Key = std::tuple<int64_t, Split, Part, bool, double>;
  std::map<Key, double> sums;
  for (const Tensor& t : tensors) {
    const Placement p = place(t.name, c);
    if (p.split == Split::Skip) continue;
    sums[{p.layer, p.split, p.part, holds_experts_to_pad(t, p, c), row_padding(t, p, c)}] +=
        t.bytes * d(t.copies) * loaded(t, p, c);
  }
  std::vector<PlacedBytes> result;
  for (const auto& [key, bytes] : sums) {
    const auto& [layer, split, part, padded, rows] = key;
    result.push_back({{split, part, layer}, bytes, rows, padded});
  }
  return result;
}

WeightSum distribute(const std::vector<PlacedBytes>& weights, const ModelConfig& config,
                     const Parallel& parallel) {
  Distributor distributor(config, parallel);
  for (const PlacedBytes& w : weights) distributor.add(w);
  return distributor.finish();
}

std::string_view to_string(Part part) {
  constexpr std::array<std::string_view, 9> words = {
      "embedding",        "head",   "attention", "MLP", "experts", "norms",
      "vision and audio", "states", "other"};
  return words[static_cast<size_t>(part)];
}

}  // namespace rankdx
