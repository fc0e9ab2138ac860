// Words of the API server and of kubectl turned into the types of api.h. Plain functions, no
// threads.
#pragma once

#include <string>
#include <string_view>

#include "cluster/api.h"

namespace rankdx {

/// The Status object that ends an exec stream (channel 3 of v4 and v5).
void end_exec(ExecReply& reply, std::string_view status_json);
/// An exec that never started: HTTP status and the server's text.
void refuse_exec(ExecReply& reply, int status, std::string text);
/// Exit code and stderr of `kubectl exec`. kubectl gives 1 for its own troubles as well.
void end_kubectl_exec(ExecReply& reply, int exit_code);
/// "Error from server (Forbidden): ..." of `kubectl get --raw` as a reply; status 0 when kubectl
/// did not reach the server.
ApiReply kubectl_failure(std::string_view err);
/// The line of kubectl's stderr that says what happened; its log lines (E1122 ...) only when there
/// is nothing else.
std::string kubectl_complaint(std::string_view err);
/// What a failed request means to the user, with the way out.
Error no_server(std::string_view complaint);

}  // namespace rankdx
