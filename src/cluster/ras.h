// What NCCL's RAS service (2.24 and later) answers: one struct for its text and its JSON form. The
// grammar was read from NCCL src/ras/client_support.cc of 2.24.3 to 2.30.7 and checked against
// recorded answers. Plain values, no threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

struct RasProcess {
  std::string host;  ///< IP address of the bootstrap interface, not a name
  int pid = -1;      ///< in the process's own pid namespace
  std::vector<int> gpus;
  bool dead = false;  ///< declared dead after 60 s, for good; else it did not answer this time
  auto operator<=>(const RasProcess&) const = default;
};

struct RasRank {
  int rank = -1;
  std::string host;  ///< empty: not printed
  int pid = -1;
  std::optional<int> gpu;
  bool missing = false, dead = false;
  std::string status;  ///< INIT, RUNNING, FINALIZE, ABORT, NOCOMM; only outliers in the text form
  std::string error;   ///< "Remote process error"
  std::map<std::string, uint64_t> counts;  ///< operations launched, by collective
};

/// "7 ranks have launched up to operation 2" of the text form: how many, not who.
struct RasCrowd {
  std::string collective;  ///< "AllReduce"; empty in 2.24 and 2.25
  int ranks = 0;
  uint64_t count = 0;
};

struct RasCommunicator {
  std::string hash;  ///< 16 hex digits, as the log's commId without 0x and zero padded
  int size = 0;
  int missing_count = 0;
  bool incomplete = false, error = false, mismatch = false;
  std::vector<RasRank> ranks;  ///< JSON: all; text: those that are named
  std::vector<RasCrowd> crowds;
};

/// A row of the text form's table.
struct RasGroup {
  int group = 0, communicators = 0, nodes = 0, ranks_per_communicator = 0, ranks = 0;
  std::string status, errors;
};

struct RasAnswer {
  enum class Form : uint8_t { Text, Json };
  Form form = Form::Text;
  std::string nccl_version, cuda_version;
  std::optional<int> nodes, processes, gpus;   ///< ever known, dead ones included; absent in JSON
  std::vector<RasGroup> groups;                ///< absent in JSON
  std::vector<RasProcess> lost;                ///< processes that did not answer; absent in JSON
  std::vector<RasCommunicator> communicators;  ///< text: only those with something to say
  int timeouts = 0;
  double seconds = 0;     ///< NCCL's own collection time
  bool whole = false;     ///< reached its last section
  bool repaired = false;  ///< the JSON lacked commas (2.28.7 and 2.28.9 with a missing rank)
};

/// One answer, either form. Fails on anything that is neither.
Result<RasAnswer> parse_ras(std::string_view text);
Result<RasAnswer> parse_ras_text(std::string_view text);
Result<RasAnswer> parse_ras_json(std::string_view text);

/// Puts the comma that 2.28.7 and 2.28.9 forget after "nvml_dev": N. Returns whether there was one
/// to put.
bool repair_ras_json(std::string& json);

/// Answers inside a longer text (a log into which somebody pasted them), in order. At most 64.
std::vector<RasAnswer> find_ras_answers(std::string_view text);

}  // namespace rankdx
