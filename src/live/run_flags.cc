#include "live/run_flags.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>

#include "base/text.h"
#include "catalogue/vllm_flags.h"
#include "launch/settings.h"

namespace rankdx {
namespace {

/// Nobody gets these without asking: requests are logged with the prompts of users.
constexpr std::array<std::string_view, 1> kOnlyWhenAsked = {"--enable-log-requests"};

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// Whether a word of the command line decides about a flag: by any of its spellings, its opposite,
/// or an older flag that it replaced.
bool decides(std::string_view word, std::string_view flag) {
  const std::string_view written = word.substr(0, word.find('='));
  if (!written.starts_with("--")) return false;
  if (const VllmFlag* f = find_vllm_flag(written))
    return f->name == flag ||
           (!f->replacement.empty() && find_vllm_flag(f->replacement) == find_vllm_flag(flag));
  const auto begun = vllm_flags_that_begin(written);
  return std::any_of(begun.begin(), begun.end(),
                     [&](const VllmFlag* f) { return f->name == flag; });
}

/// What the user says about a flag: its value, "" for a switch.
std::optional<std::string> given(const std::vector<std::string>& command, std::string_view flag) {
  for (size_t i = 0; i < command.size(); ++i) {
    if (!decides(command[i], flag)) continue;
    const size_t equals = command[i].find('=');
    if (equals != std::string::npos) return command[i].substr(equals + 1);
    const bool value = i + 1 < command.size() && !command[i + 1].starts_with('-');
    return value ? command[i + 1] : std::string();
  }
  return std::nullopt;
}

std::string why_not(const std::vector<std::string>& command, const std::string& version) {
  for (const std::string& word : command) {
    if (word == "--config" || word.starts_with("--config="))
      return "--config FILE may set them, and flags of the command line win over it";
    if (word == "--") return "what stands behind -- are no flags";
  }
  if (!parse_version(version)) return "the release of vLLM is not known: --vllm VERSION tells it";
  return "";
}

bool is_known(std::string_view flag, const std::string& version) {
  const VllmFlag* known = find_vllm_flag(flag);
  return known != nullptr && known->span.presence(*parse_version(version)) == Presence::Present;
}

/// "/venv/bin/python" of "python".
std::string located(const std::string& program, std::string_view path, const HostView& host) {
  std::error_code ec;
  if (program.find('/') != std::string::npos) return std::filesystem::absolute(program, ec);
  for (std::string_view directory : split(path, ':')) {
    std::string full = std::string(directory) + "/" + program;
    if (directory.starts_with('/') && host.exists(full)) return full;
  }
  return "";
}

void add_releases(const HostView& host, const std::string& packages, std::set<std::string>& out) {
  const auto names = host.list(packages);
  if (!names) return;
  for (std::string_view name : *names) {
    if (!name.starts_with("vllm-") || !name.ends_with(".dist-info")) continue;
    name.remove_prefix(5);
    name.remove_suffix(10);
    if (parse_version(name)) out.emplace(name);
  }
}

}  // namespace

bool is_vllm_server(const std::vector<std::string>& command) {
  if (command.size() < 2) return false;
  const std::string_view program = name_of(command[0]);
  if (program == "vllm") return command[1] == "serve";
  if (!program.starts_with("python")) return false;
  size_t i = 1;  // behind the interpreter's own switches
  while (i < command.size() && command[i].starts_with('-') && command[i] != "-m")
    i += command[i] == "-X" || command[i] == "-W" ? 2 : 1;
  return i + 1 < command.size() && command[i] == "-m" &&
         command[i + 1] == "vllm.entrypoints.openai.api_server";
}

std::string installed_vllm(const std::string& program, std::string_view path,
                           const HostView& host) {
  const std::string full = located(program, path, host);
  if (full.empty()) return "";
  const std::filesystem::path prefix = std::filesystem::path(full).parent_path().parent_path();
  std::set<std::string> releases;
  // Debian's pip installs below /usr/local what /usr/bin/python3 runs.
  for (const std::string& root : {prefix.string(), std::string("/usr/local")}) {
    if (root != prefix && prefix != "/usr") continue;
    const auto versions = host.list(root + "/lib");
    if (!versions) continue;
    for (const std::string& python : *versions) {
      if (!python.starts_with("python")) continue;
      for (const char* kind : {"/site-packages", "/dist-packages"})
        add_releases(host, root + "/lib/" + python + kind, releases);
    }
  }
  return releases.size() == 1 ? *releases.begin() : "";
}

RunFlags flags_for_run(const LaunchSpec& spec, const std::vector<std::string>& command,
                       const std::string& vllm_version) {
  RunFlags out;
  if (!is_vllm_server(command)) return out;
  const std::string why = why_not(command, vllm_version);
  for (const Setting& s : settings_for(spec, Launcher::Ssh)) {
    if (s.kind != SettingKind::Flag ||
        std::count(kOnlyWhenAsked.begin(), kOnlyWhenAsked.end(), s.name) > 0)
      continue;
    if (const auto own = given(command, s.name)) {
      if (*own != s.value) out.kept.push_back({s.name, *own, s.value, "the command"});
    } else if (!why.empty()) {
      out.why_none = why;
    } else if (is_known(s.name, vllm_version)) {
      out.added.push_back(s.name);
      if (!s.value.empty()) out.added.push_back(s.value);
    }
  }
  return out;
}

}  // namespace rankdx
