// Shared memory, limits, memory group, cache directories, user, preload, clock, NUMA: each ok,
// wrong and unknown.
#include <chrono>

#include "probe/pod/test_root.h"

namespace rankdx {
namespace {

using enum CheckStatus;

constexpr const char* kLimits =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max processes             96365                96365                processes \n"
    "Max open files            1048576              1048576              files     \n"
    "Max locked memory         unlimited            unlimited            bytes     \n";
constexpr const char* kLowLimits =
    "Max processes             1024                 96365                processes \n"
    "Max open files            1024                 1048576              files     \n"
    "Max locked memory         65536                65536                bytes     \n";

TEST(PodContainer, SharedMemory) {
  struct Size {
    uint64_t size, free;
    size_t gpus;
  };
  const uint64_t mib = 1 << 20;
  const std::map<std::string, Size> sizes = {
      {"large", {16384 * mib, 16000 * mib, 8}},
      {"default", {64 * mib, 64 * mib, 2}},
      {"default, one GPU", {64 * mib, 64 * mib, 1}},
      {"medium", {512 * mib, 500 * mib, 8}},
      {"full", {16384 * mib, mib, 8}},
  };
  const Files dir = {{"/dev/shm/", ""}};
  run_cases(
      {
          {"large", check_shm, "shm", dir, {}, Ok, "16 GiB", ""},
          {"default", check_shm, "shm", dir, {}, Failed, "64 MiB", "shm-too-small"},
          {"default, one GPU", check_shm, "shm", dir, {}, Ok, "one GPU", ""},
          {"medium", check_shm, "shm", dir, {}, Warning, "512 MiB", "shm-too-small"},
          {"full", check_shm, "shm", dir, {}, Warning, "1 MiB free", "shm-too-small"},
          {"missing", check_shm, "shm", {}, {}, Failed, "missing", "shm-not-writable"},
          {"closed", check_shm, "shm", dir, {}, Failed, "not writable", "shm-not-writable"},
          {"unknown", check_shm, "shm", dir, {}, Unknown, "permission denied", ""},
      },
      [&](const PodCase& c, TestHost& host, PodOptions& options, PodContext&) {
        if (c.what == "closed") host.closed["/dev/shm"] = Access::No;
        host.unreadable = c.what == "unknown";
        const auto it = sizes.find(c.what);
        if (it == sizes.end()) return;
        host.usage["/dev/shm"] = {it->second.size, it->second.free, false};
        options.expected_gpus = static_cast<int64_t>(it->second.gpus);
      });
}

TEST(PodContainer, LeftoverSegments) {
  const std::string segment(20 << 20, 'x');
  run_cases({{"old",
              check_shm,
              "shm-segments",
              {{"/dev/shm/nccl-AbCdEf", segment}},
              {},
              Warning,
              "1 segments, 20 MiB",
              "shm-leftover-segments"},
             {"no directory",
              check_shm,
              "shm-segments",
              {{"/dev/shm", "a file"}},
              {},
              Unknown,
              "not a directory",
              ""},
             {"others",
              check_shm,
              "shm-segments",
              {{"/dev/shm/sem.x", segment}},
              {},
              Ok,
              "0 segments",
              ""}},
            [](const PodCase&, TestHost& host, PodOptions& options, PodContext&) {
              host.usage["/dev/shm"] = {64 << 20, 7 << 20, false};
              options.expected_gpus = 1;
            });
}

TEST(PodContainer, Limits) {
  const Files good = {{"/proc/self/limits", kLimits}, {"/sys/class/infiniband/mlx5_0/x", ""}};
  const Files low = {{"/proc/self/limits", kLowLimits}, {"/sys/class/infiniband/mlx5_0/x", ""}};
  Files capable = low;
  capable.push_back({"/proc/self/status", "Name:\tx\nCapEff:\t0000000000004000\n"});
  const Files no_rdma = {{"/proc/self/limits", kLowLimits}};
  run_cases({
      {"good", check_limits, "limit-memlock", good, {}, Ok, "unlimited", ""},
      {"low", check_limits, "limit-memlock", low, {}, Failed, "64 KiB", "memlock-limit"},
      {"capability",
       check_limits,
       "limit-memlock",
       capable,
       {},
       Ok,
       "CAP_IPC_LOCK",
       "open-files-limit"},
      {"no RDMA",
       check_limits,
       "limit-memlock",
       no_rdma,
       {},
       Ok,
       "no RDMA device",
       "open-files-limit"},
      {"unreadable", check_limits, "limit-memlock", {}, {}, Unknown, "no such file", ""},
      {"files", check_limits, "limit-nofile", good, {}, Ok, "1048576", ""},
      {"few files", check_limits, "limit-nofile", no_rdma, {}, Warning, "1024", "open-files-limit"},
      {"no line",
       check_limits,
       "limit-nofile",
       {{"/proc/self/limits", "?"}},
       {},
       Unknown,
       "no such line",
       ""},
      {"processes", check_limits, "limit-nproc", good, {}, Ok, "96365", ""},
      {"few processes",
       check_limits,
       "limit-nproc",
       no_rdma,
       {},
       Warning,
       "1024",
       "open-files-limit"},
      {"no processes", check_limits, "limit-nproc", {}, {}, Unknown, "no such file", ""},
  });
}

TEST(PodContainer, Memory) {
  const std::string v2 = "/sys/fs/cgroup/", v1 = "/sys/fs/cgroup/memory/";
  run_cases({
      {"none", check_memory_limit, "memory-limit", {}, {}, Unknown, "no memory control group", ""},
      {"v2",
       check_memory_limit,
       "memory-limit",
       {{v2 + "memory.max", "274877906944\n"}, {v2 + "memory.current", "1073741824\n"}},
       {},
       Ok,
       "1 GiB used of 256 GiB",
       ""},
      {"v2 unlimited",
       check_memory_limit,
       "memory-limit",
       {{v2 + "memory.max", "max\n"}},
       {},
       Ok,
       "none",
       ""},
      {"v2 full",
       check_memory_limit,
       "memory-limit",
       {{v2 + "memory.max", "1000000\n"}, {v2 + "memory.current", "990000\n"}},
       {},
       Warning,
       "of",
       "host-memory-oom"},
      {"v1",
       check_memory_limit,
       "memory-limit",
       {{v1 + "memory.limit_in_bytes", "9223372036854771712\n"}},
       {},
       Ok,
       "none",
       ""},
      {"killed",
       check_memory_limit,
       "oom-kills",
       {{v2 + "memory.max", "max\n"}, {v2 + "memory.events", "low 0\noom 1\noom_kill 2\n"}},
       {},
       Failed,
       "2 since",
       "host-memory-oom"},
      {"not killed",
       check_memory_limit,
       "oom-kills",
       {{v1 + "memory.limit_in_bytes", "4096\n"},
        {v1 + "memory.oom_control", "oom_kill_disable 0\noom_kill 0\n"}},
       {},
       Ok,
       "none",
       ""},
      {"not counted",
       check_memory_limit,
       "oom-kills",
       {{v2 + "memory.max", "max\n"}},
       {},
       Unknown,
       "does not count",
       ""},
  });
}

TEST(PodContainer, CacheDirectories) {
  const Files home = {{"/home/vllm/", ""}, {"/tmp/", ""}};
  run_cases(
      {
          {"writable",
           check_cache_dirs,
           "cache-dirs",
           home,
           {{"HOME", "/home/vllm"}},
           Ok,
           "writable",
           ""},
          {"closed",
           check_cache_dirs,
           "cache-dirs",
           home,
           {{"HOME", "/home/vllm"}},
           Failed,
           "/home/vllm/.cache",
           "cache-dir-not-writable"},
          {"full",
           check_cache_dirs,
           "cache-dirs",
           home,
           {{"HF_HOME", "/home/vllm/hf"}},
           Failed,
           "/home/vllm/hf",
           "cache-dir-not-writable"},
          {"server's unknown", check_cache_dirs, "cache-dirs", home, {}, Unknown, "denied", ""},
      },
      [](const PodCase& c, TestHost& host, PodOptions&, PodContext& ctx) {
        if (c.what == "closed") host.closed["/home/vllm"] = Access::No;
        if (c.what == "full") host.usage["/home/vllm"] = {1 << 30, 1 << 20, false};
        if (c.what.starts_with("server")) {
          ctx.server = HostProcess{7, "vllm serve", "vllm"};
          ctx.environment_error = "/proc/7/environ: permission denied";
        }
      });
}

TEST(PodContainer, User) {
  const Files named = {{"/etc/passwd", "root:x:0:0::/root:/bin/sh\nvllm:x:2000:2000::/:/x\n"},
                       {"/proc/self/status", "Name:\tx\nUid:\t2000\t2000\t2000\t2000\n"}};
  const Files nameless = {{"/etc/passwd", "root:x:0:0::/root:/bin/sh\n"},
                          {"/proc/self/status", "Name:\tx\nUid:\t2000\t2000\t2000\t2000\n"}};
  run_cases({
      {"named", check_user, "user", named, {}, Ok, "vllm (uid 2000)", ""},
      {"nameless",
       check_user,
       "user",
       nameless,
       {},
       Warning,
       "uid 2000",
       "uid-without-passwd-entry"},
      {"USER", check_user, "user", nameless, {{"USER", "v"}}, Ok, "USER is set", ""},
      {"no file", check_user, "user", {}, {}, Unknown, "no such file", ""},
  });
}

TEST(PodContainer, Preload) {
  run_cases({
      {"none", check_preload, "preload", {}, {}, Ok, "none", ""},
      {"harmless",
       check_preload,
       "preload",
       {{"/lib/libjemalloc.so", ""}},
       {{"LD_PRELOAD", "/lib/libjemalloc.so"}},
       Ok,
       "libjemalloc",
       ""},
      {"shim",
       check_preload,
       "preload",
       {{"/etc/ld.so.preload", "/usr/local/vgpu/libvgpu.so\n"}, {"/usr/local/vgpu/libvgpu.so", ""}},
       {},
       Warning,
       "libvgpu.so",
       "gpu-sharing-shim-breaks-nccl"},
      {"missing",
       check_preload,
       "preload",
       {},
       {{"LD_PRELOAD", "/nowhere/x.so"}},
       Warning,
       "/nowhere/x.so",
       "preload-missing"},
      // A directory in its place cannot be read as a file.
      {"unreadable",
       check_preload,
       "preload",
       {{"/etc/ld.so.preload/", ""}},
       {},
       Unknown,
       "not a regular file",
       ""},
  });
}

TEST(PodContainer, Clock) {
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  run_cases({{"same", check_clock, "clock", {}, {}, Ok, "against the caller", ""},
             {"behind", check_clock, "clock", {}, {}, Warning, "-37", "clock-offset"},
             {"unknown", check_clock, "clock", {}, {}, Unknown, "not a file", ""}},
            [&](const PodCase& c, TestHost&, PodOptions& options, PodContext&) {
              if (c.what == "same") options.caller_time_s = now;
              if (c.what == "behind") options.caller_time_s = now + 37.2;
            });
}

TEST(PodContainer, Numa) {
  const std::string gpu = "/sys/bus/pci/devices/0000:9a:00.0/";
  const Files one = {{gpu + "vendor", "0x10de\n"},
                     {gpu + "class", "0x030200\n"},
                     {gpu + "numa_node", "1\n"},
                     {"/proc/self/status", "Cpus_allowed_list:\t0-63\nMems_allowed_list:\t0-1\n"}};
  Files other = one;
  other.back() = {"/proc/self/status", "Cpus_allowed_list:\t0-31\nMems_allowed_list:\t0\n"};
  Files few = one;
  few.back() = {"/proc/self/status", "Cpus_allowed_list:\t0-2\nMems_allowed_list:\t0-1\n"};
  run_cases(
      {{"fits", check_numa, "numa", one, {}, Ok, "64 CPUs", ""},
       {"other node",
        check_numa,
        "numa",
        other,
        {},
        Warning,
        "GPUs on nodes 1",
        "numa-node-of-gpu-not-allowed"},
       {"few", check_numa, "numa", few, {}, Warning, "3 CPUs", "few-cpus"},
       {"unknown", check_numa, "numa", {}, {}, Unknown, "no such file", ""}},
      [](const PodCase&, TestHost&, PodOptions&, PodContext& ctx) { ctx.nvml.gpus.resize(8); });
}

}  // namespace
}  // namespace rankdx
