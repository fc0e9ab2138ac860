// The Kubernetes API as the checks and the log readers see it: paths of the REST interface,
// programs run in containers, bodies that arrive piece by piece. Two ways lead there
// (connect_cluster): one `kubectl proxy` on a private Unix socket, which carries every kind of
// authentication and has no limit of 5 requests per second, or single kubectl calls. All calls are
// bounded in time and bytes. Any thread may call; callbacks of streams come from a thread of the
// client, never two at once for one stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

/// Which cluster, and how kubectl is called.
struct ClusterAccess {
  enum class Way : uint8_t { ProxyThenCalls, ProxyOnly, CallsOnly };
  std::string kubectl = "kubectl";      ///< program; looked up in PATH
  std::string kubeconfig, context, ns;  ///< empty: kubectl's own choice
  std::string as_user;                  ///< --as
  Way way = Way::ProxyThenCalls;
  std::chrono::milliseconds timeout{10'000};  ///< of one request without a limit of its own
};

struct ApiReply {
  int status = 0;  ///< HTTP status; always a whole body, a cut one is an Error
  std::string body;
  std::string date;  ///< Date header; empty through kubectl calls
};

enum class ExecEnd : uint8_t {
  Exited,       ///< the program ran to its end; exit_code is its own
  NoProgram,    ///< not in the image
  NoContainer,  ///< not running, or between two restarts
  Forbidden,    ///< the user may not exec
  Unreachable,  ///< the node's kubelet does not answer
  Cut,          ///< the stream broke; `out` holds what came before
  TimedOut,
  Failed  ///< anything else; `message` says what
};

struct ExecRequest {
  std::string ns, pod, container;
  std::vector<std::string> argv;
  std::string input;  ///< given to the program's standard input; it must not wait for an end
  std::chrono::milliseconds timeout{15'000};
  size_t limit_bytes = 4 << 20;
};

struct ExecReply {
  ExecEnd end = ExecEnd::Failed;
  int exit_code = -1;
  std::string out, err, message;
};

enum class StreamEnd : uint8_t {
  Complete,  ///< the server ended it in order (container ended, restarted, pod deleted, a proxy in
             ///< between gave up)
  Cut,       ///< it broke
  Refused,   ///< no stream: `status` and the server's text say why
  Stalled,   ///< nothing for longer than the limit
  Stopped    ///< by us
};

class StreamListener {
 public:
  virtual ~StreamListener() = default;
  virtual void on_data(std::string_view bytes) = 0;
  /// Once per stream, last.
  virtual void on_end(StreamEnd end, int status, std::string_view text) = 0;
};

class ClusterApi {
 public:
  virtual ~ClusterApi() = default;
  /// Path with query, as "/api/v1/namespaces/x/pods?limit=500". A zero timeout means the client's
  /// own.
  virtual Result<ApiReply> get(const std::string& path, std::chrono::milliseconds timeout = {}) = 0;
  virtual Result<ApiReply> post(const std::string& path, const std::string& json,
                                std::chrono::milliseconds timeout = {}) = 0;
  /// A strategic merge patch.
  virtual Result<ApiReply> patch(const std::string& path, const std::string& json,
                                 std::chrono::milliseconds timeout = {}) = 0;
  virtual ExecReply exec(const ExecRequest& request) = 0;
  /// Starts a GET whose body may never end; `listener` is told. `stall` zero: as long as it lives.
  virtual void stream(const std::string& path, std::shared_ptr<StreamListener> listener,
                      std::chrono::milliseconds stall) = 0;
  /// Ends all streams; their listeners have been told when it returns.
  virtual void stop_streams() = 0;
  /// "kubectl proxy" or "kubectl calls", and why not the better one.
  virtual std::string way() const = 0;
  virtual std::string default_namespace() const = 0;
};

/// Starts what is needed and asks the server's version once, so that what comes back works.
Result<std::unique_ptr<ClusterApi>> connect_cluster(const ClusterAccess& access);

/// Text of a Status object ("pods is forbidden: User ..."), else the beginning of the body.
std::string status_text(const ApiReply& reply);

/// A part of a path or a value of a query, percent-encoded.
std::string url_part(std::string_view text);

}  // namespace rankdx
