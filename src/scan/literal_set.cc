#include "scan/literal_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <numeric>

namespace rankdx {
namespace {

constexpr size_t kWindow = 4;
constexpr size_t kMaxStep = 4;
constexpr size_t kLooked = 28;  // bytes of a literal that are looked at for rare windows
constexpr int kHashBits = 17;

uint32_t window_at(std::string_view text, size_t at) {
  uint32_t bytes;
  std::memcpy(&bytes, text.data() + at, sizeof bytes);
  return bytes;
}

constexpr size_t kQuick = 8;  // bytes of a literal that are looked at before all of it

uint64_t quick_at(std::string_view text, size_t at) {
  uint64_t bytes;
  std::memcpy(&bytes, text.data() + at, sizeof bytes);
  return bytes;
}

uint32_t hash_of(uint32_t window) { return window * 0x9e3779b1U >> (32 - kHashBits); }

/// Lines that a log is full of: windows from them would select in vain.
constexpr std::string_view kUsualLines[] = {
    "AllReduce: opCount 0 sendbuff 0x7f recvbuff 0x7f count 1 datatype 7 op 0 root 0 comm 0x5 "
    "[nranks=4] stream 0x5",
    "AllGather ReduceScatter Broadcast Send Recv: 4194304 Bytes -> Algo RING proto SIMPLE "
    "channel{Lo..Hi}={0..1}",
    "NCCL INFO Channel 00/1 : 2[0] -> 0[0] [receive] [send] via NET/Socket/0 P2P/CUMEM/read "
    "SHM/direct/direct",
    "NCCL INFO Ring Trees [0] -1/-1/-1->0->1 Pattern 4, crossNic 0, nChannels 1, bw 1.2/1.2, type "
    "NVL/PHB",
    "ncclCommInitRank comm 0x5 rank 0 nranks 4 nRanks nNodes localRanks localRank MNNVL cudaDev 0 "
    "nvmlDev 0 busId 1b000",
    "commId 0x7 - Init START Init COMPLETE === System : maxBw 1.2 totalBw 370.8 === CPU/0 GPU/0 "
    "PCI[48.0] NIC/0 NVS",
    "NET/Plugin: Could not find: libnccl-net.so ENV/Plugin TUNER/Plugin PROFILER/Plugin Using "
    "internal plugin set by",
    "environment to Connected all rings, use ring PXN 0 GDR 1 Connected all trees Setting affinity "
    "for GPU 0 to 03",
    "threadThresholds 8/8/64 | 32/8/64 | 512 | 512 coll channels, p2p channels per peer Init "
    "timings - total (kernels)",
    "INFO WARNING ERROR DEBUG 07-08 11:50:03 [gpu_model_runner.py:1843] File "
    "\"/usr/local/lib/python3.12/dist-packages/",
    "vllm/v1/engine/core.py\", line 390, in Loading weights took seconds model torch/distributed/ "
    "self. return raise",
};

/// How often each window stands in the literals, which are texts of logs themselves: the more
/// often, the more lines it would select in vain.
class Commonness {
 public:
  explicit Commonness(const std::vector<std::string>& literals) : count_(size_t{1} << kHashBits) {
    for (std::string_view literal : literals) {
      literal = literal.substr(0, kLooked);
      for (size_t at = 0; at + kWindow <= literal.size(); ++at) add(window_at(literal, at), 1);
      for (char c : literal) ++bytes_[static_cast<unsigned char>(c)];
    }
    for (std::string_view line : kUsualLines) {
      for (size_t at = 0; at + kWindow <= line.size(); ++at) add(window_at(line, at), 1000);
    }
  }
  uint64_t of(std::string_view window) const {
    uint64_t bytes = 0;
    for (char c : window) bytes += bytes_[static_cast<unsigned char>(c)];
    constexpr uint64_t kWeight = 1 << 16;
    return count_[hash_of(window_at(window, 0))] * kWeight + std::min(bytes, kWeight - 1);
  }

 private:
  void add(uint32_t window, uint32_t weight) { count_[hash_of(window)] += weight; }
  std::vector<uint32_t> count_;
  std::array<uint32_t, 256> bytes_{};
};

/// Where the rarest `step` windows in a row start.
size_t rarest_windows(std::string_view literal, size_t step, const Commonness& commonness) {
  std::array<uint64_t, kLooked> common{};
  uint64_t sum = 0, least = UINT64_MAX;
  size_t best = 0;
  for (size_t at = 0; at + kWindow <= literal.size(); ++at) {
    common[at] = commonness.of(literal.substr(at, kWindow));
    sum += common[at];
    if (at >= step) sum -= common[at - step];
    if (at + 1 >= step && sum < least) {
      least = sum;
      best = at + 1 - step;
    }
  }
  return best;
}

static_assert(std::endian::native == std::endian::little);

}  // namespace

LiteralSet::LiteralSet(std::vector<std::string> literals) : literals_(std::move(literals)) {
  if (literals_.empty()) return;
  size_t shortest = kWindow + kMaxStep;
  for (const std::string& literal : literals_) {
    assert(literal.size() >= kWindow);
    if (literal.size() >= kWindow) shortest = std::min(shortest, literal.size());
  }
  step_ = std::min(shortest - kWindow + 1, kMaxStep);
  const Commonness commonness(literals_);
  std::vector<Window> windows;
  for (uint32_t i = 0; i < literals_.size(); ++i) {
    if (literals_[i].size() < kWindow) continue;
    const std::string_view looked = std::string_view(literals_[i]).substr(0, kLooked);
    const size_t from = rarest_windows(looked, step_, commonness);
    uint64_t start = 0;
    const size_t known = std::min(kQuick, literals_[i].size());
    const uint64_t mask = known == kQuick ? ~uint64_t{0} : (uint64_t{1} << known * 8) - 1;
    std::memcpy(&start, literals_[i].data(), known);
    for (size_t at = from; at < from + step_; ++at) {
      windows.push_back({start, mask, window_at(literals_[i], at), i, static_cast<uint32_t>(at)});
    }
  }
  place(windows);
}

/// Fills the tables, in the order of the hashes.
void LiteralSet::place(const std::vector<Window>& windows) {
  bitmap_.resize(size_t{1} << (kHashBits - 6));
  before_.resize(bitmap_.size());
  for (const Window& window : windows) {
    const uint32_t hash = hash_of(window.bytes);
    bitmap_[hash / 64] |= uint64_t{1} << hash % 64;
  }
  for (size_t i = 1; i < bitmap_.size(); ++i) {
    before_[i] = before_[i - 1] + std::popcount(bitmap_[i - 1]);
  }
  first_of_.resize(before_.back() + std::popcount(bitmap_.back()) + 2);
  for (const Window& window : windows) ++first_of_[nth_hash(hash_of(window.bytes)) + 2];
  std::partial_sum(first_of_.begin(), first_of_.end(), first_of_.begin());
  windows_.resize(windows.size());
  for (const Window& window : windows) {
    windows_[first_of_[nth_hash(hash_of(window.bytes)) + 1]++] = window;
  }
  first_of_.pop_back();
}

/// How many of the hashes that occur are smaller.
size_t LiteralSet::nth_hash(uint32_t hash) const {
  const uint64_t below = (uint64_t{1} << hash % 64) - 1;
  return before_[hash / 64] + std::popcount(bitmap_[hash / 64] & below);
}

/// Looks at the literals that have this window. False: stop here.
template <class OnHit>
bool LiteralSet::check(std::string_view text, size_t at, OnHit&& on_hit) const {
  const uint32_t hash = hash_of(window_at(text, at));
  const size_t nth = nth_hash(hash);
  const uint32_t bytes = window_at(text, at);
  for (uint32_t i = first_of_[nth]; i < first_of_[nth + 1]; ++i) {
    const Window& window = windows_[i];
    if (window.bytes != bytes || window.offset > at) continue;
    if (text.size() >= kQuick && at - window.offset <= text.size() - kQuick &&
        (quick_at(text, at - window.offset) & window.mask) != window.start) {
      continue;
    }
    if (text.substr(at - window.offset).starts_with(literals_[window.literal]) &&
        !on_hit(window.literal)) {
      return false;
    }
  }
  return true;
}

template <class OnHit>
void LiteralSet::scan(std::string_view text, OnHit&& on_hit) const {
  if (bitmap_.empty() || text.size() < kWindow) return;
  const size_t end = text.size() - kWindow + 1, step = step_;
  auto present = [text, bitmap = bitmap_.data()](size_t place) {
    const uint32_t hash = hash_of(window_at(text, place));
    return bitmap[hash / 64] >> hash % 64 & 1;
  };
  size_t at = 0;
  // Four steps for one branch.
  for (; at + 3 * step < end; at += 4 * step) {
    uint64_t hits = present(at) | present(at + step) << 1 | present(at + 2 * step) << 2 |
                    present(at + 3 * step) << 3;
    for (; hits; hits &= hits - 1) {
      if (!check(text, at + std::countr_zero(hits) * step, on_hit)) return;
    }
  }
  for (; at < end; at += step) {
    if (present(at) && !check(text, at, on_hit)) return;
  }
}

bool LiteralSet::any(std::string_view text) const {
  bool found = false;
  scan(text, [&](uint32_t) {
    found = true;
    return false;
  });
  return found;
}

void LiteralSet::find(std::string_view text, std::vector<uint32_t>& hits) const {
  const size_t start = hits.size();
  auto make_unique = [&] {
    std::sort(hits.begin() + start, hits.end());
    hits.erase(std::unique(hits.begin() + start, hits.end()), hits.end());
  };
  scan(text, [&](uint32_t literal) {
    hits.push_back(literal);
    // A long line can hold one literal thousands of times.
    if (hits.size() - start > 2 * literals_.size() + 64) make_unique();
    return true;
  });
  if (hits.size() > start + 1) make_unique();
}

}  // namespace rankdx
