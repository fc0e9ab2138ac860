// PCIe, ports, libraries, variables: each ok, wrong and unknown. And a whole report.
#include "probe/pod/test_network.h"

namespace rankdx {
namespace {

using enum CheckStatus;

/// Configuration space with an ACS capability whose control word is `control`.
std::string config_space(uint8_t control, size_t size = 4096) {
  std::string c(4096, '\0');
  c[0x100] = 0x0d;
  c[0x102] = 1;
  c[0x104] = 0x5f;
  c[0x106] = static_cast<char>(control);
  return c.substr(0, size);
}

TEST(PodConfiguration, Pcie) {
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

TEST(PodConfiguration, Ports) {
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

TEST(PodConfiguration, Libraries) {
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
        if (c.what.starts_with("server")) ctx.server = HostProcess{7, "vllm serve", "vllm"};
      });
}

TEST(PodConfiguration, Variables) {
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
          {"known",
           check_environment,
           "nccl-variables-known",
           {},
           {{"NCCL_DEBUG", "INFO"}},
           Ok,
           "all",
           ""},
          {"valid", check_environment, "nccl-variables-valid", {}, {}, Ok, "all", ""},
          {"on", check_environment, "nccl-variables-debugging", {}, {}, Ok, "no transport", ""},
          {"agree", check_environment, "nccl-variables-agree", {}, {}, Ok, "no contra", ""},
          {"own", check_environment, "server-environment", {}, {}, Ok, "no server runs", ""},
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

TEST(PodConfiguration, ModelFiles) {
  const std::string header = R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})";
  std::string weights(8, '\0');
  weights[0] = static_cast<char>(header.size());
  weights += header + "abcd";
  const Files whole = {
      {"/m/config.json", R"({"architectures":["LlamaForCausalLM"],"model_type":"llama"})"},
      {"/m/tokenizer.json", R"({"version":"1.0","model":{"type":"BPE","vocab":{},"merges":[]}})"},
      {"/m/tokenizer_config.json", R"({"chat_template":"{{ messages }}"})"},
      {"/m/generation_config.json", "{}"},
      {"/m/model.safetensors", weights}};
  Files cut = whole;
  cut.back().second = weights.substr(0, 20);
  const Files server = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\n"}};
  run_cases(
      {
          {"named",
           check_model_files,
           "model-files",
           whole,
           {{"HF_HUB_OFFLINE", "1"}},
           Ok,
           "/m",
           "usage-statistics-on"},
          {"cut",
           check_model_files,
           "model-files",
           cut,
           {},
           Failed,
           "/m",
           "safetensors-bad-header-length"},
          {"none", check_model_files, "model-files", {}, {}, Unknown, "no --model", ""},
          {"server", check_model_files, "model-files", server, {}, Unknown, "names no direct", ""},
      },
      [](const PodCase& c, TestHost&, PodOptions& options, PodContext& ctx) {
        if (c.what == "named" || c.what == "cut") options.model = "/m";
        if (c.what == "server") ctx.server = HostProcess{7, "vllm serve org/model", "vllm"};
      });
}

TEST(PodConfiguration, WholeReportOnAFakeRoot) {
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
