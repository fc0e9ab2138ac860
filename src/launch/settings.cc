#include "launch/settings.h"

#include <algorithm>

#include "base/text.h"
#include "catalogue/data.h"

namespace rankdx {
namespace {

std::vector<SettingRow> load() {
  std::vector<SettingRow> rows;
  for (const TsvRow& r : tsv_rows(data_file("profiles"))) {
    if (r.size() < 8) continue;
    const auto nccl = VersionRange::parse(r[2]), vllm = VersionRange::parse(r[3]);
    if (!nccl || !vllm) continue;
    rows.push_back({r[0], r[1], r[2], r[3],
                    r[4] == "flag" ? SettingKind::Flag : SettingKind::Variable, r[5], r[6], r[7],
                    *nccl, *vllm});
  }
  return rows;
}

bool holds(std::string_view condition, const LaunchSpec& s, Launcher launcher) {
  if (condition.empty()) return true;
  if (condition == to_string(s.network)) return true;
  if (condition == "multi-node") return s.nodes > 1;
  if (condition == "ray") return s.executor == Executor::Ray;
  if (condition == "air-gapped") return s.air_gapped;
  if (condition == "uid") return s.uid.has_value() && in_container(s, launcher);
  if (condition == "hub-cache") {
    return s.model_storage.kind != StorageKind::None && !s.model.starts_with('/');
  }
  if (condition == "interface") return !s.interface.empty();
  // gloo takes names, not NCCL's prefixes with ^ and =.
  if (condition == "interface-exact") {
    return !s.interface.empty() && s.interface.find_first_of("^=,") == std::string::npos;
  }
  return false;
}

bool in_range(const VersionRange& range, const std::string& version) {
  if (range.any()) return true;
  // What is not known is taken for the newest: older releases ignore variables that they do not
  // know.
  const auto v = parse_version(version.empty() ? "9999.0.0" : version);
  return v && range.contains(*v);
}

bool applies(const SettingRow& row, const LaunchSpec& s, Launcher launcher) {
  if (row.profile != "both" && row.profile != to_string(s.profile)) return false;
  for (std::string_view condition : split(row.when, ',')) {
    if (!holds(condition, s, launcher)) return false;
  }
  return in_range(row.nccl_range, s.nccl_version) && in_range(row.vllm_range, s.vllm_version);
}

std::string filled(std::string_view value, const LaunchSpec& s) {
  std::string out = replace_all(value, "{log_dir}", s.log_storage.path);
  out = replace_all(out, "{model_dir}", s.model_storage.path);
  out = replace_all(out, "{load_seconds}", std::to_string(s.load_minutes * 60));
  return replace_all(out, "{interface}", s.interface);
}

bool given_by_user(const SettingRow& row, const LaunchSpec& s) {
  if (row.kind == SettingKind::Variable) return s.env.count(std::string(row.name)) > 0;
  return std::any_of(s.extra_args.begin(), s.extra_args.end(), [&](const std::string& arg) {
    return arg.substr(0, arg.find('=')) == row.name;
  });
}

}  // namespace

std::span<const SettingRow> setting_rows() {
  static const std::vector<SettingRow> rows = load();
  return rows;
}

std::vector<Setting> settings_for(const LaunchSpec& spec, Launcher launcher) {
  std::vector<Setting> out;
  for (const SettingRow& row : setting_rows()) {
    if (!applies(row, spec, launcher) || given_by_user(row, spec)) continue;
    if (!out.empty() && out.back().name == row.name) continue;
    out.push_back({row.kind, std::string(row.name), filled(row.value, spec), row.reason});
  }
  return out;
}

std::map<std::string, std::string> environment_for(const LaunchSpec& spec, Launcher launcher) {
  std::map<std::string, std::string> env = spec.env;
  for (Setting& s : settings_for(spec, launcher)) {
    if (s.kind == SettingKind::Variable) env.emplace(std::move(s.name), std::move(s.value));
  }
  return env;
}

}  // namespace rankdx
