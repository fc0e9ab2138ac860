// What each file of commands/ gives to the table.
#pragma once

#include <functional>
#include <string_view>

namespace rankdx {

class Flags;

extern const std::string_view kDiagnoseExamples;
std::function<int()> make_diagnose(Flags& flags);

extern const std::string_view kDiffExamples;
std::function<int()> make_diff(Flags& flags);

extern const std::string_view kFilterExamples;
std::function<int()> make_filter(Flags& flags);

extern const std::string_view kCollectExamples;
std::function<int()> make_collect(Flags& flags);

extern const std::string_view kRunExamples;
std::function<int()> make_run(Flags& flags);

extern const std::string_view kWatchExamples;
std::function<int()> make_watch(Flags& flags);

extern const std::string_view kScanExamples, kMergeExamples;
std::function<int()> make_scan(Flags& flags);
std::function<int()> make_merge(Flags& flags);

extern const std::string_view kExplainExamples;
std::function<int()> make_explain(Flags& flags);

extern const std::string_view kCheckClusterExamples;
std::function<int()> make_check_cluster(Flags& flags);

extern const std::string_view kRasExamples;
std::function<int()> make_ras(Flags& flags);

std::function<int()> make_man(Flags& flags);

extern const std::string_view kCompletionExamples;
std::function<int()> make_completion(Flags& flags);

extern const std::string_view kCheckPodExamples, kCheckHostExamples;
std::function<int()> make_check_pod(Flags& flags);
std::function<int()> make_check_host(Flags& flags);

extern const std::string_view kModelCheckExamples;
std::function<int()> make_model_check(Flags& flags);

extern const std::string_view kModelFitExamples;
std::function<int()> make_model_fit(Flags& flags);
extern const std::string_view kLaunchGenerateExamples, kLaunchDiffExamples, kLaunchTuneExamples;
std::function<int()> make_launch_generate(Flags& flags);
extern const std::string_view kLaunchLintExamples;
std::function<int()> make_launch_lint(Flags& flags);
std::function<int()> make_launch_diff(Flags& flags);
std::function<int()> make_launch_tune(Flags& flags);

extern const std::string_view kCheckMeshExamples;
std::function<int()> make_check_mesh(Flags& flags);
extern const std::string_view kCheckLiveExamples;
std::function<int()> make_check_live(Flags& flags);

}  // namespace rankdx
