// The flags of vLLM that `rankdx run` adds to a command that is vLLM's server itself: those of the
// profile that its release knows, and never one that the user decided. Plain functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launch/spec.h"
#include "probe/host_view.h"

namespace rankdx {

/// What the user said already, where a profile would say something else.
struct KeptSetting {
  std::string name, value, profile_value;
  std::string where;  ///< "the environment", "/etc/nccl.conf", "the command"
};

struct RunFlags {
  std::vector<std::string> added;  ///< words behind the command
  std::vector<KeptSetting> kept;
  std::string why_none;  ///< why flags of the profile were left out; "" where there are none
};

/// "vllm serve ..." or "python -m vllm.entrypoints.openai.api_server ...", with any paths, and not
/// a wrapper around them: a wrapper may read flags behind its command otherwise.
bool is_vllm_server(const std::vector<std::string>& command);

/// "0.18.0": of the package beside the program ("bin/vllm" and
/// "lib/python3.12/site-packages/vllm-0.18.0.dist-info"); "" where there is none or several.
/// `path`: the directories of PATH.
std::string installed_vllm(const std::string& program, std::string_view path, const HostView& host);

/// `spec`: what the command says, with the profile. `vllm_version` "": not known, so nothing is
/// added.
RunFlags flags_for_run(const LaunchSpec& spec, const std::vector<std::string>& command,
                       const std::string& vllm_version);

}  // namespace rankdx
