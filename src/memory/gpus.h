// GPUs and the memory that CUDA reports on them, which is what vLLM counts with (less than the name
// says).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "memory/kv_layout.h"

namespace rankdx {

struct Gpu {
  std::string_view name;
  double memory_gib;  ///< total as cudaMemGetInfo gives it
  GpuClass kind;
  std::string_view source;  ///< "logged": seen in vLLM logs; "derived": from the nominal size less
                            ///< what the driver keeps
};

/// Sorted by name.
std::span<const Gpu> gpus();

/// "H100-80G", "h100 80gb", "NVIDIA H100 80GB HBM3", "1x RTX 3090 24GB": letters and digits count.
/// A name without a size that boards of several sizes have is the smallest of them. Nothing for
/// others.
std::optional<Gpu> gpu_named(std::string_view text);

/// "80GiB", "79.2", "80GB" (10^9), "81559MiB" in GiB.
std::optional<double> memory_size_gib(std::string_view text);

}  // namespace rankdx
