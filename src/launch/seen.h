// What a debug launch showed: the parts of a diagnosis (rankdx.diagnosis/1) and of a memory fit
// (rankdx.fit/1) that tuning takes its reasons from. Plain values.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

struct SeenLink {
  int from = 0, to = 0;
  std::string transport;  ///< "NET/Socket/0", "P2P/CUMEM"
  bool same_host = false;
};

struct Seen {
  std::string verdict;  ///< "healthy", "warning", "failed", "undetermined"
  std::string summary;
  std::vector<std::string> nccl_versions;
  std::string vllm_version;
  std::map<std::string, std::string> networks;  ///< host to "Socket", "IB", ...
  std::vector<SeenLink> links;
  std::map<std::string, std::vector<std::string>> environment;  ///< values that hosts had
  std::vector<std::string> problems;  ///< "id: title" of findings of severity error or warning
};

/// Refuses what is no rankdx.diagnosis/1; absent members stay empty.
Result<Seen> read_diagnosis(std::string_view json, std::string_view place);

struct SeenFit {
  std::string verdict;  ///< "fits", "does-not-fit", "unknown"
  std::string summary;
  std::vector<std::string> flags;  ///< "--max-model-len 32768"
};

/// Refuses what is no rankdx.fit/1.
Result<SeenFit> read_fit(std::string_view json, std::string_view place);

}  // namespace rankdx
