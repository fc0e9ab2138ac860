// The table of subcommands. Each is one file of commands/.
#include "cli/commands.h"

#include "cli/flags.h"

namespace rankdx {

const std::vector<CommandGroup>& command_groups() {
  static const std::vector<CommandGroup> groups = {
      {"check", "Run the checklist: one pod or host, the way between hosts, a whole cluster"},
      {"model", "A model directory: complete and readable, and whether it fits the GPUs"},
      {"launch", "Write, judge and tune the files that start a distributed vLLM"},
  };
  return groups;
}

const std::vector<CommandAlias>& command_aliases() {
  static const std::vector<CommandAlias> aliases = {{"check", "--live", "live"}};
  return aliases;
}

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"diagnose", "Name the root cause of a failed, hanging or slow launch from its logs",
       kDiagnoseExamples, make_diagnose},
      {"scan", "Logs to a facts file, a few KB per rank, where the logs lie", kScanExamples,
       make_scan},
      {"merge", "Facts files of many nodes to one", kMergeExamples, make_merge},
      {"check pod", "What this container can say about itself: GPUs, limits, network, variables",
       kCheckPodExamples, make_check_pod},
      {"check host", "The same on a node: also what only the node can tell", kCheckHostExamples,
       make_check_host},
      {"check mesh", "Every way between the hosts of a launch, tested in both directions",
       kCheckMeshExamples, make_check_mesh},
      {"check cluster", "The whole checklist over a group of pods: one table, one root cause",
       kCheckClusterExamples, make_check_cluster},
      {"collect", "Pack logs of files or pods into one archive without secrets", kCollectExamples,
       make_collect},
      {"check live", "A running launch: hung, slow, loading (rate and time left) or serving",
       kCheckLiveExamples, make_check_live},
      {"run", "Run a launch with debug settings, keep its logs, diagnose it when it fails or hangs",
       kRunExamples, make_run},
      {"watch", "Follow the phases of a launch in its growing logs: slow, stuck, failed or serving",
       kWatchExamples, make_watch},
      {"diff", "Compare a good run with a bad one: what explains the failure first", kDiffExamples,
       make_diff},
      {"filter", "Cut logs down by what their lines mean", kFilterExamples, make_filter},
      {"explain", "Say what a finding, a variable, a subsystem or a log line means",
       kExplainExamples, make_explain},
      {"ras", "Ask NCCL's RAS port who is missing, dead or behind in a running job", kRasExamples,
       make_ras},
      {"model check",
       "Say whether a model directory is complete, intact, readable and usable offline",
       kModelCheckExamples, make_model_check},
      {"model fit", "Say whether a model fits the GPUs, and with which flags", kModelFitExamples,
       make_model_fit},
      {"launch generate",
       "One description to the files of a launcher: LWS, Run:ai, KubeRay, docker, compose, Slurm, "
       "ssh",
       kLaunchGenerateExamples, make_launch_generate},
      {"launch lint",
       "What is wrong with a launch command, manifest, script or environment, and the correction",
       kLaunchLintExamples, make_launch_lint},
      {"launch diff", "What the production launch does otherwise than the debug launch, and why",
       kLaunchDiffExamples, make_launch_diff},
      {"launch tune", "The production launch out of a debug launch and what its logs showed",
       kLaunchTuneExamples, make_launch_tune},
      {"man", "Print the manual page", "", make_man},
      {"completion", "Print the completion of a shell", kCompletionExamples, make_completion},
  };
  return table;
}

}  // namespace rankdx
