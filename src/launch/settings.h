// What a profile sets beside the user's own: variables and flags with their reasons, from
// data/launch/profiles.tsv. Read-only table, built once on first use: any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "catalogue/version.h"
#include "launch/spec.h"

namespace rankdx {

enum class SettingKind : uint8_t { Variable, Flag };

/// A row of the table.
struct SettingRow {
  std::string_view profile;  ///< "debug", "production", "both"
  std::string_view when;     ///< conditions that must all hold: "multi-node,ethernet"
  std::string_view nccl;     ///< releases; an unknown version counts as the newest
  std::string_view vllm;
  SettingKind kind;
  std::string_view name;
  std::string_view value;  ///< with {log_dir}, {model_dir}, {load_seconds}, {interface}
  std::string_view reason;
  VersionRange nccl_range, vllm_range;
};

/// Sorted by name.
std::span<const SettingRow> setting_rows();

struct Setting {
  SettingKind kind = SettingKind::Variable;
  std::string name;
  std::string value;  ///< "" of a flag: a switch
  std::string_view reason;
};

/// What the profile of a normalised spec sets, sorted by name; names that the spec's own env or
/// extra_args give are left out.
std::vector<Setting> settings_for(const LaunchSpec& spec, Launcher launcher);

/// All variables that are the same on every node: the profile's and the spec's own.
std::map<std::string, std::string> environment_for(const LaunchSpec& spec, Launcher launcher);

}  // namespace rankdx
