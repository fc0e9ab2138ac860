// What runs inside a container or on a host, and the facts of a spec that no launcher has a place
// for. Pure functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "launch/serve_args.h"
#include "launch/settings.h"
#include "launch/spec.h"

namespace rankdx {

/// The whole command of one node: `vllm serve` alone, or behind bash where something must happen
/// before (Ray), beside (a log on a volume) or in its words (`start_rank_script`: shell text for
/// the first data parallel rank of this node, "" when the words have it).
Words node_command(const LaunchSpec& spec, Launcher launcher, const NodeWords& node,
                   std::string_view start_rank_script = {});

/// Shell text that joins a Ray cluster at `leader` (shell text too) and stays.
std::string ray_worker_script(std::string_view leader);
/// Shell text that starts Ray's head and waits for `nodes` (shell text) nodes.
std::string ray_leader_script(std::string_view nodes);
/// `exec "$@"` and what follows it; with a log in the debug profile.
std::string exec_script(const LaunchSpec& spec, std::string_view more_words = {});

/// Facts that the launch itself does not show: written as annotations, labels or comments.
using Marks = std::vector<std::pair<std::string, std::string>>;
Marks marks_of(const LaunchSpec& spec);
/// `find` gives the value of a mark. What has no mark is guessed from env, image and arguments,
/// which must be in the spec.
void read_marks(const std::function<std::optional<std::string>(std::string_view)>& find,
                LaunchSpec& spec);

/// "# rankdx: name=value" lines.
std::string mark_comments(const LaunchSpec& spec);
std::optional<std::string> mark_comment(std::string_view text, std::string_view name);

/// The GPUs of the whole group over so many parts: 1 at least, and far beyond what is allowed at
/// most, whatever numbers a file holds.
int even_share(const LaunchSpec& spec, int64_t parts);
/// The last step of every reader: executor, what the profile sets, defaults.
LaunchSpec finished(LaunchSpec spec, Launcher launcher);
/// Whether containers may write to the model's volume.
bool model_is_read_only(const LaunchSpec& spec);

}  // namespace rankdx
