// The KV cache as vLLM lays it out: pages, blocks, groups of layers; how many blocks a budget
// gives, how many a request takes, and the number of tokens that the log then prints. Facts: vLLM
// v1/core/kv_cache_utils.py and v1/kv_cache_interface.py, 0.8 to 0.26. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memory/model_config.h"
#include "memory/vllm_version.h"

namespace rankdx {

/// How states of Mamba-like layers are kept for prefix caching: one, two for a request, or one per
/// block.
enum class StateCache : uint8_t { ByVersion, One, Aligned, All };
enum class HybridManager : uint8_t { On, Off };
/// What chooses the attention backend, and with it the block size of latent attention.
enum class GpuClass : uint8_t { Unknown, Ampere, Ada, Hopper, Blackwell, BlackwellConsumer };

struct KvOptions {
  VllmVersion vllm;
  GpuClass gpu = GpuClass::Unknown;
  std::string dtype = "auto";
  int64_t tp = 1, pp = 1, context_parallel = 1;
  std::optional<int64_t> block_size;
  int64_t batched_tokens = 2048, max_num_seqs = 256;
  HybridManager manager = HybridManager::On;
  StateCache state_cache = StateCache::ByVersion;
  int64_t speculative_tokens = 0;
};

/// Layers with one block table. A block holds `block_size` tokens of each of them (State: one
/// state).
struct KvGroup {
  Mixer mixer = Mixer::Full;
  int64_t window = 0, block_size = 16;
  std::vector<int64_t> layers_of_stage;
};

struct KvLayout {
  std::vector<KvGroup> groups;
  std::vector<int64_t>
      block_bytes_of_stage;  ///< bytes that one block takes on a rank of each pipeline stage
  int64_t block_size = 16;   ///< the smallest of the groups: what the log calls block size
  int64_t token_bytes = 0;   ///< per token and rank, of the heaviest stage; states do not count
  int64_t context_parallel = 1, batched_tokens = 2048, state_blocks = 1;
  bool states_per_block = false;
  VllmVersion vllm;
  std::string element;  ///< type of an element of the cache
  std::vector<std::string> notes;

  /// Blocks of the poorest stage, when each rank has `bytes`.
  int64_t blocks_in(double bytes) const;
  /// Blocks one request of `length` tokens takes.
  int64_t blocks_for(int64_t length) const;
  /// Bytes on the heaviest rank for one such request; what "... GiB KV cache is needed" prints.
  double bytes_for(int64_t length) const;
  double concurrency(int64_t blocks, int64_t length) const;
  /// "GPU KV cache size: N tokens" as this version counts. 0.21 and later derive it from the
  /// concurrency.
  int64_t tokens_printed(int64_t blocks, int64_t length) const;
  /// The longest request that fits `bytes`, at most `limit`; 0 when none does.
  int64_t longest(double bytes, int64_t limit) const;
  bool attention_free() const { return groups.empty(); }
};

KvLayout kv_layout(const ModelConfig& config, const KvOptions& options);

/// Layers on each pipeline stage as vLLM splits them: the remainder goes to the stages before the
/// last, from the back.
std::vector<int64_t> stage_layers(int64_t layers, int64_t stages);

/// Bytes of the recurrent state of one layer on one rank.
int64_t state_bytes(const StateSpace& state, int64_t tp, int64_t dtype_bytes,
                    int64_t speculative_tokens);

}  // namespace rankdx
