// Verdicts on made-up observations: which finding, whom it names, which interface works everywhere.
#include "probe/mesh/judge.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace rankdx {
namespace {

/// Hosts a, b, c, ... each with the interfaces named ("eth0*" is the one NCCL takes); all ways work
/// but those in `bad`: "a>b eth0 filtered".
MeshData mesh(int hosts, std::vector<std::string> interfaces, const std::vector<std::string>& bad) {
  MeshData data;
  for (int i = 0; i < hosts; ++i) {
    MeshMember m;
    m.index = i;
    m.name = std::string(1, static_cast<char>('a' + i));
    m.id = "id-" + m.name;
    m.host_key = m.name;
    m.choice = "why";
    for (size_t k = 0; k < interfaces.size(); ++k) {
      std::string name = interfaces[k];
      const bool chosen = name.ends_with('*');
      if (chosen) name.pop_back();
      const std::string address = name.starts_with("docker")
                                      ? "172.17.0.1"
                                      : "10." + std::to_string(k) + ".0." + std::to_string(i + 1);
      m.addresses.push_back({name, address, 9000, 1, 1, chosen, true});
    }
    data.members.push_back(std::move(m));
  }
  for (int a = 0; a < hosts; ++a) {
    for (int b = 0; b < hosts; ++b) {
      for (size_t k = 0; a != b && k < interfaces.size(); ++k) {
        Observation o;
        o.from = a;
        o.to = b;
        o.address = static_cast<int>(k);
        o.status = PathStatus::Ok;
        o.rtt_us = 100;
        o.clock_offset_s = 0.0;
        const std::string way = data.members[size_t(a)].name + ">" + data.members[size_t(b)].name +
                                " " + data.members[size_t(b)].addresses[k].interface + " ";
        for (const std::string& text : bad) {
          if (!text.starts_with(way)) continue;
          for (int s = 0; s < kPathStatuses; ++s) {
            if (text.substr(way.size()) == to_string(static_cast<PathStatus>(s)))
              o.status = static_cast<PathStatus>(s);
          }
        }
        data.observations.push_back(o);
      }
    }
  }
  return data;
}

std::string findings(const MeshData& data) {
  std::string out;
  for (const Finding& f : judge_mesh(data).report.findings) {
    out += (out.empty() ? "" : "; ") + f.id + ": " + f.title +
           (f.severity == Severity::Error ? "" : " (warning)");
  }
  return out;
}

TEST(MeshJudge, Ways) {
  struct Case {
    int hosts;
    std::vector<std::string> interfaces, bad;
    std::string findings, setting;
  };
  const std::vector<std::string> docker = {"a>b docker0 refused", "b>a docker0 refused",
                                           "a>c docker0 refused", "c>a docker0 refused",
                                           "b>c docker0 refused", "c>b docker0 refused"};
  const Case cases[] = {
      {3, {"eth0*"}, {}, "", "=eth0"},
      // A bridge that each node has for itself concerns nobody.
      {3, {"eth0*", "docker0"}, docker, "", "=eth0"},
      {3,
       {"eth0", "docker0*"},
       docker,
       "node-to-node-traffic-blocked: a to b, a to c, b to a and 3 more on docker0: refused",
       "=eth0"},
      {3,
       {"eth0*", "eth1"},
       {"a>b eth0 filtered"},
       "node-to-node-traffic-blocked: a to b on eth0: filtered",
       "=eth1"},
      {3,
       {"eth0*", "eth1"},
       {"a>b eth1 filtered"},
       "node-to-node-traffic-blocked: a to b on eth1: filtered (warning)",
       "=eth0"},
      {3,
       {"eth0*"},
       {"a>c eth0 filtered", "b>c eth0 filtered"},
       "node-to-node-traffic-blocked: Every way to c on eth0: filtered",
       ""},
      {3,
       {"eth0*"},
       {"c>a eth0 no route", "c>b eth0 no route"},
       "node-to-node-traffic-blocked: Every way from c on eth0: no route",
       ""},
      {4,
       {"eth0*"},
       {"a>b eth0 MTU", "b>a eth0 MTU", "c>b eth0 MTU", "b>c eth0 MTU", "d>b eth0 MTU",
        "b>d eth0 MTU"},
       "mtu-mismatch: Every way to and from b on eth0: MTU",
       ""},
      {2, {"eth0*"}, {"a>b eth0 closed"}, "connection-closed-at-start: a to b on eth0: closed", ""},
      {2,
       {"eth0*"},
       {"a>b eth0 silent"},
       "connection-silent-after-start: a to b on eth0: silent",
       ""},
      {2,
       {"eth0*"},
       {"a>b eth0 foreign service"},
       "foreign-connection-to-nccl-port: a to b on eth0: foreign service",
       ""},
  };
  for (const Case& c : cases) {
    const MeshData data = mesh(c.hosts, c.interfaces, c.bad);
    EXPECT_EQ(findings(data), c.findings);
    EXPECT_EQ(judge_mesh(data).interface_setting, c.setting) << c.findings;
  }
}

TEST(MeshJudge, OddInterface) {
  MeshData data = mesh(3, {"eth0*", "eth1"}, {"a>c eth1 filtered", "b>c eth1 filtered"});
  data.members[2].addresses[0].chosen = false;
  data.members[2].addresses[1].chosen = true;
  EXPECT_EQ(findings(data), "unreachable-interface-selected: Every way to c on eth1: filtered");
}

TEST(MeshJudge, Hosts) {
  MeshData twins = mesh(3, {"eth0*"}, {});
  twins.members[2].addresses.push_back(
      {"eth0", twins.members[1].addresses[0].address, 1500, 0, 0, false, false});
  EXPECT_EQ(findings(twins), "duplicate-address: b and c have the same address 10.0.0.2");

  MeshData clock = mesh(4, {"eth0*"}, {});
  for (Observation& o : clock.observations) {
    if (o.to == 3) o.clock_offset_s = -37.0;
    if (o.from == 3) o.clock_offset_s = 37.0;
  }
  EXPECT_EQ(findings(clock), "clock-offset: The clock of d is 37 s behind (warning)");

  MeshData two = mesh(2, {"eth0*"}, {});
  for (Observation& o : two.observations) o.clock_offset_s = o.to == 1 ? -37.0 : 37.0;
  EXPECT_EQ(findings(two),
            "clock-offset: The clock of a is 37 s ahead of the other member's (warning)");

  MeshData names = mesh(2, {"eth0*"}, {});
  names.members[1].names = {{"b", {"127.0.1.1"}}};
  EXPECT_EQ(findings(names), "gloo-uses-loopback: On b the name b resolves to 127.0.1.1");

  MeshData port = mesh(2, {"eth0*"}, {});
  port.members[0].ports_taken = {{8000, "nginx (pid 9)"}};
  EXPECT_EQ(findings(port), "port-in-use: Port 8000 is taken on a");

  MeshData name = mesh(3, {"eth0*"}, {});
  name.members[2].name = "a";
  EXPECT_EQ(findings(name), "duplicate-hostname: Two machines call themselves a (warning)");

  MeshData none = mesh(2, {"eth0"}, {});
  EXPECT_EQ(findings(none),
            "socket-ifname-matches-nothing: On a NCCL finds no interface; "
            "socket-ifname-matches-nothing: On b NCCL finds no interface");

  MeshData mute = mesh(2, {"eth0*"}, {});
  mute.silent = {1};
  EXPECT_EQ(findings(mute), "mesh-member-silent: b joined and never reported (warning)");
}

TEST(MeshJudge, NothingKnownIsUndetermined) {
  const MeshVerdict verdict = judge_mesh({});
  for (const CheckResult& c : verdict.report.checks) {
    if (c.id == "mesh-ways" || c.id == "mesh-clocks" || c.id == "mesh-latency") {
      EXPECT_EQ(to_string(c.status), "unknown") << c.id;
    }
  }
}

}  // namespace
}  // namespace rankdx
