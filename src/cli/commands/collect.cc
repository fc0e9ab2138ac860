// rankdx collect: logs into one redacted archive.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "bundle/bundle_writer.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "input/content.h"
#include "job/job.h"
#include "job/read.h"
#include "live/collect_here.h"
#include "live/collect_pods.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

struct Options {
  std::vector<std::string> paths, hosts;
  std::string output;
  PodSelection pods;
  ClusterAccess access;
  bool names = false, watch = false, no_checks = false, no_exec = false;
};

std::atomic<bool> stop_collecting{false};

int refuse(const Error& error) {
  return std::fprintf(stderr, "rankdx: %s\n", safe_text(to_string(error)).c_str()), kUsage;
}

bool wants_pods(const Options& o) {
  return !o.pods.ns.empty() || !o.pods.selector.empty() || !o.pods.runai.empty() ||
         !o.pods.lws.empty();
}

/// The host names that the logs themselves print, so that they can be hidden. Standard input is
/// read once only.
void learn_hosts(const Options& o, const std::vector<std::string>& paths, BundleWriter& bundle) {
  if (!o.names || paths.empty() || paths.front() == "-") return;
  const LiteralSet nothing({"no line holds this text"});
  for (const Host& h : assemble(read_facts(paths, nothing, {}).facts).hosts)
    bundle.add_host(h.name);
}

void on_signal(int) { stop_collecting = true; }

void take_signals(void (*action)(int)) {
  struct sigaction how {};
  how.sa_handler = action;
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &how, nullptr);
}

/// Until the pods end, or Ctrl-C.
Result<void> from_cluster_watching(const Options& o, const CollectOptions& options,
                                   std::unique_ptr<ClusterApi> api, BundleWriter& bundle) {
  auto spool = RANKDX_TRY(PodSpool::create(o.output + ".parts"));
  take_signals(on_signal);
  std::fprintf(stderr, "rankdx: collecting into %s until the pods end, or Ctrl-C\n",
               spool->folder().c_str());
  auto first = follow_pods(*api, options, stop_collecting, *spool);
  // From here on the logs are in the folder, whatever happens.
  take_signals(SIG_DFL);
  api.reset();
  if (!first) {
    std::error_code ec;
    std::filesystem::remove_all(spool->folder(), ec);
    return tl::unexpected(first.error());
  }
  CollectedTexts latest;
  // Ctrl-C has ended the kubectl of the first connection too.
  if (auto again = connect_cluster(o.access)) {
    if (auto pods = list_pods(**again, o.pods)) {
      for (const PodInfo& pod : *pods) {
        bundle.add_host(pod.name);
        bundle.add_host(pod.node);
      }
      latest = collect_objects(**again, *pods);
    }
  }
  learn_hosts(o, {spool->folder()}, bundle);
  return pack_followed(*spool, *first, latest, bundle);
}

Result<void> from_cluster(Options& o, BundleWriter& bundle) {
  using Part = CollectOptions::Part;
  o.access.ns = o.pods.ns;
  auto api = RANKDX_TRY(connect_cluster(o.access));
  CollectOptions options;
  options.selection = o.pods;
  options.checks = o.no_checks ? Part::Skip : Part::Do;
  options.inside = o.no_exec ? Part::Skip : Part::Do;
  if (o.watch) return from_cluster_watching(o, options, std::move(api), bundle);
  return collect_pods(*api, options, bundle);
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

/// Checks and variables of this machine: the logs may come from it.
Result<void> add_this_machine(BundleWriter& bundle) {
  const CollectedTexts here = collect_here(HostView(), host_name());
  for (const BundleLoss& l : here.losses) bundle.add_loss(l.source, l.why);
  for (const CollectedText& t : here.texts) {
    if (auto added = bundle.add_text(t.member, t.source, t.text); !added) return added;
  }
  return {};
}

Result<void> from_files(const Options& o, BundleWriter& bundle) {
  learn_hosts(o, o.paths, bundle);
  bundle.add_host(host_name());
  std::vector<LeftOut> left_out;
  Result<void> written;
  for_each_input(
      o.paths,
      [&](InputItem item) {
        // Under a name that diagnose reads: the user named it, so it is a log.
        const char* ending = is_no_log_name(item.name) ? ".log" : "";
        if (written) written = bundle.add_log("logs/" + item.name + ending, item.name, *item.bytes);
      },
      left_out);
  for (const LeftOut& l : left_out) bundle.add_loss(l.error.place, l.error.text);
  if (written && !o.no_checks && !bundle.members().empty()) return add_this_machine(bundle);
  return written;
}

void tell(const Options& o, const BundleWriter& bundle) {
  uint64_t bytes = 0;
  for (const BundleMember& m : bundle.members()) bytes += m.bytes;
  const RedactionCounts& gone = bundle.taken_out();
  std::fprintf(stderr,
               "%s: %zu texts, %.1f MB; taken out: %llu secrets, %llu addresses, %llu "
               "host and %llu user names\n",
               o.output.c_str(), bundle.members().size(), static_cast<double>(bytes) / 1e6,
               static_cast<unsigned long long>(gone.secrets),
               static_cast<unsigned long long>(gone.addresses),
               static_cast<unsigned long long>(gone.hosts),
               static_cast<unsigned long long>(gone.users));
  for (const BundleLoss& l : bundle.losses())
    std::fprintf(stderr, "  missing: %s: %s\n", safe_text(l.source).c_str(),
                 safe_text(l.why).c_str());
}

/// What is in the archive is not needed twice; what is not stays.
void drop_spool(const Options& o, bool packed) {
  const std::string folder = o.output + ".parts";
  std::error_code ec;
  if (packed)
    std::filesystem::remove_all(folder, ec);
  else if (std::filesystem::exists(folder, ec))
    std::fprintf(stderr, "rankdx: the logs as they came are in %s\n", folder.c_str());
}

int run(Options& o) {
  if (o.watch && !wants_pods(o))
    return refuse({ErrorCode::Usage, "--watch follows pods", "", "as in -n NAMESPACE -l SELECTOR"});
  if (o.output.empty())
    return refuse({ErrorCode::Usage, "collect needs -o", "", "as in -o bundle.tar.zst"});
  ::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error like any other
  auto bundle = BundleWriter::create(o.output, o.names ? Hide::NamesToo : Hide::SecretsOnly);
  if (!bundle) return refuse(bundle.error());
  for (const std::string& host : o.hosts) bundle->hide_host(host);
  const Result<void> got = wants_pods(o) ? from_cluster(o, *bundle) : from_files(o, *bundle);
  if (!got) bundle->add_loss("collect", to_string(got.error()));
  const Result<void> finished = bundle->finish();
  tell(o, *bundle);
  if (o.watch) drop_spool(o, got && finished);
  if (!got) return refuse(got.error());
  if (!finished) return refuse(finished.error());
  return bundle->members().empty() ? kUsage : kHealthy;
}

}  // namespace

const std::string_view kCollectExamples =
    "  rankdx collect -o bundle.tar.zst logs/                          # files, without secrets\n"
    "  rankdx collect -n ml -l app=vllm -o bundle.tar.zst --hide-names # pods: logs, previous "
    "logs, events\n"
    "  rankdx collect -n ml -l app=vllm --watch -o bundle.tar.zst      # until the pods end\n"
    "  rankdx diagnose bundle.tar.zst\n";

std::function<int()> make_collect(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operands("LOG", o->paths, "files, directories, globs or - for standard input");
  flags.text("-o,--output", o->output, "the archive to make, .tar.zst; never overwritten");
  flags.text("-n,--namespace", o->pods.ns, "take the logs of pods of this namespace");
  flags.text("-l,--selector", o->pods.selector, "pods with these labels");
  flags.text("--runai", o->pods.runai, "pods of a Run:ai workload");
  flags.text("--lws", o->pods.lws, "pods of a LeaderWorkerSet");
  flags.text("--kubeconfig", o->access.kubeconfig, "as for kubectl");
  flags.text("--context", o->access.context, "as for kubectl");
  flags.text("--kubectl", o->access.kubectl, "the kubectl to use");
  flags.on("--watch", o->watch, "keep collecting until the pods end, or Ctrl-C");
  flags.on("--no-checks", o->no_checks, "without results of checks and variables");
  flags.on("--no-exec", o->no_exec, "run nothing inside the pods");
  flags.on("--hide-names", o->names, "also replace addresses, host and user names by pseudonyms");
  flags.list("--hide-host", o->hosts, "host names to hide that nothing else tells");
  return [o] { return run(*o); };
}

}  // namespace rankdx
