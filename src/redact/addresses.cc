#include "redact/addresses.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstring>

#include "redact/letters.h"

namespace rankdx {
namespace {

constexpr size_t kMostNames =
    1 << 20;  ///< then all others share one: memory is bounded whatever the text holds

/// A number goes on, or a word: no end of an address.
bool goes_on(std::string_view text, size_t at) {
  if (at >= text.size()) return false;
  if (is_alnum(text[at]) || text[at] == '_') return true;
  return text[at] == '.' && at + 1 < text.size() && is_digit(text[at + 1]);
}

}  // namespace

size_t ipv4_length(std::string_view text) {
  size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part && (at >= text.size() || text[at++] != '.')) return 0;
    const size_t begin = at;
    int value = 0;
    while (at < text.size() && is_digit(text[at]) && at - begin < 4)
      value = value * 10 + (text[at++] - '0');
    if (at == begin || value > 255 || (at - begin > 1 && text[begin] == '0')) return 0;
  }
  return goes_on(text, at) ? 0 : at;
}

size_t ipv6_length(std::string_view text) {
  constexpr size_t kMost = INET6_ADDRSTRLEN - 1;
  size_t n = 0, colons = 0;
  while (n < text.size() && n <= kMost && (is_hex(text[n]) || text[n] == ':'))
    colons += text[n++] == ':';
  while (n > 0 && text[n - 1] == ':' && !(n > 1 && text[n - 2] == ':')) --n, --colons;
  if (colons < 2 || n > kMost || (n < text.size() && (is_alnum(text[n]) || text[n] == '_')))
    return 0;
  char copy[kMost + 1] = {};
  std::memcpy(copy, text.data(), n);
  in6_addr address{};
  return inet_pton(AF_INET6, copy, &address) == 1 ? n : 0;
}

bool stays_readable(std::string_view a) {
  return a.starts_with("127.") || a.starts_with("0.") || a.starts_with("169.254.") ||
         a.starts_with("172.17.") || a.starts_with("255.") || a == "::1" || a == "::";
}

const std::string& AddressPseudonyms::of(std::string_view address) {
  static const std::string kOther = "192.0.2.1";  // RFC 5737
  std::string key(address);
  for (char& c : key) c = to_lower(c);
  if (auto found = known_.find(key); found != known_.end()) return found->second;
  if (known_.size() >= kMostNames) return kOther;
  std::string pseudonym = make(key);
  return known_.emplace(std::move(key), std::move(pseudonym)).first->second;
}

std::string AddressPseudonyms::make(std::string_view address) {
  const bool v6 = address.find(':') != address.npos;
  const size_t cut = address.rfind(v6 ? ':' : '.');
  const size_t subnet = subnets_.emplace(address.substr(0, cut), subnets_.size()).first->second;
  if (!v6) {
    const std::string_view last = address.substr(cut + 1);
    if (subnet < 512) return fmt::format("198.{}.{}.{}", 18 + subnet / 256, subnet % 256, last);
    return fmt::format("{}.{}.{}.{}", 240 + (subnet >> 16 & 15), subnet >> 8 & 255, subnet & 255,
                       last);
  }
  // The last group of an address made from a hardware address would name the device: it is counted
  // instead.
  const size_t number = ++v6_count_;
  if (address.starts_with("fe80:")) {
    return number < 0x10000 ? fmt::format("fe80::{:x}", number)
                            : fmt::format("fe80::{:x}:{:x}", number >> 16, number & 0xffff);
  }
  return fmt::format("2001:db8:{:x}:{:x}::{:x}", subnet >> 16, subnet & 0xffff, number & 0xffff);
}

}  // namespace rankdx
