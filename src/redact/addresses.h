// Network addresses in text, and pseudonyms that keep what a diagnosis needs: two addresses of one
// subnet stay in one subnet, an address stays an address.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace rankdx {

/// Length of an IPv4 address at text[0], 0 for none: four numbers up to 255 without a leading zero.
size_t ipv4_length(std::string_view text);

/// Length of an IPv6 address at text[0], 0 for none (a time of day, host:pid:tid and hardware
/// addresses are none).
size_t ipv6_length(std::string_view text);

/// Addresses that say nothing about a network and much about a fault: loopback, any, link-local,
/// docker's bridge.
bool stays_readable(std::string_view address);

class AddressPseudonyms {
 public:
  /// IPv4: of 198.18.0.0/15 (RFC 2544, for tests), then of 240.0.0.0/4, which nobody uses, with the
  /// last number kept. IPv6: of 2001:db8::/32 (RFC 3849), link-local ones of fe80::/10.
  const std::string& of(std::string_view address);

 private:
  std::string make(std::string_view address);

  std::unordered_map<std::string, std::string> known_;
  std::unordered_map<std::string, size_t>
      subnets_;  ///< /24 or everything before the last colon, by order
  size_t v6_count_ = 0;
};

}  // namespace rankdx
