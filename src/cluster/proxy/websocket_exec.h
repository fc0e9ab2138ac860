// Programs in containers over a WebSocket of the proxy (v5 and v4 of the channel protocol).
#pragma once

#include <functional>

#include "cluster/api.h"
#include "cluster/proxy/deadline_socket.h"

namespace rankdx::proxy {

/// Connects to the proxy.
using Connector = std::function<error_code(DeadlineSocket&)>;

/// False: the server refused the websocket itself (the user may not, or it has no such websocket);
/// `reply` says why.
bool exec_by_websocket(const Connector& connect, const ExecRequest& request, ExecReply& reply);

}  // namespace rankdx::proxy
