// Who may read the model, and where vLLM and its libraries could write.
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>

#include <array>
#include <fstream>
#include <sstream>

#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

/// Files that nothing reads are not worth a finding.
bool is_read(const ModelCheck& check, const FileEntry& e) {
  if (e.kind != FileKind::File) return false;
  for (const std::string& other : check.layout.other_weights)
    if (other == e.name) return false;
  return !e.name.starts_with('.') && !e.name.ends_with(".md") && e.name != "LICENSE";
}

std::optional<uint32_t> fuse_owner_of(const ModelCheck& check) {
  char real[PATH_MAX];
  if (::realpath(check.directory.c_str(), real) == nullptr) return std::nullopt;
  std::ifstream in(check.options.mountinfo_file);
  std::stringstream text;
  text << in.rdbuf();
  return fuse_owner(text.str(), real);
}

/// Where root is nobody, only what all may read can be read.
void note_root_squash(ModelCheck& check) {
  check.add("model-on-root-squash-mount", check.directory, "is on a network file system");
  AccessChecker nobody({65534, 65534, {}});
  for (const FileEntry& e : check.entries)
    if (is_read(check, e))
      if (const auto why = nobody.why_not(path_join(check.directory, e.name), Want::Read))
        check.add("model-on-root-squash-mount", e.name,
                  *why + ", so a squashed root cannot read it");
}

/// Online, a download takes its lock in the cache, even of a file that is there already.
void check_locks(ModelCheck& check, AccessChecker& access, const std::string& who) {
  const std::string& locks = check.records.lock_directory;
  const Environment& env = check.options.environment;
  if (check.repo.empty() || locks.empty() || hub_is_offline(env) || !check.files.stat(locks))
    return;
  if (const auto why = access.why_not_writable(locks))
    check.add("hub-locks-not-writable", locks, *why, {{"who", who}});
}

struct Cache {
  std::string name;  ///< of the variable that moves it
  std::string directory;
};

std::vector<Cache> caches_of(const ModelCheck& check) {
  const Environment& env = check.options.environment;
  const std::string home = home_of(env);
  const std::string cache = env.get_or("XDG_CACHE_HOME", path_join(home, ".cache"));
  std::vector<Cache> caches = {
      {"HOME", home},
      {"VLLM_CACHE_ROOT", env.get_or("VLLM_CACHE_ROOT", path_join(cache, "vllm"))},
      {"TRITON_CACHE_DIR", env.get_or("TRITON_CACHE_DIR", path_join(home, ".triton/cache"))},
      {"TORCHINDUCTOR_CACHE_DIR", env.get_or("TORCHINDUCTOR_CACHE_DIR", "/tmp")}};
  // With a path nothing is written to the cache of the hub, except modules of custom code.
  if (!check.repo.empty() || check.problems.has("custom-code-needs-trust"))
    caches.push_back({"HF_HOME", env.get_or("HF_HOME", path_join(cache, "huggingface"))});
  return caches;
}

}  // namespace

void check_access(ModelCheck& check) {
  AccessChecker access(check.options.identity);
  const std::string who = to_string(check.options.identity);
  size_t files = 0;
  const auto directory = access.why_not(check.directory, Want::Read);
  if (directory) check.add("model-files-not-readable", check.directory, *directory, {{"who", who}});
  for (const FileEntry& e : check.entries) {
    if (!is_read(check, e)) continue;
    ++files;
    if (const auto why = access.why_not(path_join(check.directory, e.name), Want::Read))
      check.add("model-files-not-readable", e.name, *why, {{"who", who}});
  }
  if (const auto owner = fuse_owner_of(check); owner && *owner != check.options.identity.uid)
    check.add("fuse-mount-of-another-user", check.directory,
              fmt::format("is mounted by uid {} without allow_other", *owner), {{"who", who}});
  const MountKind mount = mount_kind(check.directory);
  if (mount == MountKind::Network && check.options.identity.uid == 0) note_root_squash(check);
  check.check_by("access", {"model-files-not-readable", "fuse-mount-of-another-user"},
                 fmt::format("{} files as {}{}", files, who,
                             mount == MountKind::ReadOnly  ? "; mounted read-only, which is enough"
                             : mount == MountKind::Network ? "; on a network file system"
                                                           : ""));
}

void check_caches(ModelCheck& check) {
  AccessChecker access(check.options.identity);
  const std::string who = to_string(check.options.identity);
  size_t count = 0;
  for (const Cache& cache : caches_of(check)) {
    ++count;
    if (const auto why = access.why_not_writable(cache.directory))
      check.add("cache-dir-not-writable", cache.directory, *why + " (" + cache.name + ")",
                {{"who", who}});
  }
  check_locks(check, access, who);
  const Environment& env = check.options.environment;
  const uint32_t uid = check.options.identity.uid;
  if (uid != 0 && !has_passwd_entry(uid, check.options.passwd_file) && env.get("USER").empty() &&
      env.get("LOGNAME").empty())
    check.add("uid-without-passwd-entry", check.options.passwd_file,
              "has no line for uid " + std::to_string(uid), {{"uid", std::to_string(uid)}});
  check.check_by("caches",
                 {"cache-dir-not-writable", "hub-locks-not-writable", "uid-without-passwd-entry"},
                 fmt::format("{} directories as {}", count, who));
}

}  // namespace rankdx
