#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "cluster/api_text.h"
#include "cluster/inside.h"
#include "cluster/judge.h"
#include "cluster/network_policy.h"

namespace rankdx {
namespace {

std::string recorded(const std::string& name) {
  std::ifstream in(std::string(RANKDX_SOURCE_DIR) + "/tests/cluster/" + name, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// "id: title" of what is found about one pod of the real node.
std::string found(const PodInfo& pod, const std::vector<EventInfo>& events) {
  PodData d;
  d.pod = pod;
  for (const EventInfo& e : events) {
    if (e.name == pod.name) d.events.push_back(e);
  }
  std::string out;
  for (const Finding& f : pod_findings(d))
    out += (out.empty() ? "" : "; ") + f.id + ": " + f.title.substr(pod.name.size() + 1);
  return out.empty() ? "-" : out;
}

TEST(Judge, pods_of_a_real_node) {
  const auto pods = parse_pods(recorded("pods-real-1.20.2.json"));
  const auto events = parse_events(recorded("events-real-1.20.2.json"));
  ASSERT_TRUE(pods && events);
  std::string got;
  for (const PodInfo& p : *pods)
    got += p.name + " [" + state_cell(p).value + "] " + found(p, *events) + "\n";
  EXPECT_EQ(
      got,
      R"(r-cfg [CreateContainerConfigError] worker-pod-not-running: has a container that cannot be created
r-cm [CreateContainerConfigError] worker-pod-not-running: has a container that cannot be created
r-crash [Error (4 restarts)] worker-pod-not-running: keeps crashing
r-done [Completed] -
r-fail [Error] worker-pod-not-running: has failed
r-gpu [Pending] worker-pod-not-running: cannot be scheduled
r-init [Init:Error] worker-pod-not-running: has an init container that fails
r-long [Running] -
r-mount [ContainerCreating] worker-pod-not-running: cannot be created
r-oom [OOMKilled (4 restarts)] host-memory-oom: was killed for using more memory than its limit
r-pull [ImagePullBackOff] worker-pod-not-running: cannot pull its image
r-run [Running] -
r-sec [ContainerCreating] worker-pod-not-running: cannot be created
r-start [RunContainerError (4 restarts)] worker-pod-not-running: has a container that cannot be started
r-uae [Running] -
)");
}

TEST(Judge, events_of_the_scheduler_have_no_count) {
  const auto events = parse_events(recorded("events-real-1.20.2.json"));
  ASSERT_TRUE(events);
  for (const EventInfo& e : *events) {
    EXPECT_GE(e.count, 1) << e.reason;
    EXPECT_FALSE(e.last_seen.empty()) << e.reason;
  }
}

struct ExecCase {
  const char* status;
  ExecEnd end;
  int code;
};

TEST(ApiText, ends_of_exec) {
  const std::vector<ExecCase> cases = {
      {R"({"metadata":{},"status":"Success"})", ExecEnd::Exited, 0},
      {R"({"status":"Failure","message":"command terminated with non-zero exit code: exit status 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}})",
       ExecEnd::Exited, 7},
      {R"({"status":"Failure","message":"Internal error occurred: error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: exec: \"x\": executable file not found in $PATH: unknown","reason":"InternalError"})",
       ExecEnd::NoProgram, -1},
      {"garbage", ExecEnd::Failed, -1}};
  for (const ExecCase& c : cases) {
    ExecReply reply;
    end_exec(reply, c.status);
    EXPECT_EQ(reply.end, c.end) << c.status;
    EXPECT_EQ(reply.exit_code, c.code) << c.status;
  }
  const std::vector<std::pair<std::string, ExecEnd>> by_kubectl = {
      {"command terminated with exit code 1\n", ExecEnd::Exited},
      {"Error from server (Forbidden): pods \"a\" is forbidden: User \"u\" cannot create resource "
       "\"pods/exec\"\n",
       ExecEnd::Forbidden},
      {"Error from server: error dialing backend: dial tcp 10.0.0.11:10250: connect: connection "
       "refused\n",
       ExecEnd::Unreachable},
      {"error: unable to upgrade connection: container not found (\"vllm\")\n",
       ExecEnd::NoContainer},
      {"E1122 10:53:28.633164   20509 v2.go:150] \"Unhandled Error\"\nerror: error reading from "
       "error stream: next reader: read tcp 1.1.1.1:1: connection reset by peer\n",
       ExecEnd::Cut}};
  for (const auto& [err, end] : by_kubectl) {
    ExecReply reply;
    reply.err = err;
    end_kubectl_exec(reply, 1);
    EXPECT_EQ(reply.end, end) << err << reply.message;
  }
}

TEST(ApiText, what_kubectl_says) {
  EXPECT_EQ(kubectl_failure("Error from server (Forbidden): pods is forbidden\n").status, 403);
  EXPECT_EQ(kubectl_failure("Error from server (Expired): too old\n").status, 410);
  EXPECT_EQ(kubectl_failure("Unable to connect to the server: dial tcp: i/o timeout\n").status, 0);
  EXPECT_EQ(
      no_server("dial tcp 127.0.0.1:8080: connect: connection refused http://localhost:8080/api")
          .text.substr(0, 24),
      "there is no kubeconfig, ");
  EXPECT_EQ(url_part("a=b,c in (d)"), "a%3Db%2Cc%20in%20%28d%29");
}

TEST(Inside, what_the_script_prints) {
  Inside in;
  parse_inside(
      "@@id\nuid=2000 gid=0(root)\n@@gpus\n0, NVIDIA H100, GPU-1, 512, 81559\nbroken\n@@gpusrc "
      "0\n@@shm\nFilesystem x\nshm 65536 10 65526 1% /dev/shm\n@@limits\nMax locked memory 8388608 "
      "8388608 bytes\n@@env 17\nNCCL_DEBUG=INFO\n@@model\nunreadable /m/a\nfiles 3\n@@end\n",
      in);
  EXPECT_TRUE(in.ran);
  EXPECT_EQ(in.uid, 2000);
  ASSERT_TRUE(in.gpus && in.gpus->size() == 1u);
  EXPECT_EQ((*in.gpus)[0].total_mib, 81559);
  EXPECT_EQ(in.gpu_problem, "broken");
  EXPECT_EQ(in.shm_kib, 65536);
  EXPECT_EQ(in.memlock, "8388608");
  EXPECT_EQ(in.env_of, "process 17");
  EXPECT_FALSE(in.model_exists);
  EXPECT_EQ(in.model_problem, "/m/a cannot be read by this user");
  EXPECT_EQ(model_path_of({"sh", "-c"}, {"exec vllm serve '/models/x' --tp 2"}), "/models/x");
  EXPECT_EQ(model_path_of({}, {"--model=/m"}), "/m");
  EXPECT_EQ(model_path_of({"vllm", "serve", "org/name"}, {}), "");
}

PodInfo labelled(const std::string& name, const std::string& ip) {
  PodInfo p;
  p.name = name, p.ip = ip, p.labels["app"] = "vllm";
  return p;
}

TEST(NetworkPolicy, what_cuts_the_group) {
  struct Case {
    const char* spec;
    const char* expected;
  };
  const std::vector<Case> cases = {
      {R"({"podSelector":{}})", "ingress nothing"},
      {R"({"podSelector":{"matchLabels":{"app":"other"}}})", "-"},
      {R"({"podSelector":{},"ingress":[{}]})", "-"},
      {R"({"podSelector":{},"ingress":[{"from":[{"podSelector":{"matchLabels":{"app":"vllm"}}}]}]})",
       "-"},
      {R"({"podSelector":{},"ingress":[{"from":[{"podSelector":{}}],"ports":[{"port":29500},{"port":"http"}]}]})",
       "ingress TCP 29500, TCP http"},
      {R"({"podSelector":{},"ingress":[{"ports":[{"port":1024,"endPort":65535}]}]})", "-"},
      {R"({"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.244.0.0/16"}}]}]})", "-"},
      {R"({"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.244.0.0/16","except":["10.244.2.0/24"]}}]}]})",
       "ingress nothing"},
      {R"({"podSelector":{},"policyTypes":["Egress"]})", "egress nothing"},
      {R"({"podSelector":{"matchExpressions":[{"key":"app","operator":"NotIn","values":["vllm"]}]}})",
       "-"}};
  const std::vector<PodInfo> pods = {labelled("a", "10.244.1.15"), labelled("b", "10.244.2.21")};
  for (const Case& c : cases) {
    const auto cuts =
        policy_cuts({std::string(R"([{"metadata":{"name":"p"},"spec":)") + c.spec + "}]"}, pods);
    ASSERT_TRUE(cuts);
    EXPECT_EQ(cuts->empty() ? "-" : cuts->front().direction + " " + cuts->front().allowed,
              c.expected)
        << c.spec;
  }
}

}  // namespace
}  // namespace rankdx
