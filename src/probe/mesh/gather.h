// What a member says about itself and how it reads the list of peers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "probe/host_view.h"
#include "probe/mesh/participant.h"
#include "probe/process.h"

namespace rankdx {

struct MeshRequest {
  std::vector<std::string>
      peers;               ///< addresses or names, the same list in the same order everywhere
  std::string rendezvous;  ///< "HOST:PORT"; instead of the list
  int64_t size = 0;        ///< with a rendezvous: members in all
  std::string self;        ///< own entry of the list, where it cannot be found
  std::string name;        ///< instead of the host's
  std::string token;
  int64_t port = 29599;  ///< control port of list mode
  int64_t wait_s = 60;
  std::vector<uint16_t> ports;  ///< that a launch needs on every member
};

struct MeshSetup {
  MeshOptions options;
  MeshMember own;
};

Result<MeshSetup> prepare_mesh(const HostView& host, const Variables& environment,
                               const MeshRequest& request);

}  // namespace rankdx
