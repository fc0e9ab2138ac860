// A good run against a bad one: what differs, the differences that explain the failure first.
#pragma once

#include <string>
#include <vector>

#include "diagnose/diagnose.h"

namespace rankdx {

/// How much a difference can explain: something that a finding of the bad run names, something that
/// steers the launch, or what merely comes out of it.
enum class Telling : uint8_t { Named, Steering, Outcome };

struct Difference {
  Telling telling = Telling::Outcome;
  std::string what;  ///< "NCCL version", "NCCL_SOCKET_IFNAME", "link 0 -> 1"
  std::string good;  ///< value in the good run, "" where there was none
  std::string bad;
  auto operator<=>(const Difference&) const = default;
};

/// Versions, environment, interfaces, networks, number of ranks and nodes, channels, transport per
/// pair, how far the ranks got, and how long their start took. Hosts are compared by what runs on
/// them, not by name.
std::vector<Difference> compare(const Job& good, const Job& bad, const Diagnosis& bad_diagnosis);

}  // namespace rankdx
