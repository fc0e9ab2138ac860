// What the rules share: the launch, the options, the list of issues, and edits of what a reader
// found.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "launch/lint/launch.h"
#include "launch/lint/lint.h"

namespace rankdx::lint {

class Judge {
 public:
  Judge(const SourceText& text, const Launch& what, const LintOptions& how);

  /// Severity from the rule table.
  Issue& add(std::string_view rule, Span span, std::string detail, std::vector<Edit> edits = {});
  void secret(Span span) { secrets.push_back(span); }

  const SourceText& source;
  const Launch& launch;
  LintOptions options;  ///< completed by the marks of `launch generate`
  /// A version that the text itself names for all: "pip install vllm==0.11.0", or a mark.
  std::optional<Version> named_vllm;
  std::vector<Issue> issues;
  std::vector<Span> secrets;
};

/// The versions that hold for a container: from the options, or from its image.
struct Versions {
  std::optional<Version> vllm, nccl;
  bool newest = false;  ///< nothing is known: the newest is taken
};
Versions versions_of(const Judge& judge, const Container& container);
/// "0.11.0" of "vllm/vllm-openai:v0.11.0"; nothing for tags that do not count as vLLM does.
std::optional<Version> version_in_image(std::string_view image);

/// All variables that a container's processes get: its own, and those of the shell around a
/// command.
std::vector<const EnvVar*> variables_of(const Container& container);
const EnvVar* find_variable(const Container& container, std::string_view name);
/// The literal value, or "" when unset or not known.
std::string_view value_of(const Container& container, std::string_view name);

/// Whether more than one node takes part in one server of the group.
bool over_nodes(const Group& group);
bool uses_ray(const Group& group);

// Edits. Empty where the form does not allow one.
std::vector<Edit> remove_variable(const SourceText& source, const EnvVar& variable);
std::vector<Edit> set_variable(const SourceText& source, const EnvVar& variable,
                               std::string_view value);
std::vector<Edit> rename_variable(const EnvVar& variable, std::string_view name);
std::vector<Edit> add_variable(const SourceText& source, const Container& container,
                               std::string_view name, std::string_view value);
std::vector<Edit> remove_flag(const SourceText& source, const Serve& serve, const Flag& flag);
std::vector<Edit> set_flag(const SourceText& source, const Serve& serve, const Flag& flag,
                           std::string_view value);
std::vector<Edit> add_flags(const SourceText& source, const Serve& serve,
                            const std::vector<std::string>& words);

// The rules, by what they look at.
void judge_remarks(Judge& judge);
void judge_variables(Judge& judge);
void judge_variable_sets(Judge& judge);
void judge_flags(Judge& judge);
void judge_parallelism(Judge& judge);
void judge_pods(Judge& judge);
void judge_secrets(Judge& judge);

}  // namespace rankdx::lint
