#include "launch/tune.h"

#include <fmt/format.h>

#include "base/text.h"
#include "catalogue/version.h"
#include "launch/evidence.h"
#include "launch/serve_args.h"
#include "launch/shell_words.h"

namespace rankdx {
namespace {

class Tuner {
 public:
  Tuner(const LaunchSpec& launch, Launcher launcher, const Seen& seen)
      : before_(launch), spec_(launch), launcher_(launcher), seen_(seen) {}

  Tuned run(const SeenFit* fit) {
    spec_.profile = Profile::Production;
    versions();
    network();
    remove_leftovers();
    remove_dead_flags();
    if (fit) memory(*fit);
    spec_ = normalised(std::move(spec_), launcher_);
    socket_threads();
    links_inside_nodes();
    for (const std::string& problem : seen_.problems)
      note("the diagnosis still reports " + problem);
    Tuned out{spec_, changes_between(before_, spec_, launcher_), std::move(notes_)};
    for (Change& change : out.changes) {
      const auto found = reasons_.find(change.name);
      if (found != reasons_.end()) change.reason = found->second;
    }
    return out;
  }

 private:
  void note(std::string text) { notes_.push_back(std::move(text)); }

  void versions() {
    if (seen_.nccl_versions.size() > 1) {
      note("the logs show several NCCL versions (" + join(seen_.nccl_versions, ", ") +
           "): use one image for all nodes");
    } else if (seen_.nccl_versions.size() == 1 && seen_.nccl_versions[0] != spec_.nccl_version) {
      spec_.nccl_version = seen_.nccl_versions[0];
      reasons_["nccl_version"] = "the logs print it";
    }
    if (!parse_version(spec_.nccl_version)) spec_.nccl_version = before_.nccl_version;
    if (!seen_.vllm_version.empty() && parse_version(seen_.vllm_version) &&
        parse_version(seen_.vllm_version) != parse_version(spec_.vllm_version)) {
      if (!spec_.vllm_version.empty()) {
        note(fmt::format("the launch says vLLM {}, the logs print {}", spec_.vllm_version,
                         seen_.vllm_version));
      }
      spec_.vllm_version = seen_.vllm_version;
      reasons_["vllm_version"] = "the logs print it";
    }
  }

  void network() {
    socket_ = network_evidence(seen_, "Socket");
    const std::string ib = network_evidence(seen_, "IB");
    const auto disabled = spec_.env.find("NCCL_IB_DISABLE");
    const bool off = disabled != spec_.env.end() && disabled->second == "1";
    if (!ib.empty() && spec_.network == NetworkKind::Ethernet) {
      spec_.network = NetworkKind::Roce;
      reasons_["network"] = "RDMA was used (" + ib + "); the logs do not tell RoCE from InfiniBand";
      reasons_["rdma_resource"] =
          "RDMA was used: pods must book the device to have it on every node; check its name with "
          "`kubectl describe node`";
    } else if (!socket_.empty() && is_rdma(spec_.network)) {
      note(fmt::format(
          "the launch says {}, but traffic between hosts went over TCP ({}): find out why before "
          "production (rankdx check pod)",
          to_string(spec_.network), socket_));
      if (off) {
        reasons_["NCCL_IB_DISABLE"] = "switches RDMA off, and the launch says " +
                                      std::string(to_string(spec_.network)) + ": " + socket_;
        spec_.env.erase("NCCL_IB_DISABLE");
      }
    } else if (off) {
      note(
          "NCCL_IB_DISABLE=1 stays: right on Ethernet without RDMA; on RoCE it costs most of the "
          "bandwidth");
    }
    if (socket_.empty() && ib.empty())
      note("the logs show no link between hosts: network settings follow the launch, not evidence");
  }

  void remove_leftovers() {
    for (auto variable = spec_.env.begin(); variable != spec_.env.end();) {
      const Leftover* row = find_leftover("env", variable->first, variable->second,
                                          spec_.nccl_version, spec_.vllm_version);
      if (row) reasons_.emplace(variable->first, row->reason);
      variable = row ? spec_.env.erase(variable) : std::next(variable);
    }
    for (size_t i = 0; i < spec_.extra_args.size();) {
      const FlagWords flag = flag_at(i);
      const Leftover* row =
          find_leftover("flag", flag.name, flag.value, spec_.nccl_version, spec_.vllm_version);
      if (row) {
        erase(i, flag, std::string(row->reason));
      } else {
        ++i;
      }
    }
  }

  struct FlagWords {
    std::string name, value;
    size_t words = 1;
  };

  /// The user's argument there, with the value that stands in it or behind it.
  FlagWords flag_at(size_t i) const {
    const auto& args = spec_.extra_args;
    const size_t equals = args[i].find('=');
    if (equals != std::string::npos)
      return {args[i].substr(0, equals), args[i].substr(equals + 1), 1};
    if (i + 1 < args.size() && !args[i + 1].starts_with('-')) return {args[i], args[i + 1], 2};
    return {args[i], "", 1};
  }

  void erase(size_t i, const FlagWords& flag, std::string reason) {
    const auto at = spec_.extra_args.begin() + static_cast<ptrdiff_t>(i);
    spec_.extra_args.erase(at, at + static_cast<ptrdiff_t>(flag.words));
    reasons_.emplace(flag.name, std::move(reason));
  }

  void remove_flag(std::string_view name, const std::string& reason) {
    for (size_t i = 0; i < spec_.extra_args.size(); ++i) {
      if (const FlagWords flag = flag_at(i); flag.name == name) return erase(i, flag, reason);
    }
  }

  void remove_dead_flags() {
    const std::vector<std::string> args = spec_.extra_args;
    for (const std::string& arg : args) {
      if (!arg.starts_with("--")) continue;
      const std::string name = arg.substr(0, arg.find('='));
      if (serve_flag_is_gone(name, spec_.vllm_version)) {
        remove_flag(name,
                    fmt::format("vLLM {} has no such flag any more and does not start with it",
                                spec_.vllm_version));
      }
    }
  }

  void memory(const SeenFit& fit) {
    if (fit.verdict != "does-not-fit") {
      note("memory: " + (fit.summary.empty() ? fit.verdict : fit.summary));
      return;
    }
    for (const std::string& flag : fit.flags) {
      const auto words = shell_words(flag);
      if (!words || words->empty() || !(*words)[0].starts_with("--") || is_owned_flag((*words)[0]))
        continue;
      remove_flag((*words)[0], "");
      spec_.extra_args.insert(spec_.extra_args.end(), words->begin(), words->end());
      reasons_[(*words)[0]] = "memory: " + fit.summary;
    }
  }

  /// More sockets help only where TCP carries the traffic between hosts.
  void socket_threads() {
    if (spec_.network != NetworkKind::Ethernet || spec_.nodes < 2) return;
    if (!socket_.empty()) {
      reasons_["NCCL_SOCKET_NTHREADS"] =
          "TCP carries the traffic between hosts (" + socket_ +
          "): 4 threads x 4 sockets, far below NCCL's limit of 64; costs CPU";
      reasons_["NCCL_NSOCKS_PERTHREAD"] = "goes with NCCL_SOCKET_NTHREADS";
    }
  }

  void links_inside_nodes() {
    for (std::string& text : slow_links_inside_nodes(seen_)) note(std::move(text));
    if (spec_.nodes > 1 && spec_.tensor_parallel > spec_.gpus_per_node && !socket_.empty()) {
      note(
          "tensor parallelism crosses hosts over TCP; pipeline parallelism between hosts needs far "
          "less traffic");
    }
  }

  const LaunchSpec& before_;
  LaunchSpec spec_;
  Launcher launcher_;
  const Seen& seen_;
  std::string socket_;
  std::map<std::string, std::string> reasons_;
  std::vector<std::string> notes_;
};

}  // namespace

Tuned tune(const LaunchSpec& launch, Launcher launcher, const Seen& seen, const SeenFit* fit) {
  return Tuner(launch, launcher, seen).run(fit);
}

}  // namespace rankdx
