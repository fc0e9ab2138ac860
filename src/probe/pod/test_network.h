// Interfaces and routes of a fake machine.
#pragma once

#include "probe/pod/test_root.h"

namespace rankdx {

/// A host with lo and the given "name index state hex-destination hex-mask" networks; addresses as
/// fib_trie lists them.
struct Net {
  std::string name, index, state, destination, mask, address;
};
inline Files network(const std::vector<Net>& nets) {
  std::string trie =
      "Local:\n  +-- 0.0.0.0/0 3 0 5\n           |-- 127.0.0.1\n              /32 host LOCAL\n";
  std::string route =
      "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
  Files out = {{"/sys/class/net/lo/flags", "0x9\n"},
               {"/sys/class/net/lo/ifindex", "1\n"},
               {"/sys/class/net/lo/operstate", "unknown\n"}};
  for (const Net& n : nets) {
    trie += "           |-- " + n.address + "\n              /32 host LOCAL\n";
    route += n.name + "\t" + n.destination + "\t00000000\t0001\t0\t0\t0\t" + n.mask + "\t0\t0\t0\n";
    const std::string dir = "/sys/class/net/" + n.name + "/";
    out.push_back({dir + "flags", "0x1003\n"});
    out.push_back({dir + "ifindex", n.index + "\n"});
    out.push_back({dir + "operstate", n.state + "\n"});
    out.push_back({dir + "mtu", "9000\n"});
    out.push_back({dir + "speed", "100000\n"});
  }
  out.push_back({"/proc/net/fib_trie", trie});
  out.push_back({"/proc/net/route", route});
  return out;
}

inline const Net kEth0{"eth0", "2", "up", "0001F40A", "00FFFFFF", "10.244.1.15"};
inline const Net kEth1{"eth1", "3", "up", "0032A8C0", "00FFFFFF", "192.168.50.1"};
inline const Net kDocker{"docker0", "4", "up", "000011AC", "0000FFFF", "172.17.0.1"};

}  // namespace rankdx
