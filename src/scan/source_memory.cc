#include "scan/source_memory.h"

#include <algorithm>

namespace rankdx {

void KnownHosts::learn(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostName || hosts_.size() >= kMaxHosts) return;
  hosts_.emplace(host);
  sizes_.set(host.size());
}

size_t KnownHosts::known_end(std::string_view text) const {
  for (size_t at = text.size() - std::min(text.size(), kMaxHostName); at < text.size(); ++at) {
    if (knows(text.substr(at))) return at;
  }
  return std::string_view::npos;
}

bool KnownHosts::starts_a_host(std::string_view text) const {
  const auto next = hosts_.upper_bound(text);
  return next != hosts_.end() && next->starts_with(text);
}

bool can_learn(const KnownHosts& known, const std::vector<std::string_view>& hosts, Hangs lines) {
  std::set<std::string_view> fresh;
  std::bitset<KnownHosts::kMaxHostName + 1> fresh_sizes;
  for (std::string_view host : hosts) {
    if (known.knows(host)) continue;
    fresh.insert(host);
    fresh_sizes.set(std::min(host.size(), KnownHosts::kMaxHostName));
  }
  if (fresh.empty()) return true;
  if (lines == Hangs::OnHosts) return false;
  for (std::string_view host : fresh) {
    for (size_t at = 1; at < host.size(); ++at) {
      const std::string_view end = host.substr(at);
      if (known.knows(end) ||
          (fresh_sizes[std::min(end.size(), KnownHosts::kMaxHostName)] && fresh.count(end)))
        return false;
    }
  }
  return true;
}

uint32_t Writers::number(const Envelope& message) {
  key_.assign(message.origin).append(1, '\0').append(message.host);
  for (int id : {message.pid, message.tid}) {
    key_.append(reinterpret_cast<const char*>(&id), sizeof id);
  }
  const auto known = numbers_.find(key_);
  if (known != numbers_.end()) return known->second;
  if (numbers_.size() >= kMaxWriters) return kNoWriter;
  const auto fresh = static_cast<uint32_t>(numbers_.size());
  numbers_.emplace(key_, fresh);
  return fresh;
}

}  // namespace rankdx
