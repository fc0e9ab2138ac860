// What is looked at inside a container without rankdx in its image: two fixed scripts run by the
// image's own sh and python3, nothing is copied, nothing is written. Their arguments are passed as
// arguments, never pasted into the script. Values of variables that may be secrets never leave the
// container. Plain functions, no threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/result.h"

namespace rankdx {

struct GpuInside {
  int index = 0;
  std::string name, uuid;
  std::optional<int64_t> used_mib, total_mib;
};

/// A connection from this pod to a peer of the group.
struct Reach {
  std::string peer;  ///< address
  int port = 0;
  std::string result;  ///< "open", "refused" (the way is free, nobody listens), "timeout", "no
                       ///< route", other text
};

struct Inside {
  bool ran = false;
  std::string user;  ///< output of id
  std::optional<int64_t> uid;
  std::optional<std::vector<GpuInside>> gpus;  ///< none: nvidia-smi is not in the image
  std::string gpu_problem;                     ///< what nvidia-smi said instead
  std::optional<int64_t> shm_kib, shm_free_kib;
  std::string memlock, nofile;  ///< "unlimited" or a number, soft limits
  std::map<std::string, std::string>
      env;                 ///< NCCL, vLLM and related variables of the server process
  std::string env_of;      ///< "process 17" or "container"
  std::string model_path;  ///< empty: none was asked for
  bool model_exists = false;
  std::string model_problem;  ///< first file that cannot be read, with the reason
  int64_t model_files = 0;
  std::vector<Reach> reach;
  std::string ras;                    ///< answer of NCCL's RAS port inside the pod
  std::optional<CheckReport> report;  ///< from rankdx itself, where the image has it
};

/// `rankdx check pod -o json`, with the model directory where one is known.
std::vector<std::string> rankdx_argv(const std::string& model_path);
std::vector<std::string> inside_argv(const std::string& model_path);
/// Tries all peers at once, each for 2 s, and asks the RAS port once.
std::vector<std::string> network_argv(const std::vector<std::string>& peers);

void parse_inside(std::string_view text, Inside& inside);
void parse_network(std::string_view text, Inside& inside);
/// rankdx.check/1 back into a report; fails on anything else.
Result<CheckReport> parse_check_report(std::string_view json);

/// The model directory or name that a vLLM command line names; empty when it is no absolute path.
std::string model_path_of(const std::vector<std::string>& command,
                          const std::vector<std::string>& args);

}  // namespace rankdx
