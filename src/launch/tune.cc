#include "launch/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "catalogue/data.h"
#include "catalogue/version.h"
#include "launch/serve_args.h"
#include "launch/shell_words.h"

namespace rankdx {
namespace {

/// A row of data/launch/leftovers.tsv: what debugging leaves behind.
struct Leftover {
  std::string_view name, kind, values, nccl, vllm, reason;
};

std::vector<Leftover> leftovers() {
  std::vector<Leftover> rows;
  for (const TsvRow& r : tsv_rows(data_file("leftovers"))) {
    if (r.size() >= 6) rows.push_back({r[0], r[1], r[2], r[3], r[4], r[5]});
  }
  return rows;
}

bool is_one_of(std::string_view value, std::string_view list) {
  if (list.empty()) return true;
  const std::string small = lower(value);
  for (std::string_view item : split(list, ',')) {
    if (item == small) return true;
  }
  return false;
}

bool in_range(std::string_view range, const std::string& version) {
  if (range.empty()) return true;
  const auto parsed_range = VersionRange::parse(range);
  const auto v = parse_version(version);
  return parsed_range && v && parsed_range->contains(*v);  // unknown: leave it alone
}

std::string link_text(const SeenLink& link) {
  return fmt::format("rank {} -> {} via {}", link.from, link.to, link.transport);
}

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

  /// The first link between hosts over that kind of network ("Socket", "IB"), or nullptr.
  const SeenLink* link_between_hosts(std::string_view kind) const {
    for (const SeenLink& link : seen_.links) {
      const std::string sign = fmt::format("NET/{}", kind);
      if (!link.same_host && link.transport.starts_with(sign)) return &link;
    }
    return nullptr;
  }

  std::string network_evidence(std::string_view kind) const {
    if (const SeenLink* link = link_between_hosts(kind)) return link_text(*link);
    for (const auto& [host, network] : seen_.networks) {
      if (network == kind) return fmt::format("{} used network {}", host, network);
    }
    return "";
  }

  void network() {
    socket_ = network_evidence("Socket");
    const std::string ib = network_evidence("IB");
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
    for (const Leftover& row : leftovers()) {
      if (!in_range(row.nccl, spec_.nccl_version) || !in_range(row.vllm, spec_.vllm_version))
        continue;
      if (row.kind == "env") {
        const auto found = spec_.env.find(std::string(row.name));
        if (found == spec_.env.end() || !is_one_of(found->second, row.values)) continue;
        reasons_.emplace(std::string(row.name), row.reason);
        spec_.env.erase(found);
      } else {
        remove_flag(row.name, row.values, std::string(row.reason));
      }
    }
  }

  /// Takes the flag and, where it has one, its value out of the user's arguments.
  void remove_flag(std::string_view name, std::string_view values, std::string reason) {
    auto& args = spec_.extra_args;
    for (size_t i = 0; i < args.size(); ++i) {
      const size_t equals = args[i].find('=');
      if (std::string_view(args[i]).substr(0, equals) != name) continue;
      const bool apart =
          equals == std::string::npos && i + 1 < args.size() && !args[i + 1].starts_with('-');
      const std::string value = equals != std::string::npos ? args[i].substr(equals + 1)
                                : apart                     ? args[i + 1]
                                                            : "";
      if (!is_one_of(value, values)) continue;
      args.erase(args.begin() + static_cast<ptrdiff_t>(i),
                 args.begin() + static_cast<ptrdiff_t>(i + (apart ? 2 : 1)));
      reasons_.emplace(std::string(name), std::move(reason));
      return;
    }
  }

  void remove_dead_flags() {
    const std::vector<std::string> args = spec_.extra_args;
    for (const std::string& arg : args) {
      if (!arg.starts_with("--")) continue;
      const std::string name = arg.substr(0, arg.find('='));
      if (serve_flag_is_gone(name, spec_.vllm_version)) {
        remove_flag(name, "",
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
      remove_flag((*words)[0], "", "");
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
    std::set<std::string> said;
    for (const SeenLink& link : seen_.links) {
      if (!link.same_host || link.transport.starts_with("P2P")) continue;
      const std::string kind(split(link.transport, '/')[0]);
      if (!said.insert(kind).second) continue;
      note(
          fmt::format("{} inside one node ({}): GPUs without NVLink or with peer access off; "
                      "tensor parallelism is slow there",
                      kind, link_text(link)));
    }
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
