#include "memory/kv_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

namespace rankdx {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return b > 0 ? (a + b - 1) / b : 0; }

/// One cache of one layer.
struct Entry {
  Mixer mixer = Mixer::Full;
  int64_t window = 0;
  int64_t token_bytes = 0;  ///< per token on one rank; State: bytes of the state
  int64_t stage = 0;
};

enum class Element : uint8_t { Half, Fp8, Int8PerHead, Nvfp4, DeepSeekMla };

Element element_of(const ModelConfig& c, const KvOptions& o) {
  const std::string& d = o.dtype;
  const auto starts = [&](std::string_view head) { return d.rfind(head, 0) == 0; };
  if (starts("nvfp4")) return Element::Nvfp4;
  if (starts("int8_per") || starts("fp8_per")) return Element::Int8PerHead;
  if (starts("fp8_ds_mla")) return Element::DeepSeekMla;
  const bool eight = starts("fp8") || ((d.empty() || starts("auto")) && c.quantisation.fp8_cache);
  // Sparse latent attention has a packed 8-bit form of its own.
  if (eight && c.latent && c.latent->index_dim > 0) return Element::DeepSeekMla;
  return eight ? Element::Fp8 : Element::Half;
}

const char* word_of(Element e, const ModelConfig& c) {
  switch (e) {
    case Element::Fp8:
      return "fp8";
    case Element::Int8PerHead:
      return "8 bits with a scale per token and head";
    case Element::Nvfp4:
      return "nvfp4";
    case Element::DeepSeekMla:
      return "fp8_ds_mla";
    default:
      return c.dtype == "float16" ? "float16" : "bfloat16";
  }
}

int64_t head_bytes(Element e, int64_t dim, int64_t dtype_bytes) {
  switch (e) {
    case Element::Fp8:
      return dim;
    case Element::Int8PerHead:
      return dim + 4;
    case Element::Nvfp4:
      return dim / 2 + dim / 16;
    default:
      return dim * dtype_bytes;
  }
}

int64_t attention_bytes(const ModelConfig& c, const ModelLayer& l, Element e, int64_t tp) {
  if (c.latent) {
    if (e == Element::DeepSeekMla) return 656;
    return head_bytes(e, c.latent->kv_rank + c.latent->rope_dim, c.dtype_bytes);
  }
  // More ranks than KV heads: each head stands on several ranks.
  const int64_t heads = std::max<int64_t>(l.kv_heads / tp, 1);
  return heads *
         (head_bytes(e, l.head_dim, c.dtype_bytes) + head_bytes(e, l.head_dim_v, c.dtype_bytes));
}

/// Interleaved windows have groups of their own from 0.9.1 on; chunked attention lost them again in
/// 0.10.1.
bool keeps_windows(const KvOptions& o, bool chunked) {
  if (o.manager == HybridManager::Off || o.vllm.v0 || !o.vllm.at_least(9, 1)) return false;
  return !chunked || !o.vllm.at_least(10, 1);
}

std::vector<Entry> entries_of(const ModelConfig& c, const KvOptions& o, Element e) {
  std::vector<Entry> entries;
  const auto per_stage = stage_layers(static_cast<int64_t>(c.layers.size()), o.pp);
  const bool mixed = std::any_of(c.layers.begin(), c.layers.end(),
                                 [](const ModelLayer& l) { return l.mixer == Mixer::Full; });
  const bool chunked = c.count(Mixer::Chunked) > 0;
  int64_t stage = 0, left = per_stage.empty() ? 0 : per_stage[0];
  for (const ModelLayer& l : c.layers) {
    while (left == 0 && stage + 1 < static_cast<int64_t>(per_stage.size()))
      left = per_stage[static_cast<size_t>(++stage)];
    --left;
    const bool has_state = l.mixer == Mixer::State || l.with_state;
    if (has_state && c.state && !o.vllm.v0) {
      entries.push_back({Mixer::State, 0,
                         state_bytes(*c.state, o.tp, c.dtype_bytes, o.speculative_tokens), stage});
    }
    if (l.mixer == Mixer::State || l.mixer == Mixer::None || !l.own_cache) continue;
    Entry entry{l.mixer, l.window, attention_bytes(c, l, e, o.tp), stage};
    if (l.mixer != Mixer::Full && (mixed || o.vllm.v0 || chunked) && !keeps_windows(o, chunked)) {
      entry.mixer = Mixer::Full, entry.window = 0;
    }
    entries.push_back(entry);
    if (c.latent && c.latent->index_dim > 0) {
      // 8-bit keys of the indexer with one 32-bit scale per 128 of them.
      entries.push_back(
          {Mixer::Full, 0, c.latent->index_dim + ceil_div(c.latent->index_dim, 128) * 4, stage});
    }
  }
  return entries;
}

int64_t default_block_size(const ModelConfig& c, const KvOptions& o) {
  if (o.block_size && *o.block_size > 0) return *o.block_size;
  if (!c.latent || o.vllm.v0) return 16;
  if (c.latent->index_dim > 0) return 64;
  if (o.gpu == GpuClass::Blackwell)
    return o.vllm.at_least(11) ? 64 : 128;  // FlashInfer, CUTLASS before
  if (o.gpu == GpuClass::Hopper || o.gpu == GpuClass::Unknown) return 64;  // FlashMLA
  return 16;                                                               // Triton
}

/// Raises the block so that a page of attention is at least as large as a state ("Setting attention
/// block size to ...").
int64_t aligned_block(const ModelConfig& c, const std::vector<Entry>& entries, int64_t block,
                      const KvLayout& layout) {
  int64_t state = 0, token = 0;
  for (const Entry& e : entries) {
    if (e.mixer == Mixer::State) state = std::max(state, e.token_bytes);
    if (e.mixer == Mixer::Full) token = std::max(token, e.token_bytes);
  }
  if (state == 0 || token == 0) return block;
  int64_t step = 16;
  if (layout.states_per_block) {
    step =
        std::clamp<int64_t>(c.text.integer_or({"mamba_chunk_size", "chunk_size"}, 256), 16, 4096);
  }
  return std::max(block, step * ceil_div(state, step * token));
}

using Bucket = std::tuple<Mixer, int64_t, int64_t>;  // mixer, window, bytes

std::vector<int64_t> stage_counts(const std::vector<const Entry*>& layers, size_t first,
                                  size_t step, size_t stages) {
  std::vector<int64_t> counts(stages, 0);
  for (size_t i = first; i < layers.size(); i += step)
    ++counts[static_cast<size_t>(layers[i]->stage)];
  return counts;
}

/// All layers take the same number of blocks: one group, pages of each layer side by side.
void one_group(const std::vector<Entry>& entries, int64_t block, KvLayout& layout) {
  KvGroup group{entries[0].mixer, entries[0].window, block,
                std::vector<int64_t>(layout.block_bytes_of_stage.size(), 0)};
  for (const Entry& e : entries) {
    const auto stage = static_cast<size_t>(e.stage);
    layout.block_bytes_of_stage[stage] +=
        e.mixer == Mixer::State ? e.token_bytes : e.token_bytes * block;
    ++group.layers_of_stage[stage];
  }
  layout.groups = {std::move(group)};
}

size_t group_size_of(const std::map<Bucket, std::vector<const Entry*>>& buckets,
                     const VllmVersion& vllm) {
  size_t least = SIZE_MAX, most = 0;
  for (const auto& [key, layers] : buckets) {
    least = std::min(least, layers.size());
    most = std::max(most, layers.size());
  }
  // Nearly equal buckets are padded to the larger one (1.25 until about 0.17, 1.5 since).
  const double tolerance = vllm.at_least(18) ? 1.5 : vllm.at_least(11) ? 1.25 : 1.0;
  return static_cast<double>(most) < static_cast<double>(least) * tolerance ? most : least;
}

/// Several kinds of layers share pages of one size; groups have the same number of layers.
void many_groups(const std::map<Bucket, std::vector<const Entry*>>& buckets, int64_t block,
                 KvLayout& layout) {
  int64_t page = 0;
  for (const auto& [key, layers] : buckets) {
    const auto& [mixer, window, bytes] = key;
    page = std::max(page, mixer == Mixer::State ? bytes : bytes * block);
  }
  const size_t stages = layout.block_bytes_of_stage.size();
  const size_t size = group_size_of(buckets, layout.vllm);
  std::vector<int64_t> most_of_stage(stages, 0);
  for (const auto& [key, layers] : buckets) {
    const auto& [mixer, window, bytes] = key;
    // A smaller page holds more tokens where it divides the largest one, else it is padded.
    const int64_t own = bytes * block;
    const int64_t tokens =
        mixer != Mixer::State && own > 0 && page % own == 0 ? block * (page / own) : block;
    const size_t count = (layers.size() + size - 1) / size;
    for (size_t i = 0; i < count; ++i) {
      KvGroup group{mixer, window, tokens, stage_counts(layers, i, count, stages)};
      for (size_t s = 0; s < stages; ++s)
        most_of_stage[s] = std::max(most_of_stage[s], group.layers_of_stage[s]);
      layout.groups.push_back(std::move(group));
    }
  }
  for (size_t s = 0; s < stages; ++s) layout.block_bytes_of_stage[s] = most_of_stage[s] * page;
}

void set_state_cache(const ModelConfig& c, const KvOptions& o, KvLayout& layout) {
  StateCache mode = o.state_cache;
  if (mode == StateCache::ByVersion) {
    // Prefix caching keeps two states per request ("Mamba cache mode is set to 'align'"). Whether
    // it is on is the launch's choice; the logs seen have it from 0.21 on, and two is the safe
    // side.
    mode = o.vllm.at_least(21) ? StateCache::Aligned : StateCache::One;
  }
  layout.states_per_block = mode == StateCache::All;
  layout.state_blocks = (mode == StateCache::Aligned ? 2 : 1) + o.speculative_tokens;
  if (c.state && o.state_cache == StateCache::ByVersion) {
    layout.notes.push_back(layout.state_blocks == 1 + o.speculative_tokens
                               ? "one recurrent state per request and layer, as without prefix "
                                 "caching (--mamba-cache-mode align: two)"
                               : "two recurrent states per request and layer, as with prefix "
                                 "caching (--mamba-cache-mode none: one)");
  }
}

void set_token_bytes(const std::vector<Entry>& entries, KvLayout& layout) {
  std::vector<int64_t> of_stage(layout.block_bytes_of_stage.size(), 0);
  for (const Entry& e : entries) {
    if (e.mixer != Mixer::State) of_stage[static_cast<size_t>(e.stage)] += e.token_bytes;
  }
  layout.token_bytes = *std::max_element(of_stage.begin(), of_stage.end());
}

}  // namespace

std::vector<int64_t> stage_layers(int64_t layers, int64_t stages) {
  stages = std::clamp<int64_t>(stages, 1, kMostLayers);
  std::vector<int64_t> result(static_cast<size_t>(stages), layers / stages);
  int64_t left = layers % stages;
  for (int64_t i = stages - 2; left > 0 && i >= 0; --i, --left) ++result[static_cast<size_t>(i)];
  return result;
}

int64_t state_bytes(const StateSpace& s, int64_t tp, int64_t dtype_bytes, int64_t speculative) {
  using Kind = StateSpace::Kind;
  const int64_t recurrent = s.state_bytes > 0 ? s.state_bytes : dtype_bytes;
  const int64_t kept = std::max<int64_t>(s.kernel - 1 + speculative, 0);
  const auto conv = [&](int64_t width) { return width / tp * kept * dtype_bytes; };
  switch (s.kind) {
    case Kind::DeltaNet:
      return conv(2 * s.key_heads * s.key_dim + s.heads * s.head_dim) +
             s.heads / tp * s.head_dim * s.key_dim * recurrent;
    case Kind::KimiDelta:
      return conv(3 * s.heads * s.head_dim) + s.heads / tp * s.head_dim * s.head_dim * recurrent;
    case Kind::Mamba2: {
      // Groups are repeated so that every rank has those of its heads.
      const int64_t groups = s.groups % tp == 0 ? s.groups : std::max(tp, s.groups);
      return conv(s.inner + 2 * groups * s.state) + s.heads / tp * s.head_dim * s.state * recurrent;
    }
    case Kind::Mamba1:
      return conv(s.inner) + s.inner / tp * s.state * recurrent;
    case Kind::ShortConv:
      return conv(s.inner);
    case Kind::Lightning:
      return s.heads / tp * s.head_dim * s.head_dim * recurrent;
  }
  return 0;
}

KvLayout kv_layout(const ModelConfig& c, const KvOptions& given) {
  KvOptions o = given;
  o.tp = std::clamp<int64_t>(o.tp, 1, 1 << 16);
  o.pp = std::clamp<int64_t>(o.pp, 1, kMostLayers);
  KvLayout layout;
  layout.vllm = o.vllm;
  layout.context_parallel = std::max<int64_t>(o.context_parallel, 1);
  layout.batched_tokens = o.batched_tokens;
  layout.block_bytes_of_stage.assign(static_cast<size_t>(o.pp), 0);
  const Element element = element_of(c, o);
  layout.element = word_of(element, c);
  set_state_cache(c, o, layout);
  const std::vector<Entry> entries = entries_of(c, o, element);
  layout.block_size = std::clamp<int64_t>(default_block_size(c, o), 1, 1 << 16);
  if (entries.empty()) return layout;
  set_token_bytes(entries, layout);
  layout.block_size = aligned_block(c, entries, layout.block_size, layout);
  std::map<Bucket, std::vector<const Entry*>> buckets;
  for (const Entry& e : entries) buckets[{e.mixer, e.window, e.token_bytes}].push_back(&e);
  const auto& first = buckets.begin()->first;
  const bool uniform = std::all_of(buckets.begin(), buckets.end(), [&](const auto& b) {
    return std::get<0>(b.first) == std::get<0>(first) && std::get<1>(b.first) == std::get<1>(first);
  });
  if (uniform) {
    one_group(entries, layout.block_size, layout);
  } else {
    many_groups(buckets, layout.block_size, layout);
  }
  for (const KvGroup& g : layout.groups)
    layout.block_size = std::min(layout.block_size, g.block_size);
  return layout;
}

int64_t KvLayout::blocks_in(double bytes) const {
  double blocks = 9e15;
  for (const int64_t per_block : block_bytes_of_stage) {
    if (per_block > 0)
      blocks = std::min(blocks, std::floor(bytes / static_cast<double>(per_block)));
  }
  return groups.empty() || !(blocks > 0) ? 0 : static_cast<int64_t>(blocks);
}

int64_t KvLayout::blocks_for(int64_t length) const {
  int64_t blocks = 0;
  for (const KvGroup& g : groups) {
    switch (g.mixer) {
      case Mixer::Sliding:
        blocks += ceil_div(std::min(g.window - 1 + batched_tokens, length), g.block_size) + 1;
        break;
      case Mixer::Chunked:
        blocks += ceil_div(std::min(g.window + batched_tokens, length), g.block_size);
        break;
      case Mixer::State:
        blocks += states_per_block ? ceil_div(length, g.block_size) : state_blocks;
        break;
      default:
        blocks += ceil_div(ceil_div(length, context_parallel), g.block_size);
    }
  }
  return blocks;
}

double KvLayout::bytes_for(int64_t length) const {
  int64_t most = 0;
  for (const int64_t per_block : block_bytes_of_stage) most = std::max(most, per_block);
  return static_cast<double>(blocks_for(length)) * static_cast<double>(most);
}

double KvLayout::concurrency(int64_t blocks, int64_t length) const {
  const int64_t needed = blocks_for(length);
  if (needed <= 0 || length <= 0) return 0;
  // Before groups existed the log divided tokens by length.
  if (vllm.v0 || !vllm.at_least(9, 1)) {
    return static_cast<double>(blocks) * static_cast<double>(block_size) /
           static_cast<double>(length);
  }
  return static_cast<double>(blocks) / static_cast<double>(needed);
}

int64_t KvLayout::tokens_printed(int64_t blocks, int64_t length) const {
  if (groups.empty()) return 0;
  if (vllm.at_least(21) && !vllm.v0 && length > 0) {
    const double tokens = concurrency(blocks, length) * static_cast<double>(length);
    return static_cast<int64_t>(std::min(tokens, 9e15));
  }
  return blocks / static_cast<int64_t>(groups.size()) * block_size * context_parallel;
}

int64_t KvLayout::longest(double bytes, int64_t limit) const {
  const int64_t blocks = blocks_in(bytes);
  if (groups.empty()) return limit;
  int64_t low = 0, high = std::max<int64_t>(limit, 0);
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (blocks_for(middle) <= blocks)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

}  // namespace rankdx
