// What a scanner remembers of its source: the hosts and the writers seen so far. Both are bounded:
// a log with more of them goes on without learning new ones.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scan/envelope.h"

namespace rankdx {

class KnownHosts {
 public:
  static constexpr size_t kMaxHosts = 1 << 16;
  static constexpr size_t kMaxHostName = 253;  ///< a DNS name

  void learn(std::string_view host);
  bool knows(std::string_view host) const {
    return host.size() <= kMaxHostName && sizes_[host.size()] && hosts_.contains(host);
  }
  /// Where the longest known host begins that `text` ends with; npos without one.
  size_t known_end(std::string_view text) const;
  /// True if a known host starts with `text`, but is longer.
  bool starts_a_host(std::string_view text) const;

 private:
  std::set<std::string, std::less<>> hosts_;
  std::bitset<kMaxHostName + 1> sizes_;  ///< of them: most pieces of a host have another one
};

/// Whether the other lines of a block depend on which hosts are known.
enum class Hangs : uint8_t { No, OnHosts };
/// May the lines of a block be believed that were read alone, as if these hosts were known? A host
/// that is not known yet must be no longer form of another one (a cut line glued to it), and no
/// line of the block may hang on which hosts are known.
bool can_learn(const KnownHosts& known, const std::vector<std::string_view>& hosts, Hangs lines);

class Writers {
 public:
  static constexpr uint32_t kMaxWriters = 1 << 16;

  /// The number of (origin, host, pid, tid): a new one for a new writer, kNoWriter when there are
  /// too many.
  uint32_t number(const Envelope& message);

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
  std::string key_;
};

struct SourceMemory {
  KnownHosts hosts;
  Writers writers;
};

}  // namespace rankdx
