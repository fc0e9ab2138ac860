// What a launch says, whatever it is written in: groups of processes that make one server, with the
// place of every word. Filled by the readers (read_*.cc), judged by the rules (rules_*.cc). Values;
// the SourceText outlives them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launch/document/text.h"

namespace rankdx {
struct VllmFlag;
}

namespace rankdx::lint {

/// A word of the launch. `dynamic`: only known when it runs ($TP, valueFrom).
struct Text {
  std::string text;
  Span span;
  bool dynamic = false;
  explicit operator bool() const { return span.end > span.begin || !text.empty() || dynamic; }
};

/// How the things of one list are written, so that one can be added, changed or taken out.
enum class Form : uint8_t {
  None,         ///< not by a program: nothing is changed
  ShellWords,   ///< words of a command; also inside a YAML text
  BlockList,    ///< "- item" lines
  FlowList,     ///< [a, b]
  RunaiFlag,    ///< -e NAME=value of runai
  ShellExport,  ///< export NAME=value, or NAME=value in front of a command
  BlockMap,     ///< NAME: value lines
  DumpLine
};

struct EnvVar {
  std::string name;
  Span name_span;
  Text value;
  Span whole;  ///< what is taken out with it
  Form form = Form::None;
  bool from_reference = false;  ///< of a Secret, a ConfigMap or a field
  bool own_of_pod = false;      ///< of a field of the pod: differs from pod to pod
  bool yaml_number = false;     ///< written without quotes where Kubernetes wants text
};

struct Flag {
  std::string written;              ///< "-tp", "--tensor_parallel_size"
  const VllmFlag* known = nullptr;  ///< of the catalogue
  Span span;                        ///< of the flag's own word
  std::optional<Text> value;
  bool joined = false;  ///< --flag=value
  Span whole;           ///< with its value
};

/// One vLLM server command.
struct Serve {
  Span span;  ///< where the command begins
  Span end;   ///< the last word: behind it flags can be added
  Form form = Form::None;
  Text model;
  std::vector<Flag> flags;
  std::vector<EnvVar> env;     ///< set for this command by the shell around it
  int branch = 0;              ///< stands in an if, a case or a loop
  bool unknown_words = false;  ///< holds an expansion that may add flags
};

struct RayStart {
  Span span;
  bool head = false, block = false;
  std::vector<EnvVar> env;
};

struct Probe {
  Span span;
  int64_t initial_delay_s = 0, period_s = 10, failures = 3;
  bool http = false, tcp = false, exec = false;
  std::string path;
  Text port;
};

enum class Role : uint8_t { Any, Leader, Worker };
enum class Known : uint8_t { Unknown, No, Yes };

struct Mount {
  std::string volume, path;
  bool read_only = false;
};

struct Container {
  std::string name;
  Span span;
  Role role = Role::Any;
  Text image;
  std::vector<EnvVar> env;
  bool more_env = false;  ///< envFrom, env_file: variables that stand elsewhere
  std::vector<Serve> serves;
  std::vector<RayStart> rays;
  bool other_program = false;  ///< runs something that is not read here
  std::optional<Text> gpus;
  std::optional<int64_t> gpu_count;
  Known shm = Known::Unknown;        ///< a /dev/shm of its own
  std::optional<int64_t> shm_bytes;  ///< where it has a limit
  Span shm_span;
  Known rdma = Known::Unknown, ipc_lock = Known::Unknown;
  Span rdma_span;
  bool privileged = false;
  std::optional<Probe> startup, readiness, liveness;
  std::optional<int64_t> run_as_user;
  Span run_as_user_span;
  std::vector<Mount> mounts;
  std::vector<Text> ports;  ///< declared container ports
  Span add_env;             ///< where another variable can be written; {0, 0} unknown
  Form env_form = Form::None;
};

enum class GroupKind : uint8_t {
  Pod,
  Deployment,
  StatefulSet,
  Job,
  LeaderWorkerSet,
  RayCluster,
  Runai,
  Compose,
  Slurm,
  Docker,
  Script,
  Environment
};

/// Processes that belong together: one LWS, one runai workload, one sbatch job, one pod.
struct Group {
  GroupKind kind = GroupKind::Script;
  std::string name, space;
  Span span;
  std::optional<int64_t> nodes;     ///< pods or hosts of one server, the leader included
  Text nodes_text;                  ///< the word that says so ("--workers 2", "size: 2")
  std::optional<int64_t> replicas;  ///< independent copies
  std::vector<Container> containers;
  Span add_flag;                        ///< runai: where a flag can be added
  bool worker_has_own_command = false;  ///< runai: --worker-command or --worker-arguments
  Text start_policy;
  bool host_network = false;
  Span host_network_span;
  std::string dns_policy;
  bool service_links = true;
  std::optional<int64_t> fs_group;
  bool fs_group_known = false;
  Text preemptible;                   ///< the word that makes it so
  std::vector<std::string> writable;  ///< volumes that are claims, host directories or NFS
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<Span> containers_keys;  ///< of each pod spec: beside it other fields can be added
  Span tail_begin, tail_end;          ///< runai: the words behind "--"
};

struct Policy {
  Span span;
  bool only_ports = false;  ///< every rule of its ingress names ports
  std::vector<std::pair<std::string, std::string>> selector;
};

struct Service {
  std::string name, space;
  Span name_span;
  std::vector<Text> target_ports;
  std::vector<std::pair<std::string, std::string>> selector;
};

/// Something wrong that the reader saw itself. `rule` is an id of the rule table.
struct Remark {
  std::string_view rule;
  Span span;
  std::string detail;
  std::vector<Edit> edits;
};

enum class SourceKind : uint8_t { Shell, Runai, Kubernetes, Compose, Slurm, Environment };

struct Launch {
  SourceKind kind = SourceKind::Shell;
  std::vector<Group> groups;
  std::vector<Service> services;
  std::vector<Policy> policies;
  std::vector<Remark> remarks;
  size_t documents = 0, other_documents = 0;  ///< of Kubernetes: all, and those that start nothing
  bool unreadable = false;                    ///< a part could not be read at all
};

/// Reads what the text says. Never fails: what is wrong stands in the remarks.
Launch read_launch(const SourceText& source);

/// The value of a flag by any of its names, the last one that is written.
const Flag* find_flag(const Serve& serve, std::string_view name);
/// As an integer, when it is one.
std::optional<int64_t> flag_number(const Serve& serve, std::string_view name);

}  // namespace rankdx::lint
