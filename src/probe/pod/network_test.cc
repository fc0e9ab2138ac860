// Interfaces, names, RDMA, PCIe, ports, libraries, variables: each ok, wrong and unknown.
#include "probe/pod/test_root.h"

namespace rankdx {
namespace {

using enum CheckStatus;

/// A host with lo and the given "name index state hex-destination hex-mask" networks; addresses as
/// fib_trie lists them.
struct Net {
  std::string name, index, state, destination, mask, address;
};
Files network(const std::vector<Net>& nets) {
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

const Net kEth0{"eth0", "2", "up", "0001F40A", "00FFFFFF", "10.244.1.15"};
const Net kEth1{"eth1", "3", "up", "0032A8C0", "00FFFFFF", "192.168.50.1"};
const Net kDocker{"docker0", "4", "up", "000011AC", "0000FFFF", "172.17.0.1"};

TEST(PodNetwork, Interfaces) {
  const Files two = network({kEth0, kEth1}), docker = network({kDocker});
  Net down = kEth0;
  down.state = "down";
  run_cases({
      {"two",
       check_interfaces,
       "interfaces",
       two,
       {},
       Ok,
       "lo 127.0.0.1/8, eth0 10.244.1.15/24, eth1 192.168.50.1/24",
       ""},
      {"unknown", check_interfaces, "interfaces", {}, {}, Unknown, "no address is listed", ""},
      {"choice", check_interfaces, "nccl-interface", two, {}, Ok, "eth0 10.244.1.15", ""},
      {"variable",
       check_interfaces,
       "nccl-interface",
       two,
       {{"NCCL_SOCKET_IFNAME", "eth1"}},
       Ok,
       "eth1 192.168.50.1 (NCCL_SOCKET_IFNAME=eth1 decides)",
       ""},
      {"no match",
       check_interfaces,
       "nccl-interface",
       two,
       {{"NCCL_SOCKET_IFNAME", "bond0"}},
       Failed,
       "bond0",
       "socket-ifname-matches-nothing"},
      {"lo let in",
       check_interfaces,
       "nccl-interface",
       two,
       {{"NCCL_SOCKET_IFNAME", "^docker"}},
       Failed,
       "lo 127.0.0.1",
       "loopback-selected"},
      {"only lo",
       check_interfaces,
       "nccl-interface",
       network({}),
       {},
       Warning,
       "lo 127.0.0.1",
       "loopback-selected"},
      {"docker named",
       check_interfaces,
       "nccl-interface",
       docker,
       {{"NCCL_SOCKET_IFNAME", "docker0"}},
       Warning,
       "docker0",
       "unreachable-interface-selected"},
      {"no IPv6",
       check_interfaces,
       "nccl-interface",
       two,
       {{"NCCL_SOCKET_FAMILY", "AF_INET6"}},
       Failed,
       "no interface",
       "socket-family-has-no-address"},
      {"no carrier",
       check_interfaces,
       "nccl-interface",
       network({down}),
       {},
       Warning,
       "lo",
       "loopback-selected"},
      {"unknown", check_interfaces, "nccl-interface", {}, {}, Unknown, "not known", ""},
      {"gloo",
       check_interfaces,
       "gloo-interface",
       two,
       {{"GLOO_SOCKET_IFNAME", "eth0"}},
       Ok,
       "eth0",
       ""},
      {"gloo part",
       check_interfaces,
       "gloo-interface",
       two,
       {{"GLOO_SOCKET_IFNAME", "eth"}},
       Failed,
       "eth",
       "socket-ifname-matches-nothing"},
      {"mtu", check_interfaces, "interface-mtu", two, {}, Ok, "eth0 9000 (100000 Mbit/s)", ""},
      {"routes", check_interfaces, "routes", two, {}, Ok, "2, none of them default", ""},
  });
}

TEST(PodNetwork, Names) {
  Files base = network({kEth0});
  base.push_back({"/proc/sys/kernel/hostname", "gpu-worker-01\n"});
  const auto hosts = [&](std::string text) {
    Files out = base;
    out.push_back({"/etc/hosts", std::move(text)});
    return out;
  };
  run_cases({
      {"right",
       check_name_resolution,
       "host-name",
       hosts("10.244.1.15 gpu-worker-01\n"),
       {},
       Ok,
       "10.244.1.15",
       ""},
      {"trap",
       check_name_resolution,
       "host-name",
       hosts("127.0.0.1 localhost\n127.0.1.1\tgpu-worker-01 # Debian\n"),
       {},
       Warning,
       "127.0.1.1",
       "gloo-uses-loopback"},
      {"named",
       check_name_resolution,
       "host-name",
       hosts("127.0.1.1 gpu-worker-01\n"),
       {{"GLOO_SOCKET_IFNAME", "eth0"}, {"VLLM_HOST_IP", "10.244.1.15"}},
       Ok,
       "127.0.1.1",
       ""},
      {"foreign",
       check_name_resolution,
       "host-name",
       hosts("10.9.9.9 gpu-worker-01\n"),
       {},
       Warning,
       "10.9.9.9",
       "wrong-host-ip-advertised"},
      {"unknown", check_name_resolution, "host-name", base, {}, Unknown, "not in /etc/hosts", ""},
      {"dns",
       check_name_resolution,
       "dns",
       {{"/etc/resolv.conf", "nameserver 10.96.0.10\n"}},
       {},
       Ok,
       "10.96.0.10",
       ""},
      {"no dns", check_name_resolution, "dns", {}, {}, Unknown, "no such file", ""},
  });
}

Files rdma(const std::string& state, const std::string& layer, const std::string& type,
           const std::string& gid) {
  const std::string dev = "/sys/class/infiniband/mlx5_0/", port = dev + "ports/1/";
  return {{port + "state", state + "\n"},
          {port + "rate", "400 Gb/sec (4X NDR)\n"},
          {port + "link_layer", layer + "\n"},
          {port + "gids/0", "fe80:0000:0000:0000:9a03:9bff:feaa:0001\n"},
          {port + "gids/1", "0000:0000:0000:0000:0000:0000:0000:0000\n"},
          {port + "gids/3", gid + "\n"},
          {port + "gid_attrs/types/0", "IB/RoCE v1\n"},
          {port + "gid_attrs/types/3", type + "\n"},
          {"/dev/infiniband/uverbs0", ""},
          {"/sys/module/nvidia_peermem/version", "570.86.15\n"}};
}

TEST(PodNetwork, Rdma) {
  const std::string ip = "0000:0000:0000:0000:0000:ffff:0af4:0101";
  const Files roce = rdma("4: ACTIVE", "Ethernet", "RoCE v2", ip);
  const Files no_ip =
      rdma("4: ACTIVE", "Ethernet", "RoCE v2", "fe80:0000:0000:0000:0000:0000:0000:0001");
  const Files down = rdma("1: DOWN", "InfiniBand", "", ip);
  Files no_nodes = roce, proprietary = roce, mixed = roce;
  std::erase_if(no_nodes, [](const auto& f) { return f.first == "/dev/infiniband/uverbs0"; });
  std::erase_if(proprietary, [](const auto& f) { return f.first.starts_with("/sys/module"); });
  Files no_driver = proprietary;
  proprietary.push_back(
      {"/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module\n"});
  mixed.push_back({"/sys/class/infiniband/mlx5_1/ports/1/state", "4: ACTIVE\n"});
  mixed.push_back({"/sys/class/infiniband/mlx5_1/ports/1/link_layer", "InfiniBand\n"});
  run_cases({
      {"none", check_rdma, "rdma-devices", {}, {}, Ok, "none", ""},
      {"demanded",
       check_rdma,
       "rdma-devices",
       {},
       {{"NCCL_NET", "IB"}},
       Failed,
       "none",
       "requested-net-not-available"},
      {"closed",
       check_rdma,
       "rdma-devices",
       {{"/sys/class/infiniband", "-> infiniband"}},
       {},
       Unknown,
       "too many levels",
       ""},
      {"one", check_rdma, "rdma-devices", roce, {}, Ok, "1: mlx5_0", ""},
      {"active", check_rdma, "rdma-links", roce, {}, Ok, "1 of 1 ports active", ""},
      {"down", check_rdma, "rdma-links", down, {}, Warning, "mlx5_0:1 1: DOWN", "ib-link-down"},
      {"gid", check_rdma, "rdma-gids", roce, {}, Ok, "1 RoCE ports", ""},
      {"gid 3", check_rdma, "rdma-gids", roce, {{"NCCL_IB_GID_INDEX", "3"}}, Ok, "1 RoCE", ""},
      {"gid 0",
       check_rdma,
       "rdma-gids",
       roce,
       {{"NCCL_IB_GID_INDEX", "0"}},
       Failed,
       "RoCE v1",
       "roce-gid-wrong"},
      {"gid 1",
       check_rdma,
       "rdma-gids",
       roce,
       {{"NCCL_IB_GID_INDEX", "1"}},
       Failed,
       "is empty",
       "roce-gid-wrong"},
      {"no IPv4", check_rdma, "rdma-gids", no_ip, {}, Warning, "2 entries", "roce-gid-wrong"},
      {"kinds", check_rdma, "rdma-kinds", roce, {}, Ok, "0 InfiniBand, 1 Ethernet", ""},
      {"mixed",
       check_rdma,
       "rdma-kinds",
       mixed,
       {},
       Warning,
       "1 InfiniBand, 1 Ethernet",
       "mixed-ib-and-roce-hcas"},
      {"filter", check_rdma, "rdma-filter", roce, {{"NCCL_IB_HCA", "mlx5"}}, Ok, "1 ports", ""},
      {"no match",
       check_rdma,
       "rdma-filter",
       roce,
       {{"NCCL_IB_HCA", "=mlx5"}},
       Failed,
       "=mlx5",
       "ib-hca-filter-matches-nothing"},
      {"nodes", check_rdma, "rdma-device-nodes", roce, {}, Ok, "1 uverbs", ""},
      {"no nodes",
       check_rdma,
       "rdma-device-nodes",
       no_nodes,
       {},
       Failed,
       "0 uverbs",
       "rdma-device-not-in-container"},
      {"peermem", check_rdma, "gpudirect-rdma", roce, {}, Ok, "570.86.15", ""},
      {"no peermem",
       check_rdma,
       "gpudirect-rdma",
       proprietary,
       {},
       Warning,
       "proprietary",
       "gdr-not-enabled"},
      {"no driver", check_rdma, "gpudirect-rdma", no_driver, {}, Unknown, "no NVIDIA driver", ""},
      {"disabled",
       check_rdma,
       "rdma-disabled",
       roce,
       {{"NCCL_IB_DISABLE", "1"}},
       Warning,
       "=1",
       "rdma-disabled-by-env"},
  });
}

/// Configuration space with an ACS capability whose control word is `control`.
std::string config_space(uint8_t control, size_t size = 4096) {
  std::string c(4096, '\0');
  c[0x100] = 0x0d;
  c[0x102] = 1;
  c[0x104] = 0x5f;
  c[0x106] = static_cast<char>(control);
  return c.substr(0, size);
}

TEST(PodNetwork, Pcie) {
  const std::string bridge = "/sys/bus/pci/devices/0000:18:00.0/";
  const auto with = [&](std::string config) {
    return Files{{bridge + "class", "0x060400\n"}, {bridge + "config", std::move(config)}};
  };
  std::string loop = config_space(0);
  loop[0x100] = 1, loop[0x102] = 0, loop[0x103] = 0x10;  // another capability, whose next is itself
  const std::string groups = "/sys/kernel/iommu_groups/0/";
  run_cases({
      {"off", check_pcie, "pcie-acs", with(config_space(0)), {}, Ok, "0 of 1", ""},
      {"on",
       check_pcie,
       "pcie-acs",
       with(config_space(0x1d)),
       {},
       Warning,
       "0000:18:00.0",
       "gdr-broken-by-acs"},
      {"validation only", check_pcie, "pcie-acs", with(config_space(0x01)), {}, Ok, "0 of 1", ""},
      {"loop", check_pcie, "pcie-acs", with(loop), {}, Ok, "0 of 1", ""},
      {"short",
       check_pcie,
       "pcie-acs",
       with(config_space(0x1d, 64)),
       {},
       Unknown,
       "CAP_SYS_ADMIN",
       ""},
      {"no bridge",
       check_pcie,
       "pcie-acs",
       {{"/sys/bus/pci/devices/", ""}},
       {},
       Unknown,
       "no PCIe bridge",
       ""},
      {"no bus", check_pcie, "pcie-acs", {}, {}, Unknown, "no such file", ""},
      {"no groups",
       check_pcie,
       "iommu",
       {{"/proc/cmdline", "ro quiet\n"}},
       {},
       Ok,
       "no groups",
       ""},
      {"pass-through",
       check_pcie,
       "iommu",
       {{"/proc/cmdline", "ro iommu=pt\n"}, {groups + "type", "identity\n"}},
       {},
       Ok,
       "pass-through",
       ""},
      {"translated",
       check_pcie,
       "iommu",
       {{"/proc/cmdline", "intel_iommu=on\n"}, {groups + "type", "DMA\n"}},
       {},
       Warning,
       "type DMA",
       "p2p-data-path-broken"},
      {"unknown", check_pcie, "iommu", {}, {}, Unknown, "neither", ""},
  });
}

TEST(PodNetwork, Ports) {
  const std::string head =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n";
  const std::string line =
      "   0: 0100007F:735C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4711 1 0 100\n";
  const Files free = {{"/proc/net/tcp", head},
                      {"/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"}};
  Files taken = {{"/proc/net/tcp", head + line},
                 {"/proc/77/fd/3", "-> socket:[4711]"},
                 {"/proc/77/comm", "python3\n"}};
  Files narrow = free;
  narrow[1].second = "60000\t60999\n";
  run_cases(
      {{"free", check_ports, "ports", free, {}, Ok, "1 free", ""},
       {"taken", check_ports, "ports", taken, {}, Failed, "29532: python3 (pid 77)", "port-in-use"},
       {"unknown", check_ports, "ports", {}, {}, Unknown, "no such file", ""},
       {"range", check_ports, "ephemeral-ports", free, {}, Ok, "32768 to 60999", ""},
       {"narrow",
        check_ports,
        "ephemeral-ports",
        narrow,
        {},
        Warning,
        "60000",
        "ephemeral-ports-exhausted"},
       {"no range",
        check_ports,
        "ephemeral-ports",
        {{"/proc/net/tcp", head}},
        {},
        Unknown,
        "not readable",
        ""}},
      [](const PodCase&, TestHost&, PodOptions& options, PodContext&) {
        options.ports = {0x735C};
      });
}

TEST(PodNetwork, Libraries) {
  const std::string site = "/usr/lib/python3/dist-packages/";
  const Files wheel = {{site + "nvidia/nccl/lib/libnccl.so.2", ""},
                       {site + "nvidia_nccl_cu12-2.27.3.dist-info/METADATA", ""},
                       {site + "nvidia_cuda_runtime_cu12-12.8.90.dist-info/METADATA", ""}};
  Files two = wheel;
  two.push_back({"/usr/lib/x86_64-linux-gnu/libnccl.so.2.18.5", ""});
  two.push_back({"/usr/lib/x86_64-linux-gnu/libnccl.so.2", "-> libnccl.so.2.18.5"});
  const Files loaded = {
      {"/proc/7/maps", "7f00-7f01 r-xp 00000000 08:01 1  /opt/nccl/libnccl.so.2.28.9\n"}};
  const Files both = {{"/proc/7/maps",
                       "7f00-7f01 r-xp 00000000 08:01 1  /opt/nccl/libnccl.so.2.28.9\n"
                       "7f02-7f03 r-xp 00000000 08:01 1  /usr/lib/libnccl.so.2.18.5\n"}};
  const Files compat = {
      {"/proc/7/maps", "7f00-7f01 r-xp 0 08:01 1  /usr/local/cuda/compat/libcuda.so.550.54.15\n"}};
  run_cases(
      {
          {"wheel", check_libraries, "nccl-library", wheel, {}, Ok, "libnccl.so.2 (2.27.3)", ""},
          {"two",
           check_libraries,
           "nccl-library",
           two,
           {},
           Warning,
           "also /usr/lib/x86_64-linux-gnu/libnccl.so.2.18.5",
           "wrong-nccl-library-loaded"},
          {"none", check_libraries, "nccl-library", {}, {}, Unknown, "none found", ""},
          {"named",
           check_libraries,
           "nccl-library",
           {},
           {{"VLLM_NCCL_SO_PATH", "/x/libnccl.so"}},
           Failed,
           "/x/libnccl.so",
           "nccl-library-not-loadable"},
          {"server loaded", check_libraries, "nccl-library", loaded, {}, Ok, "(2.28.9)", ""},
          {"server both",
           check_libraries,
           "nccl-library",
           both,
           {},
           Failed,
           "2.18.5",
           "wrong-nccl-library-loaded"},
          {"driver 12.8",
           check_libraries,
           "cuda-versions",
           wheel,
           {},
           Ok,
           "CUDA 12.8, image has 12.8",
           ""},
          {"driver 11.4",
           check_libraries,
           "cuda-versions",
           wheel,
           {},
           Failed,
           "CUDA 11.4",
           "cuda-driver-too-old"},
          {"driver 12.8", check_libraries, "cuda-versions", {}, {}, Unknown, "no CUDA runtime", ""},
          {"no driver", check_libraries, "cuda-versions", wheel, {}, Unknown, "no NVML", ""},
          {"server driver 12.8",
           check_libraries,
           "cuda-compat",
           compat,
           {},
           Failed,
           "compat",
           "cuda-compat-library-conflict"},
          {"server", check_libraries, "cuda-compat", compat, {}, Ok, "compat", ""},
      },
      [](const PodCase& c, TestHost&, PodOptions&, PodContext& ctx) {
        if (c.what.find("12.8") != std::string::npos)
          ctx.nvml.cuda_version = 12080, ctx.nvml.driver_version = "570.86.15";
        if (c.what.find("11.4") != std::string::npos) ctx.nvml.driver_version = "470.57.02";
        if (c.what.starts_with("server")) ctx.server = Process{7, "vllm serve", "vllm"};
      });
}

TEST(PodNetwork, Variables) {
  run_cases(
      {
          {"none",
           check_environment,
           "nccl-variables",
           {},
           {{"HF_TOKEN", "hf_abc"}},
           Ok,
           "none set",
           ""},
          {"set",
           check_environment,
           "nccl-variables",
           {},
           {{"NCCL_DEBUG", "INFO"}},
           Ok,
           "NCCL_DEBUG=INFO",
           ""},
          {"typo",
           check_environment,
           "nccl-variables-known",
           {},
           {{"NCCL_SOCKET_IFNAM", "eth0"}},
           Warning,
           "did you mean NCCL_SOCKET_IFNAME",
           "nccl-env-unknown"},
          {"value",
           check_environment,
           "nccl-variables-valid",
           {},
           {{"NCCL_SOCKET_FAMILY", "ipv4"}},
           Failed,
           "ipv4",
           "nccl-env-value-invalid"},
          {"off",
           check_environment,
           "nccl-variables-debugging",
           {},
           {{"NCCL_SHM_DISABLE", "1"}},
           Warning,
           "NCCL_SHM_DISABLE=1",
           "nccl-transport-disabled-by-env"},
          {"conflict",
           check_environment,
           "nccl-variables-agree",
           {},
           {{"NCCL_NET", "IB"}, {"NCCL_IB_DISABLE", "1"}},
           Failed,
           "NCCL_NET=IB",
           "nccl-transport-disabled-by-env"},
          {"secret",
           check_environment,
           "nccl-variables",
           {},
           {{"NCCL_HOSTID", "user:password@host"}},
           Ok,
           "NCCL_HOSTID=(set)",
           ""},
          {"unreadable",
           check_environment,
           "server-environment",
           {},
           {},
           Unknown,
           "needs the server's user",
           ""},
      },
      [](const PodCase& c, TestHost&, PodOptions&, PodContext& ctx) {
        if (c.what == "unreadable") ctx.environment_error = "/proc/7/environ: permission denied";
      });
}

TEST(PodNetwork, WholeReportOnAFakeRoot) {
  const TestRoot root;
  root.add(network({kEth0}));
  root.add({{"/proc/12/cmdline", std::string("/usr/bin/python3\0vllm serve\0/models/m\0", 37)},
            {"/proc/12/comm", "vllm\n"},
            {"/proc/12/environ",
             std::string("NCCL_DEBUG=WARN\0HF_TOKEN=hf_secretsecret\0NCCL_IB_HCA=mlx\0", 57)},
            {"/etc/nccl.conf", "# site\nNCCL_SOCKET_IFNAME=eth0\nNCCL_DEBUG=INFO\n"}});
  const CheckReport report = check_pod(HostView(root.path()), {});
  EXPECT_EQ(report.summary.substr(0, 10), "this pod: ");
  std::string all;
  for (const CheckResult& r : report.checks) all += r.id + "=" + r.value + " " + r.source + "\n";
  EXPECT_NE(
      all.find(
          "NCCL_DEBUG=WARN NCCL_IB_HCA=mlx NCCL_SOCKET_IFNAME=eth0 /proc/12/environ, nccl.conf"),
      std::string::npos)
      << all;
  EXPECT_EQ(all.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace rankdx
