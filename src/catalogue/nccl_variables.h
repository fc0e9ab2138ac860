// The environment variables of NCCL 2.3.5 to 2.30.7 (data/nccl/env-vars.tsv, read from the release
// tags and NVIDIA's user guide). Built once on first use, then read-only: any thread. Texts are
// views into the binary.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "catalogue/version.h"

namespace rankdx {

enum class VariableType : uint8_t {
  Number,
  Text,
  List,
  Path,
  Switch,
  Address,
  Word,
  TimeFormat,
  Cidr,
  Hex
};

/// For whom NVIDIA documents a variable.
enum class VariableUse : uint8_t {
  Configuration,  ///< documented under system configuration: meant to be set
  Debugging,      ///< documented under debugging: not for production
  Logging,        ///< what is logged and where
  Internal,       ///< not documented; may change in any release
};

/// What a value can be, as far as the table says it in a form that a program can check.
struct AllowedValues {
  std::vector<std::string_view> words;  ///< "0|1", "AF_INET|AF_INET6": one of these
  std::optional<int64_t> least, most;   ///< "0-255", ">=1": integers in between
  bool checkable() const { return !words.empty() || least || most; }
};

struct NcclVariable {
  std::string_view name;
  VariableType type = VariableType::Text;
  VariableUse use = VariableUse::Internal;
  std::string_view default_value;  ///< of the newest release, with notes: "-1 (0 before 2.21)"
  std::string_view
      first_version;  ///< "2.18.1", "<=2.3.5" (older than the oldest release read), "" (before 2.3)
  std::string_view last_version;  ///< last release that reads it; "" = still there in 2.30.7
  std::string_view values;        ///< what is allowed, in words: "0|1"; "see source" = not known
  std::string_view summary;
  std::string_view danger;  ///< what goes wrong when it is set badly or left on; "" = nothing known
  std::string_view doc_section;      ///< "Debugging", "System configuration", "not documented"
  std::string_view doc_since;        ///< as the user guide says; may differ from first_version
  std::string_view default_history;  ///< "0(2.18.1); -2(2.19.1)"; "" = never changed
  std::string_view
      read_via;  ///< NCCL_PARAM reads numbers: text that is none becomes 0 without a word
  std::string_view source_file;
  AllowedValues allowed;
  VersionRange releases;  ///< in which it is read; of first_version and last_version

  /// False also for those that were gone before 2.3.
  bool exists_in(const Version& version) const;
};

/// Sorted by name.
std::span<const NcclVariable> nccl_variables();

/// By its exact name, or nullptr.
const NcclVariable* find_nccl_variable(std::string_view name);

/// Names a typo may have meant, nearest first; at most three.
std::vector<std::string_view> nearest_nccl_variables(std::string_view name);

/// False when the table knows that NCCL does not take the value as it is written; true also when it
/// does not know.
bool may_be_value(const NcclVariable& variable, std::string_view value);

std::string_view to_string(VariableType type);
std::string_view to_string(VariableUse use);

}  // namespace rankdx
