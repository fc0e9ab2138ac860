// Directories that the engine writes to, and whether the user has a name.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

/// Variable, and what it defaults to below the home directory (vLLM envs.py, huggingface_hub
/// constants, Triton, PyTorch).
struct CacheDir {
  std::string_view variable, below_home;
};
constexpr std::array<CacheDir, 7> kCaches = {{
    {"HF_HOME", ".cache/huggingface"},
    {"TORCHINDUCTOR_CACHE_DIR", ""},
    {"TORCH_EXTENSIONS_DIR", ""},
    {"TRITON_CACHE_DIR", ".triton"},
    {"VLLM_CACHE_ROOT", ".cache/vllm"},
    {"VLLM_CONFIG_ROOT", ".config/vllm"},
    {"XDG_CACHE_HOME", ".cache"},
}};

/// The directory itself, or the nearest one above it that exists: that is where it would be made.
std::string nearest_existing(const HostView& host, std::string path) {
  while (path.size() > 1 && !host.exists(path)) {
    const size_t slash = path.rfind('/');
    path = slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
  }
  return path;
}

std::vector<std::string> wanted_dirs(const PodContext& ctx) {
  std::vector<std::string> out = ctx.options.cache_dirs;
  const std::string home = ctx.variable("HOME").value_or("");
  for (const CacheDir& c : kCaches) {
    const auto named = ctx.variable(c.variable);
    if (named && !named->empty()) {
      out.push_back(*named);
    } else if (!home.empty() && !c.below_home.empty()) {
      out.push_back(home + "/" + std::string(c.below_home));
    }
  }
  out.push_back("/tmp");
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

void check_cache_dirs(const PodContext& ctx, Checklist& out) {
  std::string bad, full;
  const auto dirs = wanted_dirs(ctx);
  for (const std::string& dir : dirs) {
    if (!dir.starts_with('/')) continue;
    const std::string place = nearest_existing(ctx.host, dir);
    const auto usage = ctx.host.filesystem(place);
    const bool closed = ctx.host.writable(place) != Access::Yes || (usage && usage->read_only);
    if (closed) bad += (bad.empty() ? "" : ", ") + dir;
    if (!closed && usage && usage->free_bytes < (64ULL << 20))
      full += (full.empty() ? "" : ", ") + dir;
  }
  const std::string source = "HOME, *_CACHE_*, *_HOME of " + ctx.environment_source;
  if (ctx.server && ctx.environment_source == "this process") {
    return out.unknown("cache-dirs", ctx.environment_error, source);
  }
  if (bad.empty() && full.empty()) {
    return out.ok("cache-dirs", fmt::format("{} writable", dirs.size()), source);
  }
  const bool closed = !bad.empty();
  out.failed("cache-dirs", closed ? bad : full, source,
             {"cache-dir-not-writable",
              Layer::Files,
              closed ? "Cache directories cannot be written" : "Cache directories are full",
              "Compiled kernels, downloads and configuration go there: the engine ends with a "
              "permission or space error while it starts.",
              {{"kubernetes", "Mount a writable volume and point the home there",
                "env: [{name: HOME, value: /tmp/home}]"},
               {"any", "Or set the directories", "VLLM_CACHE_ROOT=/tmp/vllm HF_HOME=/models/hf"}}});
}

void check_user(const PodContext& ctx, Checklist& out) {
  const auto passwd = ctx.host.read("/etc/passwd");
  std::string uid = std::to_string(geteuid());
  const std::string status = ctx.host.read(ctx.process_dir() + "status", 65536).value_or("");
  for (const std::string_view line : split(status, '\n')) {
    // "Uid:", real, effective, saved and file system's.
    const auto cells = split(line, '\t');
    if (cells.size() > 2 && cells[0] == "Uid:") uid = cells[2];
  }
  if (!passwd) return out.unknown("user", passwd.error().text, "/etc/passwd", "uid " + uid);
  for (const std::string_view line : split(*passwd, '\n')) {
    const auto cells = split(line, ':');
    if (cells.size() > 2 && cells[2] == uid) {
      return out.ok("user", fmt::format("{} (uid {})", cells[0], uid), "/etc/passwd");
    }
  }
  if (ctx.variable("USER") || ctx.variable("LOGNAME")) {
    return out.ok("user", fmt::format("uid {} has no entry; USER is set", uid), "/etc/passwd");
  }
  out.warning("user", "uid " + uid + " has no entry", "/etc/passwd",
              {"uid-without-passwd-entry",
               Layer::Container,
               "The user has no name here",
               "getpass.getuser() of Python, which PyTorch's compiler cache asks, fails with "
               "\"uid not found\".",
               {{"kubernetes", "Set USER (and HOME), or run as a user of the image",
                 "env: [{name: USER, value: vllm}, {name: HOME, value: /tmp}]"}}});
}

}  // namespace rankdx
