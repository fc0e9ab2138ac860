// Whether the processes make one server: GPUs against parallel sizes, ranks, addresses, equal
// flags.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "catalogue/vllm_flags.h"
#include "launch/lint/judge.h"

namespace rankdx::lint {
namespace {

constexpr int64_t kMostGpus =
    1'000'000;  // beyond that a size is nonsense and products may overflow

bool names_group_size(std::string_view text) {
  constexpr std::array<std::string_view, 8> kNames = {
      "$(LWS_GROUP_SIZE)", "$LWS_GROUP_SIZE",      "${LWS_GROUP_SIZE}",      "$SLURM_NNODES",
      "${SLURM_NNODES}",   "$SLURM_JOB_NUM_NODES", "${SLURM_JOB_NUM_NODES}", "$((LWS_GROUP_SIZE))"};
  return std::find(kNames.begin(), kNames.end(), text) != kNames.end();
}

/// 1 when the flag is not there; nothing when its value is only known at run time.
std::optional<int64_t> size_of(const Group& g, const Serve& s, std::string_view name) {
  const Flag* f = find_flag(s, name);
  if (f == nullptr) return 1;
  if (!f->value) return std::nullopt;
  if (names_group_size(f->value->text)) return g.nodes;
  if (f->value->dynamic) return std::nullopt;
  const auto n = parse_int<int64_t>(f->value->text);
  return n && *n > 0 && *n <= kMostGpus ? n : std::nullopt;
}

struct Shape {
  int64_t tp = 1, pp = 1, dp = 1;
  int64_t world = 1;      ///< GPUs of one copy of the model
  bool at_least = false;  ///< words that are only known at run time may add to it
  int64_t all() const { return world * dp; }
};

std::optional<Shape> shape_of(const Group& g, const Serve& s) {
  const auto tp = size_of(g, s, "--tensor-parallel-size");
  const auto pp = size_of(g, s, "--pipeline-parallel-size");
  const auto dp = size_of(g, s, "--data-parallel-size");
  const auto pcp = size_of(g, s, "--prefill-context-parallel-size");
  if (!tp || !pp || !dp || !pcp) return std::nullopt;
  if (*tp * *pp > kMostGpus || *tp * *pp * *pcp > kMostGpus) return std::nullopt;
  return Shape{*tp, *pp, *dp, *tp * *pp * *pcp, s.unknown_words};
}

std::string in_words(const Shape& s) {
  std::string text = "tensor " + std::to_string(s.tp) + " x pipeline " + std::to_string(s.pp);
  if (s.dp > 1) text += " x data " + std::to_string(s.dp);
  return text + " = " + std::to_string(s.all()) + " GPUs";
}

bool has(const Serve& s, std::string_view name) { return find_flag(s, name) != nullptr; }

bool splits_data_parallel(const Serve& s) {
  return has(s, "--data-parallel-size-local") || has(s, "--data-parallel-start-rank") ||
         has(s, "--data-parallel-rank") || has(s, "--data-parallel-address");
}

bool is_power_of_two(int64_t n) { return n > 0 && (n & (n - 1)) == 0; }

class ParallelJudge {
 public:
  ParallelJudge(Judge& judge, const Group& group) : j_(judge), g_(group) {}

  void run() {
    ray_ = uses_ray(g_);
    workers_besides_leader();
    for (const Container& c : g_.containers) {
      for (const Serve& s : c.serves) {
        gpus(c, s);
        nodes(c, s);
      }
      gpus_missing(c);
      visible_devices(c);
    }
    deadlock();
    same_flags();
    sbatch();
  }

 private:
  bool one_group() const {
    return g_.kind == GroupKind::LeaderWorkerSet || g_.kind == GroupKind::Runai ||
           g_.kind == GroupKind::RayCluster || g_.kind == GroupKind::Slurm;
  }
  int64_t nodes_count() const { return g_.nodes.value_or(1); }
  Span place(const Serve& s) const {
    for (std::string_view name :
         {"--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"}) {
      if (const Flag* f = find_flag(s, name)) return f->span;
    }
    return s.span;
  }

  void gpus(const Container& c, const Serve& s) {
    const auto shape = shape_of(g_, s);
    if (!shape || !c.gpu_count || *c.gpu_count <= 0) return;
    const int64_t per_pod = *c.gpu_count;
    if (has(s, "--nnodes") || (ray_ && g_.nodes && one_group()))
      return over_all_nodes(s, *shape, per_pod);
    if (ray_) return;
    int64_t here = shape->all();
    if (splits_data_parallel(s)) {
      const auto local = has(s, "--data-parallel-size-local")
                             ? size_of(g_, s, "--data-parallel-size-local")
                             : std::optional<int64_t>(has(s, "--data-parallel-rank") ? 1 : 0);
      if (!local || *local == 0) return;
      here = shape->world * *local;
    }
    const std::string booked =
        std::to_string(per_pod) + (per_pod == 1 ? " GPU is" : " GPUs are") + " booked per " + pod();
    if (here > per_pod) {
      j_.add("gpus-do-not-fit-parallelism", place(s), in_words(*shape) + ", but " + booked + ".");
    } else if (here < per_pod && !splits_data_parallel(s) && !shape->at_least) {
      j_.add("gpus-booked-idle", place(s), in_words(*shape) + ", but " + booked + ".");
    }
  }

  void over_all_nodes(const Serve& s, const Shape& shape, int64_t per_pod) {
    std::optional<int64_t> nodes =
        has(s, "--nnodes") && !ray_ ? size_of(g_, s, "--nnodes") : g_.nodes;
    if (!nodes) return;
    const int64_t booked = *nodes * per_pod;
    if (booked == shape.all()) return;
    const std::string text = in_words(shape) + ", but " + std::to_string(*nodes) + " " + pod() +
                             (*nodes == 1 ? "" : "s") + " with " + std::to_string(per_pod) +
                             " make " + std::to_string(booked) + ".";
    if (shape.all() > booked)
      j_.add("gpus-do-not-fit-parallelism", place(s), text);
    else if (g_.kind != GroupKind::RayCluster && !shape.at_least)
      j_.add("gpus-booked-idle", place(s), text);
  }

  std::string pod() const {
    return g_.kind == GroupKind::Slurm || g_.kind == GroupKind::Script     ? "node"
           : g_.kind == GroupKind::Docker || g_.kind == GroupKind::Compose ? "container"
                                                                           : "pod";
  }

  void nodes(const Container& c, const Serve& s) {
    const bool several = g_.nodes && *g_.nodes > 1;
    if (has(s, "--nnodes")) return mp(c, s);
    if (!several || !one_group() || ray_ || splits_data_parallel(s) || s.unknown_words ||
        s.branch > 0 || c.serves.size() > 1)
      return;
    if (c.role == Role::Leader) return;
    if (g_.kind == GroupKind::Slurm && j_.source.bytes().find("srun") == std::string::npos) return;
    j_.add("separate-servers", s.span,
           std::to_string(nodes_count()) + " " + pod() + "s run this command, each with its own " +
               (shape_of(g_, s) ? in_words(*shape_of(g_, s)) : std::string("model")) + ".",
           rendezvous(c, s));
  }

  /// The flags that make one server of all pods: for Run:ai with arguments behind "--", and for
  /// lists of a manifest.
  std::vector<Edit> rendezvous(const Container& c, const Serve& s) const {
    const auto shape = shape_of(g_, s);
    const Versions v = versions_of(j_, c);
    if (!shape || shape->at_least || !c.gpu_count || shape->dp != 1 ||
        (v.vllm && *v.vllm < *parse_version("0.12.0")))
      return {};
    const int64_t n = nodes_count();
    std::vector<std::string> flags;
    if (shape->all() == *c.gpu_count && !has(s, "--pipeline-parallel-size"))
      flags = {"--pipeline-parallel-size", std::to_string(n)};
    else if (shape->all() != *c.gpu_count * n)
      return {};
    for (std::string_view w : {"--nnodes", "", "--node-rank", "$(LWS_WORKER_INDEX)",
                               "--master-addr", "$(LWS_LEADER_ADDRESS)"})
      flags.emplace_back(w.empty() ? std::to_string(n) : std::string(w));
    if (g_.kind == GroupKind::Runai && c.role == Role::Any && g_.tail_end.end > 0)
      return runai_rendezvous(s, flags);
    if (g_.kind != GroupKind::LeaderWorkerSet || c.role != Role::Worker ||
        s.form == Form::ShellWords)
      return {};
    for (const Container& leader : g_.containers) {
      if (leader.role != Role::Leader || leader.serves.size() != 1 ||
          leader.serves[0].form == Form::ShellWords)
        continue;
      std::vector<Edit> edits = add_flags(j_.source, leader.serves[0], flags);
      flags.push_back("--headless");
      const auto more = add_flags(j_.source, s, flags);
      if (edits.empty() || more.empty()) return {};
      edits.insert(edits.end(), more.begin(), more.end());
      return edits;
    }
    return {};
  }

  /// Workers get the leader's arguments and --headless as a text of their own.
  std::vector<Edit> runai_rendezvous(const Serve& s, const std::vector<std::string>& flags) const {
    const std::string_view tail = j_.source.part({g_.tail_begin.begin, g_.tail_end.end});
    std::string arguments;
    const std::string joined = replace_all(replace_all(tail, "\\\n", " "), "\n", " ");
    for (std::string_view word : split(joined, ' ')) {
      if (!word.empty()) arguments += std::string(word) + " ";
    }
    // Quotes inside quotes are left to a person.
    if (arguments.find_first_of("'\"`$\\") != std::string::npos) return {};
    for (const std::string& f : flags) arguments += f + " ";
    std::vector<Edit> edits = add_flags(j_.source, s, flags);
    edits.push_back(
        {{g_.add_flag.end, g_.add_flag.end}, " --worker-arguments '" + arguments + "--headless'"});
    return edits;
  }

  void mp(const Container& c, const Serve& s) {
    const auto n = size_of(g_, s, "--nnodes");
    if (n && g_.nodes && one_group() && *n != *g_.nodes) {
      const Flag* f = find_flag(s, "--nnodes");
      j_.add("nnodes-differs-from-pods", f->span,
             "--nnodes is " + std::to_string(*n) + ", the group has " + std::to_string(*g_.nodes) +
                 " " + pod() + "s.",
             set_flag(j_.source, s, *f, std::to_string(*g_.nodes)));
    }
    if (n && *n < 2) return;
    const bool shared = c.role == Role::Any && g_.kind != GroupKind::Script &&
                        g_.kind != GroupKind::Docker && g_.kind != GroupKind::Compose &&
                        s.branch == 0 && c.serves.size() == 1;
    const Flag* rank = find_flag(s, "--node-rank");
    if (!s.unknown_words) ranks(c, s, rank, shared);
    const Flag* address = find_flag(s, "--master-addr");
    const std::string_view where = address != nullptr && address->value
                                       ? std::string_view(address->value->text)
                                       : std::string_view{};
    const bool loopback =
        where == "127.0.0.1" || where == "localhost" || where == "::1" || where == "0.0.0.0";
    if ((address == nullptr && !s.unknown_words && (c.role != Role::Leader)) || loopback) {
      j_.add("master-addr-missing", address != nullptr ? address->span : s.span,
             loopback ? "--master-addr " + std::string(where) + " is this node itself." : "",
             lws_edit(s, address == nullptr, {"--master-addr", "$(LWS_LEADER_ADDRESS)"}));
    }
    const bool headless = has(s, "--headless");
    if (c.role == Role::Worker && !headless && !s.unknown_words)
      j_.add("api-on-worker", s.span, "", add_flags(j_.source, s, {"--headless"}));
    if (shared && !headless && !s.unknown_words)
      j_.add("api-on-worker", s.span, "All pods run this command.");
    if (c.role == Role::Leader && headless) {
      const Flag* f = find_flag(s, "--headless");
      j_.add("flags-conflict", f->span, "The leader serves the API: no --headless there.",
             remove_flag(j_.source, s, *f));
    }
  }

  std::vector<Edit> lws_edit(const Serve& s, bool allowed,
                             const std::vector<std::string>& words) const {
    if (!allowed || g_.kind != GroupKind::LeaderWorkerSet || s.form == Form::ShellWords) return {};
    return add_flags(j_.source, s, words);
  }

  void ranks(const Container& c, const Serve& s, const Flag* rank, bool shared) {
    const bool literal = rank == nullptr || (rank->value && !rank->value->dynamic);
    const std::string value = rank != nullptr && rank->value ? rank->value->text : "0";
    if (!literal) return;
    const bool wrong_worker = c.role == Role::Worker && (value == "0" || g_.nodes.value_or(2) > 2);
    const bool wrong_leader = c.role == Role::Leader && value != "0";
    if (!wrong_worker && !wrong_leader && !shared) return;
    std::string detail = rank == nullptr ? "Without --node-rank it is 0."
                                         : "--node-rank is " + value +
                                               (wrong_leader ? " on the leader, which has 0."
                                                             : " for every pod that runs this.");
    j_.add("node-rank-missing", rank == nullptr ? s.span : rank->span, std::move(detail),
           lws_edit(s, rank == nullptr, {"--node-rank", "$(LWS_WORKER_INDEX)"}));
  }

  void workers_besides_leader() {
    if (g_.kind != GroupKind::Runai || !g_.nodes || *g_.nodes < 3 || !g_.nodes_text ||
        g_.nodes_text.dynamic)
      return;
    const int64_t workers = *g_.nodes - 1;
    if (!is_power_of_two(workers)) return;
    for (const Container& c : g_.containers) {
      for (const Serve& s : c.serves) {
        const auto shape = shape_of(g_, s);
        // Sizes that use all pods show that the number was meant.
        if (shape && c.gpu_count && shape->all() == *c.gpu_count * *g_.nodes) return;
      }
    }
    std::string detail =
        "--workers " + std::to_string(workers) + " makes " + std::to_string(*g_.nodes) + " pods";
    const Container& first = g_.containers.front();
    if (first.gpu_count)
      detail += " and books " + std::to_string(*g_.nodes * std::min(*first.gpu_count, kMostGpus)) +
                " GPUs";
    Issue& i = j_.add("workers-besides-leader", g_.nodes_text.span, detail + ".",
                      {{g_.nodes_text.span, std::to_string(workers - 1)}});
    i.confidence = Confidence::Likely;
  }

  void gpus_missing(const Container& c) {
    const bool kind = g_.kind != GroupKind::Script && g_.kind != GroupKind::Slurm &&
                      g_.kind != GroupKind::Environment;
    if (!kind || c.serves.empty() || c.gpus ||
        find_variable(c, "NVIDIA_VISIBLE_DEVICES") != nullptr)
      return;
    const std::string& bytes = j_.source.bytes();
    for (std::string_view other : {"runtime", "gpu-portion", "gpu-memory-re", "tpu", "gaudi", "xpu",
                                   "cpu", "neuron", "resourceClaims"}) {
      if (c.image.text.find(other) != std::string::npos) return;
      if (other != "cpu" && bytes.find(other) != std::string::npos) return;
    }
    if (g_.kind == GroupKind::Runai && bytes.find("template") != std::string::npos) return;
    j_.add("gpus-not-requested", c.span, "");
  }

  void visible_devices(const Container& c) {
    const EnvVar* v = find_variable(c, "CUDA_VISIBLE_DEVICES");
    if (v == nullptr || v->value.dynamic || ray_) return;
    const auto count = count_of(v->value.text);
    for (const Serve& s : c.serves) {
      const auto shape = shape_of(g_, s);
      if (!shape || !count || has(s, "--nnodes") || splits_data_parallel(s) ||
          shape->all() <= *count || c.gpu_count == count)
        continue;
      j_.add("gpus-do-not-fit-parallelism", v->value.span,
             in_words(*shape) + ", but CUDA_VISIBLE_DEVICES shows " + std::to_string(*count) + ".");
    }
  }
  static std::optional<int64_t> count_of(std::string_view list) {
    if (list.empty() || list == "all" ||
        list.find_first_not_of("0123456789,GPUMIGabcdef-/") != list.npos)
      return std::nullopt;
    return static_cast<int64_t>(split(list, ',').size());
  }

  void deadlock() {
    if (g_.start_policy.text != "LeaderReady" || nodes_count() < 2 || !over_nodes(g_)) return;
    std::vector<Edit> edits = {{g_.start_policy.span, "LeaderCreated"}};
    j_.add("leader-ready-deadlock", g_.start_policy.span, "", std::move(edits));
  }

  void same_flags() {
    const Container *leader = nullptr, *worker = nullptr;
    for (const Container& c : g_.containers) {
      if (c.serves.size() != 1 || c.serves[0].unknown_words) continue;
      if (c.role == Role::Leader) leader = &c;
      if (c.role == Role::Worker) worker = &c;
    }
    if (leader == nullptr || worker == nullptr) return;
    if (leader->image && worker->image && !leader->image.dynamic &&
        leader->image.text != worker->image.text) {
      j_.add("image-differs", worker->image.span, "The leader runs " + leader->image.text + ".");
    }
    const Serve &a = leader->serves[0], &b = worker->serves[0];
    if (a.model && b.model && !a.model.dynamic && !b.model.dynamic &&
        a.model.text != b.model.text) {
      j_.add("leader-worker-flags-differ", b.model.span, "The leader loads " + a.model.text + ".");
    }
    compare(a, b, "workers");
    compare(b, a, "leader");
  }

  void compare(const Serve& from, const Serve& to, std::string_view to_name) {
    for (const Flag& f : from.flags) {
      const VllmFlag* known = f.known;
      if (known == nullptr || known->scope != FlagScope::AllNodes || known->name == "--model")
        continue;
      const Flag* other = find_flag(to, known->name);
      const std::string value = f.value ? f.value->text : "";
      if (other != nullptr &&
          (to_name == "leader" || (other->value ? other->value->text : "") == value))
        continue;
      if (f.value && f.value->dynamic) continue;
      std::vector<Edit> edits;
      if (other != nullptr)
        edits = set_flag(j_.source, to, *other, value);
      else if (!f.value)
        edits = add_flags(j_.source, to, {std::string(known->name)});
      else
        edits = add_flags(j_.source, to, {std::string(known->name), value});
      j_.add("leader-worker-flags-differ", f.span,
             std::string(known->name) + (value.empty() ? "" : " " + value) +
                 (other == nullptr ? " is missing on the " : " is another one on the ") +
                 std::string(to_name) + ".",
             std::move(edits));
    }
  }

  void sbatch() {
    if (g_.kind != GroupKind::Slurm || nodes_count() < 2) return;
    const std::string& bytes = j_.source.bytes();
    for (std::string_view program : {"srun", "mpirun", "mpiexec", "ssh ", "pdsh", "clush"}) {
      if (bytes.find(program) != std::string::npos) return;
    }
    for (const Container& c : g_.containers) {
      if (!c.serves.empty())
        j_.add("sbatch-without-srun", c.serves[0].span,
               std::to_string(nodes_count()) + " nodes are booked.");
    }
  }

  Judge& j_;
  const Group& g_;
  bool ray_ = false;
};

}  // namespace

void judge_parallelism(Judge& judge) {
  for (const Group& g : judge.launch.groups) ParallelJudge(judge, g).run();
}

}  // namespace rankdx::lint
