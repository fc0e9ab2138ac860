// What tensor, pipeline and expert parallelism ask of a model's sizes.
#include <fmt/format.h>

#include <algorithm>

#include "memory/fit.h"

namespace rankdx {
namespace {

Finding finding(std::string id, Severity severity, std::string title, std::string cause,
                std::string fix) {
  Finding f;
  f.id = std::move(id);
  f.role = severity == Severity::Error     ? Role::RootCause
           : severity == Severity::Warning ? Role::Contributing
                                           : Role::Note;
  f.severity = severity;
  f.confidence = severity == Severity::Error ? Confidence::Certain : Confidence::Likely;
  f.layer = Layer::Config;
  f.title = std::move(title);
  f.cause = std::move(cause);
  f.fix.push_back({"any", std::move(fix), ""});
  return f;
}

class Checks {
 public:
  Checks(const ModelConfig& c, const Parallel& p, const VllmVersion& v) : c_(c), p_(p), v_(v) {}

  std::vector<Finding> run() {
    heads();
    kv_heads();
    layers();
    vocabulary();
    experts();
    groups();
    return std::move(found_);
  }

 private:
  void error(std::string id, std::string title, std::string cause, std::string fix) {
    found_.push_back(finding(std::move(id), Severity::Error, std::move(title), std::move(cause),
                             std::move(fix)));
  }

  std::string divisors(int64_t of) const {
    std::string text;
    for (int64_t i = 1; i <= std::min<int64_t>(of, 64); ++i) {
      if (of % i == 0) text += fmt::format("{}{}", text.empty() ? "" : ", ", i);
    }
    return text;
  }

  void heads() {
    if (c_.heads <= 0 || c_.heads % p_.tp == 0) return;
    error("tp-size-does-not-divide-heads",
          "The tensor-parallel size does not divide the attention heads",
          fmt::format("{} attention heads cannot be split over {} ranks; vLLM refuses to start.",
                      c_.heads, p_.tp),
          fmt::format(
              "Use a --tensor-parallel-size out of {}; more GPUs go to --pipeline-parallel-size.",
              divisors(c_.heads)));
  }

  void kv_heads() {
    if (c_.latent) return;
    std::vector<int64_t> seen;
    for (const ModelLayer& l : c_.layers) {
      const int64_t kv = l.kv_heads;
      if (kv <= 0 || kv % p_.tp == 0 || std::find(seen.begin(), seen.end(), kv) != seen.end())
        continue;
      if (l.mixer == Mixer::State || l.mixer == Mixer::None) continue;
      seen.push_back(kv);
      if (p_.tp % kv == 0) {
        found_.push_back(finding("kv-heads-replicated", Severity::Info, "KV heads are copied",
                                 fmt::format("{} KV heads on {} tensor-parallel ranks: each head "
                                             "stands on {} ranks, so more tensor parallelism "
                                             "gives no more room for tokens.",
                                             kv, p_.tp, p_.tp / kv),
                                 "Pipeline parallelism (or --decode-context-parallel-size) does "
                                 "split the cache further."));
      } else {
        error("tp-size-does-not-divide-kv-heads",
              "KV heads and tensor-parallel size do not divide each other",
              fmt::format(
                  "{} KV heads on {} ranks: neither number divides the other, which vLLM asserts.",
                  kv, p_.tp),
              fmt::format("Use a --tensor-parallel-size out of {}.", divisors(kv)));
      }
    }
  }

  void layers() {
    const auto layers = static_cast<int64_t>(c_.layers.size());
    if (p_.pp > layers) {
      error("pipeline-stages-exceed-layers", "More pipeline stages than layers",
            fmt::format("{} layers cannot fill {} pipeline stages.", layers, p_.pp),
            fmt::format("Use a --pipeline-parallel-size of at most {}.", layers));
    } else if (layers % p_.pp != 0) {
      const auto stages = stage_layers(layers, p_.pp);
      found_.push_back(finding(
          "pipeline-stages-uneven", Severity::Info, "Pipeline stages of different size",
          fmt::format("{} layers over {} stages: {} on the largest, {} on the last.", layers, p_.pp,
                      *std::max_element(stages.begin(), stages.end()), stages.back()),
          "VLLM_PP_LAYER_PARTITION sets the layers of each stage."));
    }
  }

  void vocabulary() {
    if (c_.vocab <= 0) return;
    const int64_t padded = (c_.vocab + 63) / 64 * 64;
    if (padded % p_.tp == 0) return;
    error("tp-size-does-not-divide-vocabulary",
          "The tensor-parallel size does not divide the padded vocabulary",
          fmt::format("A vocabulary of {} is padded to {} rows, which {} ranks cannot share.",
                      c_.vocab, padded, p_.tp),
          "Use a power of two as --tensor-parallel-size.");
  }

  void experts() {
    if (!c_.has_experts()) return;
    const int64_t ranks = p_.tp * p_.dp, inner = c_.experts.intermediate;
    if (p_.experts == ExpertParallel::On) {
      if (c_.experts.count < ranks) {
        error("expert-parallel-size-exceeds-experts", "More expert-parallel ranks than experts",
              fmt::format("{} experts cannot fill {} ranks.", c_.experts.count, ranks),
              "Use fewer ranks.");
      } else if (c_.experts.count % ranks != 0) {
        found_.push_back(finding(
            "experts-uneven", v_.at_least(10) ? Severity::Info : Severity::Error,
            "Experts do not divide over the ranks",
            fmt::format("{} experts on {} ranks: some hold one more.", c_.experts.count, ranks),
            "A divisor of the number of experts wastes nothing."));
      }
    } else if (inner > 0 && inner % ranks != 0) {
      error("tp-size-does-not-divide-experts", "The expert's inner size cannot be split",
            fmt::format("Experts of inner size {} cannot be cut into {} parts.", inner, ranks),
            "--enable-expert-parallel places whole experts instead.");
    }
  }

  /// Quantised weights are cut only between groups of a common scale.
  void groups() {
    const Quantisation& q = c_.quantisation;
    const int64_t group = q.format == WeightFormat::Fp8       ? std::max(q.block_n, q.block_k)
                          : q.format == WeightFormat::Grouped ? q.group
                          : q.format == WeightFormat::Nvfp4   ? 16
                                                              : 0;
    if (group <= 1) return;
    std::vector<std::pair<const char*, int64_t>> sizes;
    if (!c_.has_experts()) sizes.emplace_back("intermediate size", c_.intermediate);
    if (c_.has_experts() && p_.experts == ExpertParallel::Off)
      sizes.emplace_back("expert size", c_.experts.intermediate);
    for (const auto& [name, size] : sizes) {
      if (size <= 0 || size % p_.tp != 0 || size / p_.tp % group == 0) continue;
      error("tp-size-does-not-divide-quantisation-groups",
            "A rank's part of a weight ends inside a quantisation group",
            fmt::format("The {} of {} over {} ranks is {} per rank, no multiple of the {} weights "
                        "that share a scale.",
                        name, size, p_.tp, size / p_.tp, group),
            c_.has_experts() ? "Use --enable-expert-parallel or a smaller --tensor-parallel-size."
                             : "Use a smaller --tensor-parallel-size with "
                               "--pipeline-parallel-size, or a checkpoint with smaller groups.");
    }
  }

  const ModelConfig& c_;
  const Parallel& p_;
  const VllmVersion& v_;
  std::vector<Finding> found_;
};

}  // namespace

std::vector<Finding> divisibility(const ModelConfig& config, const Parallel& parallel,
                                  const VllmVersion& version) {
  return Checks(config, parallel, version).run();
}

}  // namespace rankdx
