// What tuning rests on: links that the logs showed, and what debugging leaves behind
// (data/launch/leftovers.tsv). The table is read once, then read-only: any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "catalogue/version.h"
#include "launch/seen.h"

namespace rankdx {

/// What debugging leaves behind in a launch.
struct Leftover {
  std::string_view name, kind;  ///< kind: "env" or "flag"
  std::string_view values;      ///< "1,true": one of them, without case; "": any
  std::string_view nccl, vllm;  ///< releases; a version that is not known is in no range
  std::string_view reason;
};

/// Sorted by name.
std::span<const Leftover> leftovers();

/// The row that says that this must go, or nullptr.
const Leftover* find_leftover(std::string_view kind, std::string_view name, std::string_view value,
                              const std::string& nccl_version, const std::string& vllm_version);

/// "rank 7 -> 8 via NET/Socket/0"
std::string link_text(const SeenLink& link);

/// Where the logs showed traffic between hosts over that kind of network ("Socket", "IB"): a link,
/// else a host. Or "".
std::string network_evidence(const Seen& seen, std::string_view kind);

/// What a person should know about links inside nodes: one sentence per kind of link that is not
/// peer to peer.
std::vector<std::string> slow_links_inside_nodes(const Seen& seen);

/// The one NCCL version of the logs, or "" where there are none or several.
std::string nccl_version_of(const Seen& seen);

}  // namespace rankdx
