#include "events/kubernetes_document.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rankdx {
namespace {

const char* const kPods = R"({
    "apiVersion": "v1",
    "items": [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "annotations": {"note": "ImagePullBackOff SECRET-1"},
                "name": "llm-0-1"
            },
            "spec": {
                "containers": [{"name": "vllm", "env": [{"name": "HF_TOKEN", "value": "SECRET-2"}]}]
            },
            "status": {
                "containerStatuses": [
                    {
                        "lastState": {"terminated": {
                            "exitCode": 137,
                            "reason": "OOMKilled"
                        }},
                        "name": "vllm",
                        "restartCount": 3,
                        "state": {"waiting": {"message": "back-off 40s", "reason": "CrashLoopBackOff"}}
                    }
                ],
                "phase": "Running"
            }
        },
        {"kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "SECRET-3"}}
    ],
    "kind": "List"
}
)";

std::string told(std::string_view document) {
  std::string all;
  for (const SaidLine& s : read_kubernetes(document, kubernetes_form(document)))
    all += std::to_string(s.line) + " " + s.text + "\n";
  return all;
}

TEST(KubernetesDocument, PodsAsJson) {
  EXPECT_EQ(told(kPods),
            "18 [pod/llm-0-1/vllm] Last State: Terminated, Reason: OOMKilled, Exit Code: 137, "
            "Restart Count: 3\n"
            "23 [pod/llm-0-1/vllm] State: Waiting, Reason: CrashLoopBackOff, Message: back-off "
            "40s\n");
}

TEST(KubernetesDocument, SecretsStayInside) {
  EXPECT_EQ(told(kPods).find("SECRET"), std::string::npos);
}

TEST(KubernetesDocument, CutAnywhereNeverMoreThanTheWhole) {
  const std::string whole = told(kPods);
  const std::string_view text = kPods;
  for (size_t size = 0; size < text.size(); ++size) {
    const std::string part = told(text.substr(0, size));
    EXPECT_LE(part.size(), whole.size()) << size;
    EXPECT_EQ(part.find("SECRET"), std::string::npos) << size;
  }
  // The pod's status is read although the document ends behind it.
  const size_t cut = text.find("\"phase\"");
  EXPECT_EQ(told(text.substr(0, cut)), whole);
}

TEST(KubernetesDocument, PodsAsYaml) {
  EXPECT_EQ(told("apiVersion: v1\n"
                 "items:\n"
                 "- apiVersion: v1\n"
                 "  kind: Pod\n"
                 "  metadata:\n"
                 "    name: llm-0\n"
                 "  status:\n"
                 "    conditions:\n"
                 "    - message: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.'\n"
                 "      reason: Unschedulable\n"
                 "      status: \"False\"\n"
                 "      type: PodScheduled\n"
                 "    phase: Pending\n"
                 "kind: List\n"),
            "9 [pod/llm-0/pod] Warning FailedScheduling, Reason: Unschedulable, Message: 0/3 nodes "
            "are available: 3 Insufficient nvidia.com/gpu.\n");
}

std::string event(const char* pod, const char* type, const char* reason, const char* time,
                  const char* message) {
  return std::string("{\"kind\":\"Event\",\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"") + pod +
         "\"},\"type\":\"" + type + "\",\"reason\":\"" + reason + "\",\"lastTimestamp\":\"" + time +
         "\",\"message\":\"" + message + "\"}";
}

TEST(KubernetesDocument, EventsThatPassedAreLeftOut) {
  const std::string list =
      "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[" +
      event("a", "Warning", "FailedScheduling", "2026-10-02T08:00:00Z", "0/3 nodes") + "," +
      event("b", "Warning", "FailedScheduling", "2026-10-02T08:00:00Z", "0/3 nodes") + "," +
      event("a", "Normal", "Scheduled", "2026-10-02T08:01:00Z", "assigned") + "]}";
  EXPECT_EQ(told(list), "1 [pod/b/pod] Warning  FailedScheduling  0/3 nodes\n");
}

TEST(KubernetesDocument, OtherTextsAreNone) {
  for (const char* head : {"", "{", "{\"level\":\"info\"}", "apiVersion: v1", "kind: Pod\n",
                           "2026-10-02 INFO", "- a\n- b\n"})
    EXPECT_EQ(kubernetes_form(head), DocumentForm::None) << head;
}

TEST(KubernetesDocument, DeepNestingIsBounded) {
  std::string deep = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"status\":";
  for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
  EXPECT_EQ(told(deep), "");
  std::string yaml = "apiVersion: v1\nkind: Pod\nstatus: ";
  for (int i = 0; i < 5000; ++i) yaml += "[";
  EXPECT_EQ(told(yaml), "");
}

TEST(KubernetesDocument, LogKeepsTheLines) {
  const std::string log = kubernetes_as_log(kPods, DocumentForm::Json);
  EXPECT_EQ(std::count(log.begin(), log.begin() + static_cast<long>(log.find("Last State")), '\n'),
            17);
}

}  // namespace
}  // namespace rankdx
