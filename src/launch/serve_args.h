// The command line of `vllm serve`: written from a spec and read back into one. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launch/spec.h"

namespace rankdx {

/// One word of a command. A literal reaches vLLM as it is; a reference is text that the launcher's
/// own machinery replaces
/// ("$(LWS_WORKER_INDEX)", "$SLURM_NODEID").
struct Word {
  enum class Sort : uint8_t { Literal, Reference };
  std::string text;
  Sort sort = Sort::Literal;
  bool operator==(const Word&) const = default;
};
using Words = std::vector<Word>;

inline Word literal(std::string text) { return {std::move(text), Word::Sort::Literal}; }
inline Word reference(std::string text) { return {std::move(text), Word::Sort::Reference}; }

enum class NodeRole : uint8_t { Leader, Worker };

/// What differs from node to node, in the words of the launcher. A flag whose word is empty is left
/// out: the launcher's script adds it.
struct NodeWords {
  NodeRole role = NodeRole::Leader;
  Word rank;           ///< 0 for the leader
  Word leader;         ///< address of the leader
  Word first_dp_rank;  ///< rank x data parallel ranks of a node; only used with data parallelism
                       ///< over nodes
};

/// Data parallel ranks of one node.
int local_data_parallel(const LaunchSpec& spec);

/// "vllm", "serve", the model and everything after it, for a normalised spec. With Ray only the
/// leader has one.
Words serve_command(const LaunchSpec& spec, Launcher launcher, const NodeWords& node);

/// Reads the words from "vllm serve" on (or the arguments of the image's own entry point) into the
/// spec: model, ports, parallelism, executor, nodes; the rest goes to extra_args. False when there
/// is no vLLM command in the words.
bool read_serve_command(const std::vector<std::string>& words, LaunchSpec& spec);

/// Takes away from the spec's extra_args and env what its profile sets by itself.
void drop_profile_settings(LaunchSpec& spec, Launcher launcher);

/// Flags that have a key of their own in LaunchSpec.
bool is_owned_flag(std::string_view flag);
/// Variables that differ by node and are set by the launchers.
bool is_owned_variable(std::string_view name);
/// Those that serve_command() would write for the spec.
std::vector<std::string> owned_flags_in_use(const LaunchSpec& spec);

/// By vllm-flags.tsv; true for a version that is not known.
bool serve_flag_exists(std::string_view flag, std::string_view vllm_version);
/// Whether the table knows the flag, but from other releases than this one only.
bool serve_flag_is_gone(std::string_view flag, std::string_view vllm_version);
/// The same for a variable of vllm-envs.tsv.
bool engine_variable_is_gone(std::string_view name, std::string_view vllm_version);

}  // namespace rankdx
