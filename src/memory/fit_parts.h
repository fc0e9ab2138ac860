// The steps of fit(): budget and search (Fitter), findings, flags and words (fit_words.cc). Only
// the memory room uses it.
#pragma once

#include "memory/fit.h"

namespace rankdx {

inline constexpr double kGib = 1073741824.0;

struct Budget {
  double total_gib = 0, utilization = 0, weights_gib = 0, activations_gib = 0, other_gib = 0,
         graphs_gib = 0;
  bool graphs_budgeted = false;
  double available_gib() const;
};

/// A model and a request, asked for different parallelisms and lengths. Refers to its arguments,
/// which must outlive it.
class Fitter {
 public:
  Fitter(const ModelConfig& config, const WeightSource& source, const FitRequest& request);
  bool knows_weights() const;
  WeightSum weights(const Parallel& parallel) const;
  Batch batch(int64_t length) const;
  KvLayout layout(const Parallel& parallel, int64_t length) const;
  /// Nothing without a GPU, weights, or sizes for the activations.
  std::optional<Budget> budget(const Parallel& parallel, int64_t length) const;
  /// --max-model-len, else what the model was made for; 0: unknown.
  int64_t length_wanted() const;
  bool starts(const Parallel& parallel, int64_t length) const;
  bool valid(const Parallel& parallel) const;
  std::optional<Parallel> smallest(int64_t length) const;
  const ModelConfig& config() const { return config_; }

 private:
  const ModelConfig& config_;
  FitRequest request_;
  std::vector<PlacedBytes> weights_;
};

void add_memory_findings(const Fitter& fitter, const FitRequest& request, const KvLayout& layout,
                         const std::optional<Budget>& budget, FitReport& report);
void fill_basis(const ModelConfig& config, const WeightSource& source, const FitRequest& request,
                const KvLayout& layout, const Fitter& fitter, FitReport& report);
void fill_flags(const Fitter& fitter, const FitRequest& request, FitReport& report);
std::string summary_of(const FitReport& report);

}  // namespace rankdx
