// rankdx collect: logs into one redacted archive.
#include <cstdio>
#include <memory>

#include "bundle/bundle_writer.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "job/job.h"
#include "job/read.h"
#include "live/collect_pods.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

struct Options {
  std::vector<std::string> paths, hosts;
  std::string output;
  PodSelection pods;
  ClusterAccess access;
  bool names = false;
};

int refuse(const Error& error) {
  return std::fprintf(stderr, "rankdx: %s\n", safe_text(to_string(error)).c_str()), kUsage;
}

bool wants_pods(const Options& o) {
  return !o.pods.ns.empty() || !o.pods.selector.empty() || !o.pods.runai.empty() ||
         !o.pods.lws.empty();
}

Result<void> from_cluster(Options& o, BundleWriter& bundle) {
  o.access.ns = o.pods.ns;
  const auto api = connect_cluster(o.access);
  if (!api) return tl::unexpected(api.error());
  return collect_pods(**api, o.pods, bundle);
}

/// The host names that the logs themselves print, so that they can be hidden. Standard input is
/// read once only.
void learn_hosts(const Options& o, BundleWriter& bundle) {
  if (!o.names || o.paths.empty() || o.paths.front() == "-") return;
  const LiteralSet nothing({"no line holds this text"});
  for (const Host& h : assemble(read_facts(o.paths, nothing, {}).facts).hosts)
    bundle.add_host(h.name);
}

Result<void> from_files(const Options& o, BundleWriter& bundle) {
  learn_hosts(o, bundle);
  std::vector<LeftOut> left_out;
  Result<void> written;
  for_each_input(
      o.paths,
      [&](InputItem item) {
        if (written) written = bundle.add_log("logs/" + item.name, item.name, *item.bytes);
      },
      left_out);
  for (const LeftOut& l : left_out) bundle.add_loss(l.error.place, l.error.text);
  return written;
}

void tell(const Options& o, const BundleWriter& bundle) {
  uint64_t bytes = 0;
  for (const BundleMember& m : bundle.members()) bytes += m.bytes;
  const RedactionCounts& gone = bundle.taken_out();
  std::fprintf(stderr,
               "%s: %zu logs and objects, %.1f MB; taken out: %llu secrets, %llu addresses, %llu "
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

int run(Options& o) {
  if (o.output.empty())
    return refuse({ErrorCode::Usage, "collect needs -o", "", "as in -o bundle.tar.zst"});
  auto bundle = BundleWriter::create(o.output, o.names ? Hide::NamesToo : Hide::SecretsOnly);
  if (!bundle) return refuse(bundle.error());
  for (const std::string& host : o.hosts) bundle->add_host(host);
  const Result<void> got = wants_pods(o) ? from_cluster(o, *bundle) : from_files(o, *bundle);
  if (!got) bundle->add_loss("collect", to_string(got.error()));
  const Result<void> finished = bundle->finish();
  tell(o, *bundle);
  if (!got) return refuse(got.error());
  if (!finished) return refuse(finished.error());
  return bundle->members().empty() ? kUsage : kHealthy;
}

}  // namespace

const std::string_view kCollectExamples =
    "  rankdx collect -o bundle.tar.zst logs/                          # files, without secrets\n"
    "  rankdx collect -n ml -l app=vllm -o bundle.tar.zst --hide-names # pods: logs, previous "
    "logs, events\n"
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
  flags.on("--hide-names", o->names, "also replace addresses, host and user names by pseudonyms");
  flags.list("--hide-host", o->hosts, "host names to hide that nothing else tells");
  return [o] { return run(*o); };
}

}  // namespace rankdx
