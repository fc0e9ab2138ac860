#include "live/run_settings.h"

#include "launch/serve_args.h"
#include "launch/settings.h"
#include "probe/process.h"

namespace rankdx {
namespace {

void add_file(const std::string& path, UserSettings& out) {
  const auto text = HostView().read(path);
  if (!text) return;
  for (auto& [name, value] : parse_nccl_conf(*text))
    out.try_emplace(name, UserSetting{value, path});
}

LaunchSpec spec_of(Profile profile, const std::vector<std::string>& command,
                   const std::string& log_dir) {
  LaunchSpec spec;
  read_serve_command(command, spec);
  for (const std::string& word : command) {
    if (word.substr(word.rfind('/') + 1) == "ray") spec.executor = Executor::Ray;
  }
  // What the user says comes from the environment here, not from a description.
  spec.env.clear();
  spec.extra_args.clear();
  spec.profile = profile;
  spec.log_storage.path = log_dir;
  return spec;
}

}  // namespace

UserSettings user_settings() {
  UserSettings out;
  const Variables own = own_environment();
  for (const auto& [name, value] : own) out[name] = {value, "the environment"};
  for (const std::string& path : nccl_files(own)) add_file(path, out);
  return out;
}

RunSettings settings_for_run(Profile profile, const std::vector<std::string>& command,
                             const std::string& vllm_version, const std::string& log_dir,
                             const UserSettings& user) {
  RunSettings out;
  LaunchSpec spec = spec_of(profile, command, log_dir);
  spec.vllm_version = parse_version(vllm_version) ? vllm_version : "";
  for (const Setting& s : settings_for(spec, Launcher::Ssh)) {
    if (s.kind != SettingKind::Variable) continue;
    const auto own = user.find(s.name);
    if (own == user.end())
      out.set.emplace_back(s.name, s.value);
    else if (own->second.value != s.value)
      out.kept.push_back({s.name, own->second.value, s.value, own->second.where});
  }
  RunFlags flags = flags_for_run(spec, command, vllm_version);
  out.flags = std::move(flags.added);
  out.kept.insert(out.kept.end(), flags.kept.begin(), flags.kept.end());
  out.why_no_flags = std::move(flags.why_none);
  return out;
}

}  // namespace rankdx
