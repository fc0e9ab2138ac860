// fleet: logs of a synthetic job; see README.txt.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "base/text.h"
#include "write.h"

namespace rankdx::fleet {
namespace {

struct Options {
  Plan plan;
  Output output;
  std::string nccl = "2.28.9", other_nccl = "2.27.7", network = "socket", subsystems = "default",
              forms = RANKDX_FLEET_FORMS;
  std::vector<std::string> faults;
  uint64_t size = 0;
};

void add_flags(CLI::App& app, Options& o) {
  app.add_option("-o,--output", o.output.path,
                 "folder, or the file of --layout combined; - for standard output")
      ->required();
  app.add_option("--layout", o.output.layout, "rank, node (a file each) or combined (one)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Layout>{
          {"rank", Layout::PerRank}, {"node", Layout::PerNode}, {"combined", Layout::Combined}}));
  app.add_option("--ranks", o.plan.ranks)->check(CLI::Range(1, 1 << 20));
  app.add_option("--gpus-per-node", o.plan.gpus_per_node)->check(CLI::Range(1, 128));
  app.add_option("--channels", o.plan.channels, "default: 2, with ib 16")->check(CLI::Range(1, 64));
  app.add_option("--nccl", o.nccl, "release whose lines are printed: a file of forms/");
  app.add_option("--other-nccl", o.other_nccl, "release of the node of version-differs");
  app.add_option("--network", o.network)->check(CLI::IsMember({"socket", "ib"}));
  app.add_option("--subsys", o.subsystems,
                 "NCCL_DEBUG_SUBSYS: ALL, or names with commas; default: INIT,BOOTSTRAP,ENV");
  app.add_option("--calls", o.plan.calls, "collective calls of each rank (subsystem COLL)");
  app.add_option("--size", o.size, "about so many bytes in all, by calls: 2G, 100M")
      ->transform(CLI::AsSizeValue(true));
  app.add_option("--fault", o.faults, "NAME[:RANK or NODE], may be repeated: " + fault_names());
  app.add_flag("--timestamps", o.plan.has_timestamps,
               "the time of day on every line, as NCCL_DEBUG_TIMESTAMP_LEVELS=ALL");
  app.add_option("--seed", o.plan.seed);
  app.add_option("--host-prefix", o.plan.host_prefix);
  app.add_option("--threads", o.output.threads)->check(CLI::Range(1, 256));
  app.add_option("--forms", o.forms, "folder of the forms");
}

std::vector<std::string> subsystems_of(const Options& o) {
  if (o.subsystems == "default") return {"INIT", "BOOTSTRAP", "ENV"};
  std::vector<std::string> list;
  for (std::string_view s : split(o.subsystems, ',')) list.emplace_back(s);
  return list;
}

/// Calls so that the whole is about `size` bytes long.
uint64_t calls_for(Plan plan, const Form& form, uint64_t size) {
  plan.calls = 0;
  const Renderer renderer(plan, form, form);
  const Speaker one = renderer.speaker(std::min(1, plan.ranks - 1));
  std::string start, calls;
  for (const std::string& phase : renderer.phases()) renderer.phase(one, phase, start);
  constexpr uint64_t kSample = 4096;
  renderer.calls(one, kSample, 2 * kSample, calls);
  const uint64_t each = size / static_cast<uint64_t>(plan.ranks);
  return each > start.size() && !calls.empty() ? (each - start.size()) * kSample / calls.size() : 0;
}

Result<uint64_t> run(Options& o) {
  o.plan.is_ib = o.network == "ib";
  for (const std::string& text : o.faults) {
    o.plan.faults.push_back(RANKDX_TRY(parse_fault(text, o.plan.ranks, o.plan.gpus_per_node)));
  }
  const auto subsystems = subsystems_of(o);
  const Form form = RANKDX_TRY(load_form(o.forms + "/" + o.nccl + ".txt", subsystems));
  const Form other = RANKDX_TRY(load_form(o.forms + "/" + o.other_nccl + ".txt", subsystems));
  if (o.size > 0) o.plan.calls = calls_for(o.plan, form, o.size);
  if (o.size > 0 && o.plan.calls == 0)
    return fail(ErrorCode::Usage, "--size is too small, or COLL is not in --subsys");
  const Renderer renderer(o.plan, form, other);
  return write_fleet(o.plan, renderer, o.output);
}

}  // namespace
}  // namespace rankdx::fleet

int main(int argc, char** argv) {
  using namespace rankdx::fleet;
  CLI::App app("Logs of a synthetic job, in the wording of real NCCL releases.", "fleet");
  app.footer("example: fleet --ranks 10240 --fault missing-rank:4711 -o logs");
  Options o;
  add_flags(app, o);
  CLI11_PARSE(app, argc, argv);
  if (app.count("--channels") == 0 && o.network == "ib") o.plan.channels = 16;
  const auto bytes = run(o);
  if (!bytes)
    return std::fprintf(stderr, "fleet: %s\n", rankdx::to_string(bytes.error()).c_str()), 2;
  std::fprintf(stderr, "fleet: %llu bytes\n", static_cast<unsigned long long>(*bytes));
  return 0;
}
