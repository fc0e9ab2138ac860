// The readers of one form each, and what they share. They add to a Launch and never fail.
#pragma once

#include <map>
#include <vector>

#include "launch/document/shell.h"
#include "launch/document/yaml.h"
#include "launch/lint/launch.h"

namespace rankdx::lint {

/// Words of a command with the way they are written.
struct CommandWords {
  std::vector<ShellWord> words;
  Form form = Form::ShellWords;
  std::vector<EnvVar> env;  ///< set by the shell around
  int branch = 0;
};

/// Looks for vLLM and Ray in a command, also inside "bash -c" and "srun". True when there was one.
/// `entry`: the words may be the arguments of an image whose entry point is vLLM's server.
enum class EntryPoint : uint8_t { Unknown, VllmServe };
bool read_command(const CommandWords& command, EntryPoint entry, Container& out, Launch& launch,
                  int depth = 0);

/// All commands of a shell text into one container; exports become the environment of what follows.
void read_shell_text(const MappedText& text, Container& out, Launch& launch, int depth = 0);

/// Notes what is wrong with the text itself.
void note_problems(const ShellScript& script, Launch& launch);

/// "0,1,2" as 3; "all" and references are unknown.
std::optional<int64_t> count_of_devices(std::string_view list);

/// Bytes of "16Gi", "15G", "1024"; Kubernetes' suffixes. Nothing for a text that is no quantity.
std::optional<int64_t> quantity(std::string_view text);
/// Bytes of docker's "16g", "16gb", "1024m".
std::optional<int64_t> docker_size(std::string_view text);

bool is_vllm_image(std::string_view image);

void read_runai(const ShellCommand& command, Launch& launch);
void read_docker(const ShellCommand& command, Launch& launch);
void read_kubernetes(const YamlStream& stream, Launch& launch);
void read_compose(const YamlNode& document, Launch& launch);
void read_shell_source(const SourceText& source, Launch& launch);
void read_environment_dump(const SourceText& source, Launch& launch);

Text text_of(const YamlNode& node);
Text text_of(const ShellWord& word);
/// $(NAME) is filled in by the kubelet.
bool is_reference(std::string_view text);

}  // namespace rankdx::lint
