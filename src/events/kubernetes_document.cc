#include "events/kubernetes_document.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "events/kubernetes/parse.h"

namespace rankdx {
namespace {

using kubernetes::Node;
using std::string_view;

/// Events of type Normal that end or hold up a pod. Sorted.
constexpr std::array<string_view, 9> kTellingEvents = {
    "Evicted",   "Killing",    "NodeNotReady", "NotTriggerScaleUp",   "OOMKilling",
    "Preempted", "Preempting", "SystemOOM",    "TaintManagerEviction"};

/// An event, and what shows that it was overcome.
struct Settled {
  string_view reason;
  std::array<string_view, 4> by;
};
constexpr Settled kSettled[] = {
    {"FailedScheduling", {"Scheduled"}},
    {"NotTriggerScaleUp", {"Scheduled", "TriggeredScaleUp"}},
    {"FailedMount", {"Pulling", "Pulled", "Created", "Started"}},
    {"FailedAttachVolume", {"SuccessfulAttachVolume", "Pulled", "Created", "Started"}},
    {"FailedCreatePodSandBox", {"Pulling", "Pulled", "Created", "Started"}},
    {"Failed", {"Pulled", "Started"}},
    {"BackOff", {"Pulled"}},
};

struct EventSeen {
  uint64_t line = 0;
  std::string object, reason, time, text;
};

class Writer {
 public:
  void object(const Node& o) {
    const std::string& kind = o["kind"].value;
    if (kind == "Pod") pod(o);
    if (kind == "Node") node(o);
    if (kind == "Event") event(o);
  }

  std::vector<SaidLine> take() {
    for (EventSeen& e : events_) {
      if (!is_settled(e)) say(e.line, std::move(e.text));
    }
    std::stable_sort(lines_.begin(), lines_.end(),
                     [](const SaidLine& a, const SaidLine& b) { return a.line < b.line; });
    return std::move(lines_);
  }

 private:
  void say(uint64_t line, std::string text) {
    for (char& c : text) {
      if (c == '\n' || c == '\r') c = ' ';
    }
    lines_.push_back({line, std::move(text)});
  }

  static std::string prefix(string_view pod, string_view part) {
    return "[pod/" + std::string(pod) + "/" + std::string(part) + "] ";
  }

  void pod(const Node& o) {
    const std::string& name = o["metadata"]["name"].value;
    const Node& status = o["status"];
    const std::string whole = prefix(name, "pod");
    if (const Node& reason = status["reason"]; !reason.value.empty()) {
      say(reason.line, whole + "Status: " + status["phase"].value + ", Reason: " + reason.value +
                           message_of(status));
    }
    for (const Node& condition : status["conditions"].items) pod_condition(condition, whole);
    for (string_view list : {"initContainerStatuses", "containerStatuses"}) {
      for (const Node& c : status[list].items) container(c, name);
    }
    for (string_view list : {"initContainers", "containers"}) {
      for (const Node& c : o["spec"][list].items) sidecar(c, name);
    }
  }

  void pod_condition(const Node& c, const std::string& whole) {
    const std::string &type = c["type"].value, &state = c["status"].value;
    const bool unscheduled = type == "PodScheduled" && state == "False";
    const bool disrupted = type == "DisruptionTarget" && state == "True";
    if (!unscheduled && !disrupted) return;
    const std::string word = unscheduled ? "FailedScheduling" : "DisruptionTarget";
    say(c.line, whole + "Warning " + word + ", Reason: " + c["reason"].value + message_of(c));
  }

  void container(const Node& c, const std::string& pod) {
    const std::string at = prefix(pod, c["name"].value);
    const std::string restarts = c["restartCount"].value;
    const Node& waiting = c["state"]["waiting"];
    const std::string& reason = waiting["reason"].value;
    // What every pod passes through while it starts.
    if (!reason.empty() && reason != "ContainerCreating" && reason != "PodInitializing") {
      say(waiting["reason"].line, at + "State: Waiting, Reason: " + reason + message_of(waiting));
    }
    terminated(c["state"]["terminated"], at, "State", restarts);
    terminated(c["lastState"]["terminated"], at, "Last State", restarts);
  }

  void terminated(const Node& t, const std::string& at, string_view which,
                  const std::string& restarts) {
    const std::string &reason = t["reason"].value, &code = t["exitCode"].value;
    if (t.is_empty() || (code == "0" && reason != "OOMKilled")) return;
    std::string text =
        at + std::string(which) + ": Terminated, Reason: " + reason + ", Exit Code: " + code;
    if (!restarts.empty() && restarts != "0") text += ", Restart Count: " + restarts;
    say(t["exitCode"].line, std::move(text));
    // With terminationMessagePolicy FallbackToLogsOnError these are the container's last lines.
    const Node& message = t["message"];
    for (string_view line : split(message.value, '\n')) {
      if (!trim(line).empty()) say(message.line, at + std::string(line));
    }
  }

  void sidecar(const Node& c, const std::string& pod) {
    const std::string &name = c["name"].value, &image = c["image"].value;
    for (string_view word :
         {"istio-proxy", "istio/proxyv2", "linkerd-proxy", "consul-dataplane", "kuma-sidecar"}) {
      if (name == word || image.find(word) != std::string::npos) {
        say(c["name"].line, prefix(pod, name) + "Container " + std::string(word) + " in the pod");
        return;
      }
    }
  }

  void node(const Node& o) {
    const std::string name = "Node " + o["metadata"]["name"].value + ": ";
    for (const Node& c : o["status"]["conditions"].items) {
      const std::string &type = c["type"].value, &state = c["status"].value;
      if (type == "Ready" && !state.empty() && state != "True")
        say(c.line, name + "NodeNotReady, Reason: " + c["reason"].value + message_of(c));
      if (type.ends_with("Pressure") && state == "True") say(c.line, name + type + message_of(c));
    }
  }

  void event(const Node& o) {
    const Node& about = o["involvedObject"].is_empty() ? o["regarding"] : o["involvedObject"];
    const Node& message = o["message"].is_empty() ? o["note"] : o["message"];
    EventSeen e;
    e.line = o["reason"].line;
    e.reason = o["reason"].value;
    e.object = about["kind"].value + "/" + about["namespace"].value + "/" + about["name"].value;
    for (string_view field : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
      if (e.time.empty()) e.time = o[field].value;
    }
    happened_[{e.object, e.reason}] = std::max(happened_[{e.object, e.reason}], e.time);
    const bool telling = o["type"].value == "Warning" ||
                         std::binary_search(kTellingEvents.begin(), kTellingEvents.end(), e.reason);
    if (!telling) return;
    const std::string who =
        about["kind"].value == "Pod" ? prefix(about["name"].value, "pod") : e.object + ": ";
    e.text = who + o["type"].value + "  " + e.reason + "  " + message.value;
    events_.push_back(std::move(e));
  }

  /// RFC 3339 stamps of one cluster are in UTC: they compare as text.
  bool is_settled(const EventSeen& e) const {
    for (const Settled& s : kSettled) {
      if (s.reason != e.reason) continue;
      for (string_view by : s.by) {
        const auto found = happened_.find({e.object, std::string(by)});
        if (!by.empty() && found != happened_.end() && found->second >= e.time) return true;
      }
    }
    return false;
  }

  static std::string message_of(const Node& n) {
    const std::string& message = n["message"].value;
    return message.empty() ? "" : ", Message: " + message;
  }

  std::vector<SaidLine> lines_;
  std::vector<EventSeen> events_;
  std::map<std::pair<std::string, std::string>, std::string> happened_;
};

bool names_kubernetes(string_view head) {
  const bool json = head.find("\"apiVersion\"") != head.npos && head.find("\"kind\"") != head.npos;
  const bool list = head.find("\"items\"") != head.npos && head.find("\"apiVersion\"") != head.npos;
  return json || list;
}

}  // namespace

DocumentForm kubernetes_form(string_view head) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  while (!head.empty() && is_space(head.front())) head.remove_prefix(1);
  if (head.starts_with('{'))
    return names_kubernetes(head) ? DocumentForm::Json : DocumentForm::None;
  if (head.starts_with("---\n")) head.remove_prefix(4);
  if (!head.starts_with("apiVersion:")) return DocumentForm::None;
  const bool object = head.find("\nkind:") != head.npos || head.find("\nitems:") != head.npos;
  return object ? DocumentForm::Yaml : DocumentForm::None;
}

std::vector<SaidLine> read_kubernetes(string_view document, DocumentForm form) {
  Writer writer;
  kubernetes::TreeBuilder tree([&](const Node& object) { writer.object(object); });
  document = document.substr(0, kMaxKubernetesDocument);
  if (form == DocumentForm::Json) kubernetes::parse_json(document, tree);
  if (form == DocumentForm::Yaml) kubernetes::parse_yaml(document, tree);
  tree.finish();
  return writer.take();
}

std::string kubernetes_as_log(string_view document, DocumentForm form) {
  std::string log;
  uint64_t line = 1;
  const std::vector<SaidLine> all = read_kubernetes(document, form);
  if (all.empty()) {
    // Nothing to say is no empty log, and no unknown one.
    log = "Kubernetes objects, none of which tells of trouble\n";
    ++line;
  }
  for (const SaidLine& said : all) {
    for (; line < said.line; ++line) log += '\n';
    log += said.text;
    log += '\n';
    ++line;
  }
  const auto lines = static_cast<uint64_t>(std::count(document.begin(), document.end(), '\n'));
  for (; line <= lines; ++line) log += '\n';
  return log;
}

}  // namespace rankdx
