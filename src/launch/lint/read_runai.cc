// `runai inference distributed submit` (Run:ai CLI v2). Its pods: one leader and --workers more.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "catalogue/nearest.h"
#include "launch/lint/readers.h"

namespace rankdx::lint {
namespace {

/// Flags of the CLI's page for Run:ai 2.24 to 3.0. '!' in front: takes no value.
constexpr std::array<std::string_view, 78> kFlags = {"annotation",
                                                     "arguments",
                                                     "capability",
                                                     "command",
                                                     "compute",
                                                     "configmap-map-volume",
                                                     "cpu-core-limit",
                                                     "cpu-core-request",
                                                     "cpu-memory-limit",
                                                     "cpu-memory-request",
                                                     "!create-home-dir",
                                                     "datasource",
                                                     "datavolume",
                                                     "empty-dir-volume",
                                                     "env-my-credentials",
                                                     "env-pod-field-ref",
                                                     "env-secret",
                                                     "environment",
                                                     "environment-variable",
                                                     "exclude-node",
                                                     "existing-pvc",
                                                     "extended-resource",
                                                     "git-sync",
                                                     "gpu-devices-request",
                                                     "gpu-memory-limit",
                                                     "gpu-memory-request",
                                                     "gpu-portion-limit",
                                                     "gpu-portion-request",
                                                     "gpu-request-type",
                                                     "!host-ipc",
                                                     "!host-network",
                                                     "host-path",
                                                     "image",
                                                     "!image-pull-my-credentials",
                                                     "image-pull-policy",
                                                     "label",
                                                     "!large-shm",
                                                     "mnnvl",
                                                     "name-prefix",
                                                     "new-pvc",
                                                     "nfs",
                                                     "node-pools",
                                                     "node-type",
                                                     "pod-running-timeout",
                                                     "preemptibility",
                                                     "preferred-pod-topology-key",
                                                     "priority",
                                                     "!privileged",
                                                     "project",
                                                     "replicas",
                                                     "required-pod-topology-key",
                                                     "restart-policy",
                                                     "run-as-gid",
                                                     "!run-as-non-root",
                                                     "run-as-uid",
                                                     "!run-as-user",
                                                     "s3",
                                                     "seccomp-profile",
                                                     "secret-volume",
                                                     "serving-port",
                                                     "startup-policy",
                                                     "supplemental-groups",
                                                     "template",
                                                     "termination-grace-period",
                                                     "toleration",
                                                     "user-group-source",
                                                     "!wait-for-submit",
                                                     "workers",
                                                     "working-dir",
                                                     "config-file",
                                                     "config-path",
                                                     "!debug",
                                                     "!quiet",
                                                     "!verbose",
                                                     "!help",
                                                     "worker-as-leader",
                                                     "worker-allow-privilege-escalation",
                                                     "allow-privilege-escalation"};
/// Those that exist once more with "worker-" in front.
constexpr std::array<std::string_view, 44> kWorkerFlags = {"annotation",
                                                           "arguments",
                                                           "as-leader",
                                                           "capability",
                                                           "command",
                                                           "configmap-map-volume",
                                                           "cpu-core-limit",
                                                           "cpu-core-request",
                                                           "cpu-memory-limit",
                                                           "cpu-memory-request",
                                                           "create-home-dir",
                                                           "empty-dir-volume",
                                                           "env-pod-field-ref",
                                                           "env-secret",
                                                           "environment",
                                                           "exclude-node",
                                                           "existing-pvc",
                                                           "extended-resource",
                                                           "git-sync",
                                                           "gpu-devices-request",
                                                           "gpu-memory-limit",
                                                           "gpu-memory-request",
                                                           "gpu-portion-limit",
                                                           "gpu-portion-request",
                                                           "host-ipc",
                                                           "host-network",
                                                           "host-path",
                                                           "image",
                                                           "image-pull-policy",
                                                           "label",
                                                           "new-pvc",
                                                           "nfs",
                                                           "node-type",
                                                           "preferred-pod-topology-key",
                                                           "required-pod-topology-key",
                                                           "privileged",
                                                           "run-as-gid",
                                                           "run-as-non-root",
                                                           "run-as-uid",
                                                           "s3",
                                                           "secret-volume",
                                                           "supplemental-groups",
                                                           "toleration",
                                                           "working-dir"};
constexpr std::pair<char, std::string_view> kShort[] = {{'e', "environment-variable"},
                                                        {'g', "gpu-devices-request"},
                                                        {'i', "image"},
                                                        {'p', "project"},
                                                        {'d', "!debug"},
                                                        {'q', "!quiet"},
                                                        {'h', "!help"}};

std::vector<std::string_view> all_flags() {
  std::vector<std::string_view> out;
  for (std::string_view f : kFlags) out.push_back(f.starts_with('!') ? f.substr(1) : f);
  static const std::vector<std::string> workers = [] {
    std::vector<std::string> w;
    for (std::string_view f : kWorkerFlags) w.push_back("worker-" + std::string(f));
    return w;
  }();
  out.insert(out.end(), workers.begin(), workers.end());
  return out;
}

bool is_switch(std::string_view name) {
  if (name.starts_with("worker-")) name.remove_prefix(7);
  return std::any_of(kFlags.begin(), kFlags.end(),
                     [&](std::string_view f) { return f.starts_with('!') && f.substr(1) == name; });
}

struct Argument {
  std::string name;
  const ShellWord* word = nullptr;
  ShellWord value;
  bool has_value = false;
  Span whole;
};

class Submit {
 public:
  Submit(const ShellCommand& command, Launch& launch) : words_(command.words), launch_(launch) {
    group_.kind = GroupKind::Runai;
    group_.span = command.words[0].span;
  }

  void read() {
    size_t i = 0;
    while (i < words_.size() && words_[i].text() != "submit") ++i;
    for (size_t k = 1; k < i; ++k) distributed_ |= words_[k].text() == "distributed";
    inference_ = words_.size() > 1 && words_[1].text() == "inference";
    group_.add_flag = words_[std::min(i, words_.size() - 1)].span;
    for (++i; i < words_.size();) {
      const ShellWord& w = words_[i];
      if (w.text() == "--") {
        tail_ = i + 1;
        break;
      }
      if (w.text().starts_with('-') && w.text().size() > 1) {
        take(argument(i));
      } else {
        if (group_.name.empty()) {
          group_.name = w.text();
          group_.add_flag = w.span;
        }
        ++i;
      }
    }
    finish();
  }

 private:
  Argument argument(size_t& i) {
    const ShellWord& w = words_[i++];
    Argument a;
    a.word = &w;
    a.whole = w.span;
    std::string_view text = w.text();
    const size_t equals = text.find('=');
    const std::string_view written = text.substr(0, equals);
    bool no_value = false;
    if (written.starts_with("--")) {
      a.name = written.substr(2);
      no_value = is_switch(a.name);
    } else {
      for (const auto& [letter, name] : kShort) {
        if (written.size() > 1 && written[1] == letter) {
          no_value = name.starts_with('!');
          a.name = no_value ? name.substr(1) : name;
        }
      }
    }
    if (equals != text.npos) {
      a.value = w;
      a.value.value = w.value.part(equals + 1);
      a.has_value = true;
    } else if (!no_value && i < words_.size() && words_[i].text() != "--") {
      // --command may stand alone and mean: what is behind "--" is the command.
      if (a.name == "command" && words_[i].text().starts_with("--")) return a;
      a.value = words_[i++];
      a.has_value = true;
      a.whole.end = a.value.span.end;
    }
    return a;
  }

  void take(const Argument& a) {
    check_name(a);
    const bool worker = a.name.starts_with("worker-");
    const std::string_view name =
        worker ? std::string_view(a.name).substr(7) : std::string_view(a.name);
    Container& c = worker ? worker_ : leader_;
    const std::string_view text = a.value.text();
    if (name == "environment-variable" || (worker && name == "environment")) {
      add_variable(c, a);
    } else if (name == "environment") {
      if (text.find('=') != text.npos) {
        launch_.remarks.push_back(
            {"runai-environment-asset",
             a.whole,
             "",
             {{{a.word->span.begin, a.word->span.begin + 13}, "--environment-variable"}}});
        add_variable(c, a);
      }
    } else if (name == "env-secret" || name == "env-pod-field-ref") {
      add_reference(c, a, name == "env-pod-field-ref");
    } else if (name == "image") {
      c.image = text_of(a.value);
    } else if (name == "gpu-devices-request") {
      c.gpus = text_of(a.value);
      c.gpu_count = parse_int<int64_t>(text);
    } else if (name == "command" || name == "arguments") {
      (name == "command" ? (worker ? worker_command_ : command_)
                         : (worker ? worker_arguments_ : arguments_)) = a.value;
      if (worker) group_.worker_has_own_command = true;
    } else {
      take_rest(a, name, c, text);
    }
  }

  void take_rest(const Argument& a, std::string_view name, Container& c, std::string_view text) {
    if (name == "workers") {
      group_.nodes_text = text_of(a.value);
      if (const auto n = parse_int<int64_t>(text)) workers_ = *n;
    } else if (name == "replicas") {
      group_.replicas = parse_int<int64_t>(text);
    } else if (name == "large-shm" || name == "host-ipc") {
      if (text != "false") c.shm = Known::Yes;
    } else if (name == "host-network") {
      group_.host_network = text != "false";
      group_.host_network_span = a.whole;
    } else if (name == "privileged") {
      c.privileged = text != "false";
    } else if (name == "capability" && (text == "IPC_LOCK" || text == "ALL")) {
      c.ipc_lock = Known::Yes;
    } else if (name == "extended-resource" && text.starts_with("rdma/")) {
      c.rdma = Known::Yes;
      c.rdma_span = a.whole;
    } else if (name == "run-as-uid") {
      c.run_as_user = parse_int<int64_t>(text);
      c.run_as_user_span = a.whole;
    } else if (name == "startup-policy") {
      group_.start_policy = text_of(a.value);
    } else if (name == "preemptibility" && text == "preemptible") {
      group_.preemptible = {"preemptible", a.whole, false};
    } else if (name == "project") {
      group_.space = "runai-" + std::string(text);
    } else if (name == "worker-as-leader" || name == "as-leader") {
      as_leader_ = text != "false";
    }
  }

  void check_name(const Argument& a) {
    if (!inference_ || !distributed_) return;
    const auto all = all_flags();
    if (!a.name.empty() && std::find(all.begin(), all.end(), a.name) != all.end()) return;
    Remark r{"runai-flag-unknown", a.word->span, "", {}};
    const auto near = nearest(a.name, all, 1);
    r.detail = "runai inference distributed submit has no " +
               std::string(a.word->text().substr(0, a.word->text().find('='))) + ".";
    if (!near.empty() && a.word->text().starts_with("--")) {
      r.detail += " Near: --" + std::string(near[0]) + ".";
      const uint32_t begin = a.word->span.begin;
      r.edits.push_back(
          {{begin + 2, begin + 2 + static_cast<uint32_t>(a.name.size())}, std::string(near[0])});
    }
    launch_.remarks.push_back(std::move(r));
  }

  static void add_variable(Container& c, const Argument& a) {
    const std::string_view text = a.value.text();
    const size_t equals = text.find('=');
    if (equals == text.npos) return;
    EnvVar v;
    v.name = text.substr(0, equals);
    v.name_span = a.value.value.part(0, equals).span();
    ShellWord value = a.value;
    value.value = a.value.value.part(equals + 1);
    v.value = text_of(value);
    v.value.span =
        value.value.text.empty() ? Span{a.value.span.end, a.value.span.end} : value.value.span();
    v.whole = a.whole;
    v.form = Form::RunaiFlag;
    c.env.push_back(std::move(v));
  }

  static void add_reference(Container& c, const Argument& a, bool field) {
    const std::string_view text = a.value.text();
    EnvVar v;
    v.name = text.substr(0, text.find_first_of("=,"));
    v.name_span = v.whole = a.whole;
    v.value.dynamic = v.from_reference = true;
    v.own_of_pod = field;
    c.env.push_back(std::move(v));
  }

  /// --command and --arguments are texts that Run:ai cuts into words.
  CommandWords cut(const ShellWord& command, const ShellWord& arguments) {
    CommandWords out;
    for (const ShellWord* text : {&command, &arguments}) {
      const ShellScript script = parse_shell(text->value);
      note_problems(script, launch_);
      for (const ShellCommand& c : script.commands) {
        for (ShellWord w : c.words) {
          w.dynamic = w.dynamic || is_reference(w.text());
          out.words.push_back(std::move(w));
        }
      }
    }
    return out;
  }

  void finish() {
    if (leader_.shm == Known::Unknown) leader_.shm = Known::No;
    if (leader_.ipc_lock == Known::Unknown) leader_.ipc_lock = Known::No;
    leader_.shm_span = leader_.span = group_.span;
    group_.nodes = distributed_ ? workers_ + 1 : 1;
    group_.fs_group_known = false;
    leader_.env_form = Form::RunaiFlag;
    leader_.add_env = group_.add_flag;
    const EntryPoint entry = is_vllm_image(leader_.image.text) || tail_starts_with_flag()
                                 ? EntryPoint::VllmServe
                                 : EntryPoint::Unknown;
    CommandWords words = cut(command_, tail_ < words_.size() ? ShellWord{} : arguments_);
    words.words.insert(words.words.end(),
                       words_.begin() + static_cast<std::ptrdiff_t>(std::min(tail_, words_.size())),
                       words_.end());
    if (!words.words.empty()) read_command(words, entry, leader_, launch_);
    if (tail_ < words_.size() && command_.value.text.empty()) {
      group_.tail_begin = words_[tail_].span;
      group_.tail_end = words_.back().span;
    }
    const bool overridden =
        group_.worker_has_own_command || worker_.image || !worker_.env.empty() || !as_leader_;
    if (distributed_ && overridden && workers_ > 0) {
      add_worker(words, entry);
      leader_.role = Role::Leader;
    }
    group_.containers.insert(group_.containers.begin(), std::move(leader_));
    launch_.groups.push_back(std::move(group_));
  }

  bool tail_starts_with_flag() const {
    return tail_ < words_.size() && words_[tail_].text().starts_with("-");
  }

  void add_worker(const CommandWords& leader_words, EntryPoint entry) {
    worker_.role = Role::Worker;
    worker_.span = group_.span;
    if (!worker_.image) worker_.image = leader_.image;
    if (!worker_.gpus) {
      worker_.gpus = leader_.gpus;
      worker_.gpu_count = leader_.gpu_count;
    }
    worker_.shm = leader_.shm;
    worker_.shm_span = leader_.shm_span;
    worker_.ipc_lock = leader_.ipc_lock;
    worker_.env_form = Form::None;
    // A variable of the worker's own stands in place of the leader's.
    for (const EnvVar& v : leader_.env) {
      const bool own = std::any_of(worker_.env.begin(), worker_.env.end(),
                                   [&](const EnvVar& w) { return w.name == v.name; });
      if (!own) worker_.env.push_back(v);
    }
    CommandWords words = cut(worker_command_, worker_arguments_);
    if (worker_command_.value.text.empty() && !worker_arguments_.value.text.empty()) {
      CommandWords with_command = cut(command_, worker_arguments_);
      words = std::move(with_command);
    }
    read_command(group_.worker_has_own_command ? words : leader_words, entry, worker_, launch_);
    group_.containers.push_back(std::move(worker_));
  }

  const std::vector<ShellWord>& words_;
  Launch& launch_;
  Group group_;
  Container leader_, worker_;
  ShellWord command_, arguments_, worker_command_, worker_arguments_;
  size_t tail_ = std::string::npos;
  int64_t workers_ = 0;
  bool distributed_ = false, inference_ = false, as_leader_ = true;
};

}  // namespace

void read_runai(const ShellCommand& command, Launch& launch) { Submit(command, launch).read(); }

}  // namespace rankdx::lint
