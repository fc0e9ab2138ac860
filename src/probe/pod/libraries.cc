// Which libnccl the framework loads, and whether the CUDA runtime fits the driver.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "catalogue/version.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

struct NcclCopy {
  std::string path;
  std::string version;  ///< "" unknown
};

std::string file_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

/// "libnccl.so.2.27.3" as "2.27.3".
std::string version_in_name(std::string_view path) {
  const std::string name = file_name(path);
  const size_t at = name.find(".so.");
  if (at == std::string::npos) return "";
  const std::string version = name.substr(at + 4);
  return std::count(version.begin(), version.end(), '.') >= 1 ? version : "";
}

/// Python's package directories that exist, e.g. /usr/local/lib/python3.12/dist-packages.
std::vector<std::string> package_dirs(const HostView& host, const PodContext& ctx) {
  std::vector<std::string> tops = {"/usr/local/lib", "/usr/lib", "/opt/venv/lib", "/opt/conda/lib"};
  if (const auto env = ctx.variable("VIRTUAL_ENV")) tops.insert(tops.begin(), *env + "/lib");
  std::vector<std::string> out;
  for (const std::string& top : tops) {
    const auto names = host.list(top);
    if (!names) continue;
    for (const std::string& name : *names) {
      if (!name.starts_with("python3")) continue;
      for (const auto* kind : {"/site-packages", "/dist-packages"}) {
        const std::string dir = top + "/" + name + kind;
        if (host.exists(dir)) out.push_back(dir);
      }
    }
  }
  return out;
}

/// Version of an installed wheel by its .dist-info directory: "nvidia_nccl_cu12" gives "2.27.3".
std::string wheel_version(const HostView& host, const std::string& dir, std::string_view wheel) {
  constexpr std::string_view kInfo = ".dist-info";
  const auto names = host.list(dir);
  if (!names) return "";
  for (std::string_view name : *names) {
    if (!name.starts_with(wheel) || !name.ends_with(kInfo)) continue;
    name.remove_suffix(kInfo.size());
    const size_t dash = name.rfind('-');
    if (dash != std::string_view::npos) return std::string(name.substr(dash + 1));
  }
  return "";
}

void add_copy(const HostView& host, const std::string& path, std::string version,
              std::vector<NcclCopy>& out) {
  if (!host.exists(path)) return;
  const std::string real = host.resolved(path).value_or(path);
  const auto same = [&](const NcclCopy& c) { return c.path == real; };
  if (std::any_of(out.begin(), out.end(), same)) return;
  if (version.empty()) version = version_in_name(real);
  out.push_back({real, std::move(version)});
}

/// In the order in which PyTorch and vLLM find them: preload, VLLM_NCCL_SO_PATH, LD_LIBRARY_PATH,
/// the wheel (torch's RPATH), the system's directories.
std::vector<NcclCopy> nccl_copies(const PodContext& ctx) {
  std::vector<NcclCopy> out;
  const std::string preload = ctx.variable("LD_PRELOAD").value_or("");
  const std::string search = ctx.variable("LD_LIBRARY_PATH").value_or("");
  for (const std::string_view part : split(preload, ':')) {
    if (part.find("libnccl.so") != std::string_view::npos) {
      add_copy(ctx.host, std::string(part), "", out);
    }
  }
  if (const auto path = ctx.variable("VLLM_NCCL_SO_PATH")) add_copy(ctx.host, *path, "", out);
  for (const std::string_view dir : split(search, ':')) {
    if (!dir.empty()) add_copy(ctx.host, std::string(dir) + "/libnccl.so.2", "", out);
  }
  for (const std::string& dir : package_dirs(ctx.host, ctx)) {
    add_copy(ctx.host, dir + "/nvidia/nccl/lib/libnccl.so.2",
             wheel_version(ctx.host, dir, "nvidia_nccl_cu"), out);
  }
  for (const auto* dir : {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
                          "/usr/local/lib", "/usr/local/nccl/lib", "/usr/lib64"}) {
    add_copy(ctx.host, std::string(dir) + "/libnccl.so.2", "", out);
  }
  return out;
}

/// Files whose name holds `part` that the running server has mapped.
std::set<std::string> mapped(const PodContext& ctx, std::string_view part) {
  std::set<std::string> out;
  if (!ctx.server) return out;
  const auto maps = ctx.host.read(ctx.process_dir() + "maps", 8 << 20);
  if (!maps) return out;
  for (const std::string_view line : split(*maps, '\n')) {
    const size_t slash = line.find('/');
    if (slash == std::string_view::npos) continue;
    const std::string_view path = line.substr(slash);
    if (path.substr(path.rfind('/')).find(part) != std::string_view::npos) out.emplace(path);
  }
  return out;
}

std::string described(const NcclCopy& c) {
  return c.version.empty() ? c.path : fmt::format("{} ({})", c.path, c.version);
}

Problem wrong_library(std::string title, std::string cause) {
  return {"wrong-nccl-library-loaded",
          Layer::Container,
          std::move(title),
          std::move(cause),
          {{"any", "Keep one NCCL: remove the others, or name it for vLLM and all ranks alike",
            "VLLM_NCCL_SO_PATH=/path/libnccl.so.2"}},
          {},
          Confidence::Likely};
}

void check_nccl(const PodContext& ctx, Checklist& out) {
  const auto loaded = mapped(ctx, "libnccl.so");
  if (loaded.size() > 1) {
    std::string all;
    for (const std::string& path : loaded) all += (all.empty() ? "" : ", ") + path;
    return out.failed("nccl-library", all, ctx.process_dir() + "maps",
                      wrong_library("Two NCCL libraries are loaded in one process",
                                    "PyTorch and vLLM use different copies, which fail together."));
  }
  if (loaded.size() == 1) {
    const std::string version = version_in_name(*loaded.begin());
    return out.ok("nccl-library", described({*loaded.begin(), version}),
                  ctx.process_dir() + "maps");
  }
  const auto copies = nccl_copies(ctx);
  const std::string source = "LD_PRELOAD, VLLM_NCCL_SO_PATH, LD_LIBRARY_PATH, wheels, system";
  if (copies.empty()) {
    const auto named = ctx.variable("VLLM_NCCL_SO_PATH");
    if (!named) {
      return out.unknown("nccl-library", "none found in the usual places and none is loaded",
                         source);
    }
    return out.failed("nccl-library", *named, source,
                      {"nccl-library-not-loadable",
                       Layer::Container,
                       "VLLM_NCCL_SO_PATH names a file that does not exist",
                       "vLLM loads NCCL from there and ends when it cannot.",
                       {{"any", "Correct the path or unset the variable", ""}}});
  }
  std::set<std::string> versions;
  std::string value = described(copies.front());
  for (const NcclCopy& c : copies) {
    if (!c.version.empty()) versions.insert(c.version);
    if (&c != &copies.front()) value += "; also " + described(c);
  }
  if (versions.size() > 1) {
    return out.warning(
        "nccl-library", value, source,
        wrong_library(fmt::format("{} different NCCL versions are installed", versions.size()),
                      "The first one is what a process started here would load; "
                      "another order of paths on another node loads another "
                      "version."));
  }
  out.ok("nccl-library", value, source);
}

/// Newest CUDA that a driver branch runs (CUDA release notes, table of minimum drivers). Sorted by
/// branch.
struct DriverBranch {
  int branch, cuda;
};
constexpr std::array<DriverBranch, 14> kBranches = {{{450, 11000},
                                                     {460, 11020},
                                                     {470, 11040},
                                                     {510, 11060},
                                                     {515, 11070},
                                                     {520, 11080},
                                                     {525, 12000},
                                                     {530, 12010},
                                                     {535, 12020},
                                                     {545, 12030},
                                                     {550, 12040},
                                                     {555, 12050},
                                                     {560, 12060},
                                                     {570, 12080}}};

int cuda_of_driver(const NvmlSnapshot& nvml) {
  if (nvml.cuda_version > 0) return nvml.cuda_version;
  std::string_view rest;
  const auto branch = parse_int<int>(take_until(nvml.driver_version, '.', rest));
  int cuda = 0;
  for (const DriverBranch& b : kBranches) {
    if (branch && *branch >= b.branch) cuda = b.cuda;
  }
  return cuda;
}

/// 12080 of the image: the runtime wheel, else CUDA_VERSION of NVIDIA's images.
std::pair<int, std::string> cuda_of_image(const PodContext& ctx) {
  std::string version, source;
  for (const std::string& dir : package_dirs(ctx.host, ctx)) {
    version = wheel_version(ctx.host, dir, "nvidia_cuda_runtime");
    source = dir;
    if (!version.empty()) break;
  }
  if (version.empty()) {
    version = ctx.variable("CUDA_VERSION").value_or("");
    source = "CUDA_VERSION";
  }
  const auto parsed = parse_version(version);
  if (!parsed || parsed->parts < 2) return {0, "nvidia_cuda_runtime wheel, CUDA_VERSION"};
  return {parsed->part[0] * 1000 + parsed->part[1] * 10, source};
}

std::string cuda_text(int code) { return fmt::format("{}.{}", code / 1000, code % 1000 / 10); }

void check_cuda(const PodContext& ctx, Checklist& out) {
  const int driver = cuda_of_driver(ctx.nvml);
  const auto [image, source] = cuda_of_image(ctx);
  if (driver == 0 || image == 0) {
    return out.unknown("cuda-versions",
                       driver == 0 ? "the driver's CUDA version is not known (no NVML)"
                                   : "no CUDA runtime was found in the image",
                       source);
  }
  const std::string value =
      fmt::format("driver runs CUDA {}, image has {}", cuda_text(driver), cuda_text(image));
  const bool compat =
      ctx.variable("LD_LIBRARY_PATH").value_or("").find("compat") != std::string::npos;
  if (image / 1000 > driver / 1000 && !compat) {
    return out.failed(
        "cuda-versions", value, source,
        {"cuda-driver-too-old",
         Layer::Driver,
         "The driver is older than the CUDA of the image",
         "A driver runs newer minor versions of its own major version only; data "
         "centre GPUs can use the forward-compatibility package.",
         {{"any", "Update the driver, or take an image of CUDA " + cuda_text(driver / 1000 * 1000),
           ""}}});
  }
  out.ok("cuda-versions", value, source);
}

void check_compat(const PodContext& ctx, Checklist& out) {
  for (const std::string& path : mapped(ctx, "libcuda.so")) {
    if (path.find("/compat/") == std::string::npos) continue;
    const int driver = ctx.nvml.cuda_version;
    const auto version = parse_version(version_in_name(path));
    std::string_view rest;
    const auto module = parse_int<int>(take_until(ctx.nvml.driver_version, '.', rest));
    if (driver == 0 || !version || !module || version->part[0] >= *module) {
      return out.ok("cuda-compat", path, ctx.process_dir() + "maps");
    }
    return out.failed(
        "cuda-compat", fmt::format("{}; driver {}", path, ctx.nvml.driver_version),
        ctx.process_dir() + "maps",
        {"cuda-compat-library-conflict",
         Layer::Driver,
         "The compat libcuda is older than the driver",
         "The forward-compatibility library shadows a newer driver: CUDA answers 803 "
         "or 804.",
         {{"any", "Take the compat directory out of LD_LIBRARY_PATH and ld.so.conf.d", ""}}});
  }
}

}  // namespace

void check_libraries(const PodContext& ctx, Checklist& out) {
  check_nccl(ctx, out);
  check_cuda(ctx, out);
  check_compat(ctx, out);
}

}  // namespace rankdx
