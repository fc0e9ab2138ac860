#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cluster/judge.h"

namespace rankdx {
namespace {

using State = ContainerInfo::State;

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

struct Advice {
  std::string_view id;
  Severity severity;
  std::string_view says;  ///< behind the pod's name
  std::string_view cause;
  std::string_view fix, command;
};

// What a state means; the id is the taxonomy's where one fits.
constexpr Advice kUnschedulable{
    "worker-pod-not-running",
    Severity::Error,
    "cannot be scheduled",
    "No node has what the pod asks for. The other ranks wait for it.",
    "Free or add nodes with enough GPUs, or ask for fewer; look at taints, affinity and quotas",
    "kubectl describe nodes"};
constexpr Advice kImage{"worker-pod-not-running",
                        Severity::Error,
                        "cannot pull its image",
                        "The container never started.",
                        "Check name, tag and pull secret of the image",
                        ""};
constexpr Advice kConfig{
    "worker-pod-not-running",
    Severity::Error,
    "has a container that cannot be created",
    "The container never started.",
    "Correct what the message names (securityContext, secret, config map, volume)",
    ""};
constexpr Advice kStart{"worker-pod-not-running",
                        Severity::Error,
                        "has a container that cannot be started",
                        "The runtime failed before the program began.",
                        "Check command, mounts and runtime class",
                        ""};
constexpr Advice kGpuStart{"gpu-not-visible",
                           Severity::Error,
                           "cannot start: the NVIDIA container runtime fails",
                           "The node's driver does not answer the runtime's hook.",
                           "Check the driver on that node",
                           "nvidia-smi; dmesg | grep -i nvrm"};
constexpr Advice kOom{
    "host-memory-oom",
    Severity::Error,
    "was killed for using more memory than its limit",
    "The kernel killed the process at the container's memory limit (exit code 137, OOMKilled).",
    "Raise resources.limits.memory, or load the model with less host memory; /dev/shm counts too",
    ""};
constexpr Advice kCrash{
    "worker-pod-not-running",
    Severity::Error,
    "keeps crashing",
    "The server ends with an error after each start; its previous log says why.",
    "Read the log of the instance that ended",
    "kubectl logs --previous POD"};
constexpr Advice kFailed{"worker-pod-not-running",
                         Severity::Error,
                         "has failed",
                         "The server ended with an error and is not started again.",
                         "Read its log",
                         "kubectl logs POD"};
constexpr Advice kEvicted{
    "terminated-from-outside",
    Severity::Error,
    "was evicted by its node",
    "The node ran short of a resource and ended the pod; the other ranks lose their peer.",
    "Give the pod requests for that resource, or more of it to the node",
    ""};
constexpr Advice kUnhealthyGpu{
    "gpu-hardware-fault",
    Severity::Error,
    "was refused by its node: no healthy GPU",
    "The device plugin reports GPUs of the node as unhealthy (Xid, ECC, driver).",
    "Check the node's GPUs",
    "nvidia-smi -q; dmesg | grep -i xid"};
constexpr Advice kRefused{"worker-pod-not-running",  Severity::Error,
                          "was refused by its node", "The kubelet did not admit the pod.",
                          "Read the message",        ""};
constexpr Advice kPreempted{"terminated-from-outside",
                            Severity::Error,
                            "is ended to make room for another pod",
                            "The scheduler preempts it; the other ranks lose their peer.",
                            "Use a higher priority or a non-preemptible workload",
                            ""};
constexpr Advice kTerminating{
    "terminated-from-outside",
    Severity::Warning,
    "is being deleted",
    "Somebody or a controller deletes it; the other ranks lose their peer.",
    "See who deleted it",
    "kubectl get events"};
constexpr Advice kNodeLost{"node-lost",
                           Severity::Error,
                           "is on a node that no longer answers",
                           "The node is down, cut off or its kubelet died.",
                           "Check the node",
                           "kubectl get node NODE"};
constexpr Advice kInit{"worker-pod-not-running",
                       Severity::Error,
                       "has an init container that fails",
                       "The server starts only after all init containers have ended well.",
                       "Read the init container's log",
                       "kubectl logs POD -c CONTAINER --previous"};
constexpr Advice kCreating{
    "worker-pod-not-running",
    Severity::Warning,
    "is still being created",
    "A volume is attached, a network set up or an image pulled; normal for some minutes.",
    "Look at its events",
    "kubectl describe pod POD"};
constexpr Advice kMount{"worker-pod-not-running",
                        Severity::Error,
                        "cannot be created",
                        "The node cannot set up what the pod needs.",
                        "Correct what the event names",
                        "kubectl describe pod POD"};
constexpr Advice kNotReady{
    "pod-not-ready",
    Severity::Warning,
    "runs but is not ready",
    "Its readiness probe does not succeed: the server loads, waits for peers or hangs.",
    "Read its log",
    "kubectl logs POD"};
constexpr Advice kKilledByProbe{
    "slow-start-exceeds-timeout",
    Severity::Error,
    "was ended by its own probe",
    "A liveness or startup probe gave up before the server was ready; loading a large model takes "
    "minutes.",
    "Use a startupProbe with failureThreshold x periodSeconds above the load time",
    ""};

const EventInfo* event_with(const PodData& data, std::initializer_list<std::string_view> reasons) {
  const EventInfo* last = nullptr;
  for (const EventInfo& e : data.events) {
    if (std::find(reasons.begin(), reasons.end(), e.reason) != reasons.end() &&
        (!last || last->last_seen < e.last_seen))
      last = &e;
  }
  return last;
}

/// The exit that a crashing container is known by: the last one.
const ContainerExit* last_exit(const ContainerInfo& c) {
  return c.ended ? &*c.ended : c.before ? &*c.before : nullptr;
}

bool is_crashing(const ContainerInfo& c) {
  if (c.state == State::Ended) return c.ended->exit_code != 0;
  return c.state == State::Waiting && c.before && c.before->exit_code != 0;
}

class PodJudge {
 public:
  explicit PodJudge(const PodData& data) : data_(data), pod_(data.pod) {}

  std::vector<Finding> findings() {
    if (whole_pod()) return std::move(out_);
    for (const ContainerInfo& c : pod_.containers) container(c);
    if (out_.empty() && pod_.phase == "Running" && !pod_.ready) {
      const auto* unhealthy = event_with(data_, {"Unhealthy"});
      add(kNotReady, unhealthy ? unhealthy->message : "");
    }
    return std::move(out_);
  }

 private:
  /// States of the pod as such; true when nothing more is to be said.
  bool whole_pod() {
    if (pod_.reason == "NodeLost" || (pod_.deleting && pod_.phase == "Unknown"))
      return add(kNodeLost, pod_.message);
    if (!pod_.disrupted.empty() && holds(pod_.disrupted, "reempt"))
      return add(kPreempted, pod_.disrupted);
    if (pod_.deleting) return add(kTerminating, pod_.disrupted);
    if (pod_.reason == "Evicted") return add(kEvicted, pod_.message);
    if (pod_.reason == "UnexpectedAdmissionError")
      return add(holds(pod_.message, "unhealthy devices") ? kUnhealthyGpu : kRefused, pod_.message);
    if (pod_.phase == "Failed" && !pod_.reason.empty())
      return add(kRefused, pod_.reason + ": " + pod_.message);
    if (pod_.phase == "Pending" && pod_.node.empty()) {
      const auto* event = event_with(data_, {"FailedScheduling"});
      return add(kUnschedulable, !pod_.not_scheduled.empty() ? pod_.not_scheduled
                                 : event                     ? event->message
                                                             : "no scheduler has looked at it yet");
    }
    return false;
  }

  void container(const ContainerInfo& c) {
    if (c.kind == ContainerInfo::Kind::Ephemeral) return;
    const ContainerExit* exit = last_exit(c);
    if (is_crashing(c)) return crashing(c, *exit);
    if (c.kind == ContainerInfo::Kind::Init) {
      if (c.state == State::Waiting && c.reason != "PodInitializing" && !c.reason.empty())
        waiting(c);
      return;
    }
    if (c.state == State::Waiting) return waiting(c);
    if (c.state == State::Ended) return;  // exit code 0
    if (c.restarts > 0 && exit && exit->exit_code != 0) restarted(c, *exit);
  }

  void crashing(const ContainerInfo& c, const ContainerExit& exit) {
    const std::string detail =
        fmt::format("container {}: {}, {} restarts{}", c.name, exit_text(exit), c.restarts,
                    exit.message.empty() ? "" : ": " + exit.message);
    const auto* killed = event_with(data_, {"Killing"});
    if (c.kind == ContainerInfo::Kind::Init) return static_cast<void>(add(kInit, detail));
    if (exit.reason == "OOMKilled") return static_cast<void>(add(kOom, detail));
    if (exit.reason == "StartError" || exit.reason == "ContainerCannotRun" ||
        c.reason == "RunContainerError") {
      return static_cast<void>(
          add(holds(exit.message, "nvidia-container") || holds(exit.message, "nvml") ? kGpuStart
                                                                                     : kStart,
              detail));
    }
    if (killed && holds(killed->message, "probe"))
      return static_cast<void>(add(kKilledByProbe, killed->message));
    add(pod_.phase == "Failed" ? kFailed : kCrash, detail);
  }

  void waiting(const ContainerInfo& c) {
    const std::string detail = fmt::format("container {}: {}{}", c.name, c.reason,
                                           c.message.empty() ? "" : ": " + c.message);
    if (holds(c.reason, "ImagePull") || holds(c.reason, "InvalidImageName") ||
        c.reason == "ErrImageNeverPull" || c.reason == "RegistryUnavailable") {
      add(kImage, detail);
    } else if (c.reason == "CreateContainerConfigError" || c.reason == "CreateContainerError") {
      add(kConfig, detail);
    } else if (c.reason == "RunContainerError") {
      add(holds(c.message, "nvidia-container") ? kGpuStart : kStart, detail);
    } else if (c.reason == "PodInitializing") {
      return;  // the init container tells
    } else if (const auto* event =
                   event_with(data_, {"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox",
                                      "FailedMapVolume"})) {
      add(kMount, event->reason + ": " + event->message);
    } else if (c.reason == "CrashLoopBackOff") {
      add(kCrash, detail);
    } else {
      add(kCreating, detail);
    }
  }

  /// It runs again, but did end before.
  void restarted(const ContainerInfo& c, const ContainerExit& exit) {
    Advice advice = exit.reason == "OOMKilled" ? kOom : kCrash;
    if (exit.reason != "OOMKilled")
      advice.id = "rank-process-died", advice.says = "has been restarted";
    advice.severity = Severity::Warning;
    add(advice, fmt::format("container {}: {} restarts, last {} at {}", c.name, c.restarts,
                            exit_text(exit), exit.finished_at));
    out_.back().role = Role::Contributing;
  }

  bool add(const Advice& a, const std::string& detail) {
    Finding f;
    f.id = a.id;
    f.role = Role::RootCause, f.severity = a.severity, f.confidence = Confidence::Certain,
    f.layer = Layer::Orchestrator;
    f.title = fmt::format("{} {}", pod_.name, a.says);
    f.cause = a.cause;
    Where w;
    w.pod = pod_.name, w.host = pod_.node;
    f.where = {w};
    if (!detail.empty()) f.evidence.push_back({"pod " + pod_.ns + "/" + pod_.name, 0, detail, 0});
    std::string command(a.command);
    f.fix = {{"kubernetes", std::string(a.fix),
              replace_all(replace_all(command, "NODE", pod_.node), "POD",
                          "-n " + pod_.ns + " " + pod_.name)}};
    out_.push_back(std::move(f));
    return true;
  }

  const PodData& data_;
  const PodInfo& pod_;
  std::vector<Finding> out_;
};

}  // namespace

std::string exit_text(const ContainerExit& exit) {
  struct Meaning {
    int code;
    std::string_view text;
  };
  constexpr std::array<Meaning, 9> kMeanings = {{{126, "not executable"},
                                                 {127, "program not found"},
                                                 {128, "never started"},
                                                 {132, "SIGILL"},
                                                 {134, "abort"},
                                                 {135, "SIGBUS, often a full /dev/shm"},
                                                 {137, "SIGKILL"},
                                                 {139, "segmentation fault"},
                                                 {143, "SIGTERM"}}};
  std::string out = fmt::format("exit code {}", exit.exit_code);
  for (const Meaning& m : kMeanings) {
    if (m.code == exit.exit_code) out += fmt::format(" ({})", m.text);
  }
  if (!exit.reason.empty() && exit.reason != "Error") out += ", " + exit.reason;
  return out;
}

PodCell state_cell(const PodInfo& pod) {
  std::string word = status_word(pod);
  int restarts = 0;
  for (const ContainerInfo& c : pod.containers)
    restarts += c.kind == ContainerInfo::Kind::Main ? c.restarts : 0;
  const bool running = pod.phase == "Running" && word == "Running";
  CheckStatus status = CheckStatus::Failed;
  if (running && pod.ready)
    status = CheckStatus::Ok;
  else if (running || word == "Terminating" || word == "ContainerCreating" ||
           word == "PodInitializing" || word.starts_with("Init:0/") || word == "Init:1/2")
    status = CheckStatus::Warning;
  else if (word == "Completed" || word == "Succeeded")
    status = CheckStatus::Ok;
  if (running && !pod.ready) word = "not ready";
  if (pod.reason == "Evicted") word = pod.reason;  // kubectl shows how its containers ended
  if (!pod.disrupted.empty() && pod.deleting) status = CheckStatus::Failed, word = "Preempted";
  if (restarts > 0) word += fmt::format(" ({} restarts)", restarts);
  return {status, word};
}

std::vector<Finding> pod_findings(const PodData& data) { return PodJudge(data).findings(); }

}  // namespace rankdx
