#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/text.h"
#include "cluster/judge.h"
#include "cluster/judge_parts.h"

namespace rankdx {
namespace {

std::string named(const std::vector<const PodData*>& pods) {
  std::vector<std::string> names;
  for (const PodData* d : pods) {
    if (names.size() == 3 && pods.size() > 4)
      return fmt::format("{} and {} more", join(names, ", "), pods.size() - 3);
    names.push_back(d->pod.name);
  }
  return join(names, ", ");
}

/// Pods by what they have; several entries mean that they differ.
using Values = std::map<std::string, std::vector<const PodData*>>;

/// The entry with the most pods; the first of equal ones.
const std::pair<const std::string, std::vector<const PodData*>>& usual(const Values& values) {
  return *std::max_element(values.begin(), values.end(), [](const auto& a, const auto& b) {
    return a.second.size() < b.second.size();
  });
}

/// Variables that must be the same for all ranks. Those that carry a rank, an address or a file are
/// each pod's own.
bool must_be_equal(std::string_view name) {
  constexpr std::array<std::string_view, 4> kFamilies = {"NCCL_", "TORCH_NCCL_", "VLLM_", "UCX_"};
  constexpr std::array<std::string_view, 9> kOwn = {"RANK",   "HOST", "_IP",    "PORT", "FILE",
                                                    "HOSTID", "NODE", "DEVICE", "_DIR"};
  if (name == "NCCL_COMM_ID" || name == "NCCL_DEBUG" || name == "NCCL_DEBUG_SUBSYS")
    return name == "NCCL_COMM_ID";
  const bool family = std::any_of(kFamilies.begin(), kFamilies.end(),
                                  [&](std::string_view f) { return name.starts_with(f); });
  return family && std::none_of(kOwn.begin(), kOwn.end(), [&](std::string_view o) {
           return name.find(o) != std::string_view::npos;
         });
}

/// What the container was started with, and on top of it what its server process has.
std::map<std::string, std::string> environment_of(const PodData& d) {
  std::map<std::string, std::string> env;
  const ContainerInfo* c = d.container();
  if (c && !d.inside.ran) env = c->env;
  if (d.inside.ran) env = d.inside.env;
  return env;
}

class GroupJudge {
 public:
  explicit GroupJudge(const Gathered& g) : g_(g) {}

  std::vector<Finding> findings() {
    images();
    environment();
    gpus();
    shared_memory();
    users_and_models();
    for (Finding& f : network_findings(g_)) out_.push_back(std::move(f));
    completed_beside_running();
    logs();
    for (const PodData& d : g_.pods) {
      if (d.inside.report) own_report(d);
    }
    return std::move(out_);
  }

 private:
  void images() {
    Values by_image, by_digest;
    std::map<std::string, std::string> tags;
    for (const PodData& d : g_.pods) {
      const ContainerInfo* c = d.container();
      if (!c) continue;
      by_image[c->image].push_back(&d);
      if (!c->image_id.empty()) by_digest[c->image_id].push_back(&d);
    }
    const Values& differing = by_digest.size() > 1 ? by_digest : by_image;
    if (differing.size() < 2) return;
    Finding f = finding("different-images-per-node", Role::RootCause, Severity::Warning,
                        Confidence::Likely, Layer::Container);
    f.title = by_image.size() > 1 ? fmt::format("The pods run {} different images", by_image.size())
                                  : "The same image name means different images on different nodes";
    f.cause = by_image.size() > 1 ? "Ranks of one group need the same NCCL, PyTorch and vLLM."
                                  : "The tag was moved between the pulls; ranks of one group need "
                                    "the same NCCL, PyTorch and vLLM.";
    for (const auto& [value, pods] : differing) {
      f.evidence.push_back({source(*pods[0]), 0, fmt::format("{}: {}", named(pods), value), 0});
      if (&pods == &usual(differing).second) continue;
      for (const PodData* d : pods) f.where.push_back(at(*d));
    }
    f.fix = {{"kubernetes", "Name the image by digest (image@sha256:...) in all templates", ""}};
    out_.push_back(std::move(f));
  }

  void environment() {
    std::map<std::string, Values> by_name;
    std::vector<std::pair<const PodData*, std::map<std::string, std::string>>> all;
    for (const PodData& d : g_.pods) {
      // What only the specification tells is compared with what only the specification tells.
      if (d.container() &&
          (d.inside.ran || std::none_of(g_.pods.begin(), g_.pods.end(),
                                        [](const PodData& o) { return o.inside.ran; })))
        all.emplace_back(&d, environment_of(d));
    }
    std::set<std::string> names;
    for (const auto& [d, env] : all) {
      for (const auto& [name, value] : env) {
        if (must_be_equal(name)) names.insert(name);
      }
    }
    for (const std::string& name : names) {
      for (const auto& [d, env] : all) {
        const auto found = env.find(name);
        by_name[name][found == env.end() ? "(not set)" : found->second].push_back(d);
      }
    }
    Finding f = finding("nccl-env-differs-between-ranks", Role::Contributing, Severity::Warning,
                        Confidence::Likely, Layer::Config);
    std::vector<std::string> differing;
    for (const auto& [name, values] : by_name) {
      if (values.size() < 2) continue;
      differing.push_back(name);
      std::vector<std::string> parts;
      for (const auto& [value, pods] : values) {
        parts.push_back(fmt::format("\"{}\" in {}", value, named(pods)));
        if (&pods == &usual(values).second || f.where.size() > 50) continue;
        for (const PodData* d : pods) {
          if (std::find(f.where.begin(), f.where.end(), at(*d)) == f.where.end())
            f.where.push_back(at(*d));
        }
      }
      if (f.evidence.size() < 12)
        f.evidence.push_back({"environment", 0, fmt::format("{}: {}", name, join(parts, ", ")), 0});
    }
    if (differing.empty()) return;
    f.title = fmt::format(
        "{} {} not equal in all pods",
        join({differing.begin(),
              differing.begin() + static_cast<long>(std::min<size_t>(differing.size(), 4))},
             ", "),
        differing.size() == 1 ? "is" : "are");
    f.cause = "Ranks that disagree about transports or algorithms can hang or fail to connect.";
    f.fix = {{"kubernetes", "Set these variables in the one template that makes all pods", ""}};
    out_.push_back(std::move(f));
  }

  void gpus() {
    std::vector<const PodData*> few, none, broken;
    for (const PodData& d : g_.pods) {
      const ContainerInfo* c = d.container();
      if (!c || !d.inside.ran || !d.inside.gpus) continue;
      const auto seen = static_cast<int64_t>(d.inside.gpus->size());
      if (!d.inside.gpu_problem.empty())
        broken.push_back(&d);
      else if (c->gpu_limit > 0 && seen < c->gpu_limit)
        few.push_back(&d);
    }
    each_gpu_problem(broken, "nvidia-smi fails", "gpu-not-visible",
                     [](const PodData& d) { return d.inside.gpu_problem; });
    each_gpu_problem(few, "fewer GPUs are visible than were requested", "gpu-not-visible",
                     [](const PodData& d) {
                       return fmt::format("{} visible, {} requested ({})", d.inside.gpus->size(),
                                          d.container()->gpu_limit, d.container()->gpu_resource);
                     });
    duplicate_gpus();
  }

  void each_gpu_problem(const std::vector<const PodData*>& pods, std::string_view what,
                        std::string id, const std::function<std::string(const PodData&)>& detail) {
    if (pods.empty()) return;
    Finding f = finding(std::move(id), Role::RootCause, Severity::Error, Confidence::Certain,
                        Layer::Driver);
    f.title = fmt::format("{}: {}", named(pods), what);
    f.cause = "The server cannot use the GPUs that its launch counts on.";
    for (const PodData* d : pods) {
      f.where.push_back(at(*d));
      if (f.evidence.size() < 6) f.evidence.push_back({source(*d), 0, detail(*d), 0});
    }
    f.fix = {
        {"kubernetes", "Check driver, device plugin and runtime class of the node", "nvidia-smi"}};
    out_.push_back(std::move(f));
  }

  /// One physical GPU in two pods: time slicing or a plugin that counts wrongly. NCCL refuses two
  /// ranks on one GPU.
  void duplicate_gpus() {
    Values by_uuid;
    for (const PodData& d : g_.pods) {
      if (!d.inside.gpus) continue;
      for (const GpuInside& gpu : *d.inside.gpus)
        by_uuid[d.pod.node + " " + gpu.uuid].push_back(&d);
    }
    for (const auto& [uuid, pods] : by_uuid) {
      if (pods.size() < 2 || uuid.ends_with(" ")) continue;
      Finding f = finding("duplicate-gpu", Role::RootCause, Severity::Error, Confidence::Certain,
                          Layer::Driver);
      f.title = fmt::format("{} see the same GPU", named(pods));
      f.cause =
          "Two ranks on one physical GPU: NCCL refuses this (\"Duplicate GPU detected\"), and "
          "memory is counted twice.";
      for (const PodData* d : pods) f.where.push_back(at(*d));
      f.evidence.push_back({source(*pods[0]), 0, uuid, 0});
      f.fix = {{"kubernetes",
                "Give each pod whole GPUs (no time slicing, no NVIDIA_VISIBLE_DEVICES=all)", ""}};
      out_.push_back(std::move(f));
      return;
    }
  }

  void shared_memory() {
    constexpr int64_t kEnoughKib = 1 << 20;
    // Where a pod without a volume has enough all the same, the runtime's default is not 64 MiB
    // here.
    const bool roomy_default = std::any_of(g_.pods.begin(), g_.pods.end(), [](const PodData& d) {
      return d.container() && d.inside.shm_kib.value_or(0) >= kEnoughKib &&
             !d.container()->mounts.count("/dev/shm");
    });
    std::vector<const PodData*> small;
    for (const PodData& d : g_.pods) {
      const ContainerInfo* c = d.container();
      if (!c || c->gpu_limit < 2) continue;
      const bool mounted = c->mounts.count("/dev/shm") || d.pod.host_ipc;
      const bool is_small = d.inside.shm_kib ? *d.inside.shm_kib < kEnoughKib
                                             : !mounted && !d.inside.ran && !roomy_default;
      if (is_small) small.push_back(&d);
    }
    if (small.empty()) return;
    Finding f = finding("shm-too-small", Role::Contributing, Severity::Warning, Confidence::Likely,
                        Layer::Container);
    const auto& kib = small[0]->inside.shm_kib;
    f.title = fmt::format("/dev/shm has {} in {}",
                          kib ? fmt::format("{} MiB", *kib / 1024) : "the default of 64 MiB",
                          named(small));
    if (!kib) f.confidence = Confidence::Possible;
    f.cause =
        "NCCL and PyTorch share buffers between the ranks of a pod there; 64 MiB are too little "
        "for several GPUs.";
    for (const PodData* d : small) f.where.push_back(at(*d));
    f.evidence.push_back({source(*small[0]), 0,
                          kib ? fmt::format("/dev/shm: {} KiB, {} free", *kib,
                                            small[0]->inside.shm_free_kib.value_or(0))
                              : "no volume is mounted at /dev/shm",
                          0});
    f.fix = {{"kubernetes",
              "Mount an emptyDir with medium: Memory at /dev/shm (Run:ai: --large-shm)", ""}};
    out_.push_back(std::move(f));
  }

  void users_and_models() {
    std::vector<const PodData*> missing, unreadable;
    for (const PodData& d : g_.pods) {
      if (!d.inside.ran || d.inside.model_path.empty()) continue;
      if (!d.inside.model_exists)
        missing.push_back(&d);
      else if (!d.inside.model_problem.empty())
        unreadable.push_back(&d);
    }
    if (!missing.empty()) {
      const bool everywhere = missing.size() == g_.pods.size();
      Finding f = finding(everywhere ? "model-path-missing" : "model-missing-on-worker-node",
                          Role::RootCause, Severity::Error, Confidence::Certain, Layer::Files);
      f.title =
          fmt::format("{} does not exist in {}", missing[0]->inside.model_path, named(missing));
      f.cause = "The server cannot load its model there.";
      for (const PodData* d : missing) f.where.push_back(at(*d));
      f.evidence.push_back({source(*missing[0]), 0,
                            missing[0]->inside.model_path + ": no such file or directory", 0});
      f.fix = {{"kubernetes", "Mount the same volume at the same path in every template", ""}};
      out_.push_back(std::move(f));
    }
    if (!unreadable.empty()) {
      Finding f = finding("model-files-not-readable", Role::RootCause, Severity::Error,
                          Confidence::Certain, Layer::Files);
      f.title = fmt::format("Model files cannot be read in {}", named(unreadable));
      f.cause = fmt::format("The container runs as {}.", unreadable[0]->inside.user);
      for (const PodData* d : unreadable) f.where.push_back(at(*d));
      f.evidence.push_back({source(*unreadable[0]), 0, unreadable[0]->inside.model_problem, 0});
      f.fix = {
          {"kubernetes",
           "Give the files to that user or group, or set fsGroup (which NFS and hostPath ignore)",
           ""}};
      out_.push_back(std::move(f));
    }
  }

  void completed_beside_running() {
    std::vector<const PodData*> done;
    size_t running = 0;
    for (const PodData& d : g_.pods) {
      if (d.pod.phase == "Succeeded") done.push_back(&d);
      running += d.pod.phase == "Running" ? 1 : 0;
    }
    if (done.empty() || running == 0) return;
    Finding f = finding("rank-process-died", Role::Contributing, Severity::Warning,
                        Confidence::Possible, Layer::Orchestrator);
    f.title = fmt::format("{} ended with exit code 0 while {} other pods still run", named(done),
                          running);
    f.cause = "A rank that leaves early lets the others wait for it.";
    for (const PodData* d : done) f.where.push_back(at(*d));
    out_.push_back(std::move(f));
  }

  void logs() {
    std::vector<const PodData*> late;
    for (const PodData& d : g_.pods) {
      if (std::any_of(d.logs.begin(), d.logs.end(), [](const LogSeen& l) { return l.starts_late; }))
        late.push_back(&d);
    }
    if (late.empty()) return;
    Finding f = finding("nccl-output-missing", Role::Note, Severity::Info, Confidence::Likely,
                        Layer::Orchestrator);
    f.title = fmt::format("The beginning of the log is missing in {}", named(late));
    f.cause =
        "The node rotates logs (10 MiB by default) and gives only the last file; NCCL's version "
        "and network lines come first.";
    for (const PodData* d : late) f.where.push_back(at(*d));
    f.fix = {{"kubernetes", "Log less (NCCL_DEBUG_SUBSYS=INIT,ENV,NET), or to a file",
              "NCCL_DEBUG_FILE=/tmp/nccl.%h.%p.log"}};
    out_.push_back(std::move(f));
  }

  void own_report(const PodData& d) {
    for (Finding f : d.inside.report->findings) {
      if (f.where.empty()) f.where.push_back({});
      for (Where& w : f.where) w.pod = d.pod.name, w.host = w.host.empty() ? d.pod.node : w.host;
      for (Evidence& e : f.evidence) e.source = source(d) + " " + e.source;
      out_.push_back(std::move(f));
    }
  }

  const Gathered& g_;
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> group_findings(const Gathered& gathered) {
  return GroupJudge(gathered).findings();
}

}  // namespace rankdx
