// The fall-back: one kubectl call per request. Slower (0.15 s each, 5 requests per second inside
// one call), same answers.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/subprocess.h"
#include "base/text.h"
#include "cluster/api_text.h"
#include "cluster/kubectl_command.h"

namespace rankdx {
namespace {

using std::chrono::milliseconds;

class CallsApi : public ClusterApi {
 public:
  CallsApi(ClusterAccess access, std::string ns, std::string why)
      : access_(std::move(access)), ns_(std::move(ns)), why_(std::move(why)) {}
  ~CallsApi() override { stop_streams(); }

  Result<ApiReply> get(const std::string& path, milliseconds timeout) override {
    return call({"get", "--raw", path}, "", timeout);
  }

  Result<ApiReply> post(const std::string& path, const std::string& json,
                        milliseconds timeout) override {
    return call({"create", "--raw", path, "-f", "-"}, json, timeout);
  }

  /// kubectl has no raw patch.
  Result<ApiReply> patch(const std::string& path, const std::string&, milliseconds) override {
    return fail(ErrorCode::Unsupported, "needs kubectl proxy (--transport proxy)", path);
  }

  ExecReply exec(const ExecRequest& request) override { return exec_by_call(access_, request); }

  void stream(const std::string& path, std::shared_ptr<StreamListener> listener,
              milliseconds stall) override {
    const std::lock_guard lock(mutex_);
    threads_.emplace_back(
        [this, path, listener = std::move(listener), stall] { follow(path, *listener, stall); });
  }

  void stop_streams() override {
    stop_ = true;
    std::vector<std::thread> threads;
    {
      const std::lock_guard lock(mutex_);
      threads.swap(threads_);
    }
    for (std::thread& t : threads) t.join();
    stop_ = false;
  }

  std::string way() const override {
    return "kubectl calls" + (why_.empty() ? "" : " (" + why_ + ")");
  }
  std::string default_namespace() const override { return ns_; }

 private:
  Result<ApiReply> call(std::vector<std::string> what, std::string_view input,
                        milliseconds timeout) const {
    if (timeout.count() == 0) timeout = access_.timeout;
    what.push_back(fmt::format("--request-timeout={}ms", timeout.count()));
    const ChildOutput r = RANKDX_TRY(run_child({kubectl_argv(access_, what), {}},
                                               timeout + milliseconds(2000), 256 << 20, input));
    if (r.timed_out) return tl::unexpected(no_server("kubectl timed out"));
    if (r.exit_code == 0 && !r.truncated) return ApiReply{200, r.out, ""};
    if (r.truncated)
      return fail(ErrorCode::Unsupported, "the answer has more than 256 MiB", what[2]);
    ApiReply reply = kubectl_failure(r.err);
    if (reply.status == 0) return tl::unexpected(no_server(reply.body));
    return reply;
  }

  void follow(const std::string& path, StreamListener& listener, milliseconds stall) const {
    auto child = Child::start({kubectl_argv(access_, {"get", "--raw", path}), {}});
    if (!child) return listener.on_end(StreamEnd::Refused, 0, child.error().text);
    child->close_in();
    std::string err;
    auto last = std::chrono::steady_clock::now();
    bool out_open = true;
    while (out_open && !stop_) {
      pollfd fds[2] = {{child->out(), POLLIN, 0}, {child->err(), POLLIN, 0}};
      ::poll(fds, 2, 100);
      char block[32768];
      if (fds[0].revents) {
        const ssize_t n = ::read(child->out(), block, sizeof block);
        if (n > 0)
          listener.on_data({block, static_cast<size_t>(n)}),
              last = std::chrono::steady_clock::now();
        out_open = n > 0 || (n < 0 && errno == EAGAIN);
      }
      if (fds[1].revents) {
        const ssize_t n = ::read(child->err(), block, sizeof block);
        if (n > 0 && err.size() < 65536) err.append(block, static_cast<size_t>(n));
      }
      if (stall.count() > 0 && std::chrono::steady_clock::now() - last > stall)
        return listener.on_end(StreamEnd::Stalled, 0, "");
    }
    if (stop_) return listener.on_end(StreamEnd::Stopped, 0, "");
    char block[4096];
    for (ssize_t n; (n = ::read(child->err(), block, sizeof block)) > 0;)
      err.append(block, static_cast<size_t>(n));
    while (child->running()) std::this_thread::sleep_for(milliseconds(2));
    if (child->exit_code() == 0) return listener.on_end(StreamEnd::Complete, 200, "");
    const ApiReply reply = kubectl_failure(err);
    if (reply.status == 0) return listener.on_end(StreamEnd::Cut, 0, reply.body);
    listener.on_end(StreamEnd::Refused, reply.status, status_text(reply));
  }

  const ClusterAccess access_;
  const std::string ns_, why_;
  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_{false};
};

}  // namespace

std::vector<std::string> kubectl_argv(const ClusterAccess& access,
                                      const std::vector<std::string>& rest) {
  std::vector<std::string> argv = {access.kubectl};
  if (!access.kubeconfig.empty()) argv.push_back("--kubeconfig=" + access.kubeconfig);
  if (!access.context.empty()) argv.push_back("--context=" + access.context);
  if (!access.as_user.empty()) argv.push_back("--as=" + access.as_user);
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

Result<std::string> namespace_of_context(const ClusterAccess& access) {
  const std::vector<std::string> ask = {"config", "view", "--minify", "-o",
                                        "jsonpath={.contexts[0].context.namespace}"};
  const ChildOutput r =
      RANKDX_TRY(run_child({kubectl_argv(access, ask), {}}, milliseconds(10'000)));
  if (r.exit_code == 0) return r.out.empty() ? std::string("default") : r.out;
  // Inside a pod kubectl works with the service account and without a kubeconfig.
  if (std::getenv("KUBERNETES_SERVICE_HOST") && access.kubeconfig.empty() && access.context.empty())
    return std::string("default");
  return tl::unexpected(
      no_server(r.timed_out ? "kubectl config timed out" : kubectl_complaint(r.err)));
}

ExecReply exec_by_call(const ClusterAccess& access, const ExecRequest& request) {
  std::vector<std::string> what = {"exec", "-n", request.ns, request.pod, "-c", request.container};
  if (!request.input.empty()) what.emplace_back("-i");
  what.emplace_back("--");
  what.insert(what.end(), request.argv.begin(), request.argv.end());
  ExecReply reply;
  const auto r = run_child({kubectl_argv(access, what), {}}, request.timeout, request.limit_bytes,
                           request.input);
  if (!r) {
    reply.message = to_string(r.error());
    return reply;
  }
  reply.out = r->out, reply.err = r->err;
  if (r->timed_out) {
    reply.end = ExecEnd::TimedOut;
    reply.message = fmt::format("no end after {} s", request.timeout.count() / 1000);
    return reply;
  }
  end_kubectl_exec(reply, r->exit_code);
  return reply;
}

std::unique_ptr<ClusterApi> connect_by_calls(const ClusterAccess& access, const std::string& ns,
                                             const std::string& why) {
  return std::make_unique<CallsApi>(access, ns, why);
}

Result<std::unique_ptr<ClusterApi>> connect_cluster(const ClusterAccess& access) {
  if (find_program(access.kubectl).empty()) {
    return fail(ErrorCode::Unreadable, "kubectl was not found", access.kubectl,
                "install kubectl, or give --kubectl PATH");
  }
  const std::string ns = access.ns.empty() ? RANKDX_TRY(namespace_of_context(access)) : access.ns;
  std::string why;
  if (access.way != ClusterAccess::Way::CallsOnly) {
    auto proxy = connect_by_proxy(access, ns);
    if (proxy) {
      const auto version = (*proxy)->get("/version");
      if (version && version->status != 401) return proxy;
      // The proxy works, the server does not: single calls would fail in the same way.
      return tl::unexpected(version ? no_server("Unauthorized: " + status_text(*version))
                                    : version.error());
    }
    if (access.way == ClusterAccess::Way::ProxyOnly) return tl::unexpected(proxy.error());
    why = "kubectl proxy: " + proxy.error().text;
  }
  auto calls = connect_by_calls(access, ns, why);
  const ApiReply version = RANKDX_TRY(calls->get("/version"));
  if (version.status == 401)
    return tl::unexpected(no_server("Unauthorized: " + status_text(version)));
  return calls;
}

}  // namespace rankdx
