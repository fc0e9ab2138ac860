#include "base/finding.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

TEST(Finding, WordsBothWays) {
  const std::pair<Role, std::string_view> roles[] = {{Role::RootCause, "root-cause"},
                                                     {Role::Contributing, "contributing"},
                                                     {Role::Consequence, "consequence"},
                                                     {Role::Note, "note"}};
  for (const auto& [role, word] : roles) {
    EXPECT_EQ(to_string(role), word);
    EXPECT_EQ(role_from(word), role);
  }
  const std::pair<Severity, std::string_view> severities[] = {
      {Severity::Error, "error"}, {Severity::Warning, "warning"}, {Severity::Info, "info"}};
  for (const auto& [severity, word] : severities) {
    EXPECT_EQ(to_string(severity), word);
    EXPECT_EQ(severity_from(word), severity);
  }
  const std::pair<Confidence, std::string_view> confidences[] = {
      {Confidence::Certain, "certain"},
      {Confidence::Likely, "likely"},
      {Confidence::Possible, "possible"}};
  for (const auto& [confidence, word] : confidences) {
    EXPECT_EQ(to_string(confidence), word);
    EXPECT_EQ(confidence_from(word), confidence);
  }
  const std::pair<Verdict, std::string_view> verdicts[] = {{Verdict::Healthy, "healthy"},
                                                           {Verdict::Warning, "warning"},
                                                           {Verdict::Failed, "failed"},
                                                           {Verdict::Undetermined, "undetermined"}};
  for (const auto& [verdict, word] : verdicts) EXPECT_EQ(to_string(verdict), word);
}

TEST(Finding, LayerWordsBothWays) {
  const std::pair<Layer, std::string_view> layers[] = {
      {Layer::Hardware, "hardware"},     {Layer::Driver, "driver"},
      {Layer::Container, "container"},   {Layer::Files, "files"},
      {Layer::Network, "network"},       {Layer::Config, "config"},
      {Layer::Rendezvous, "rendezvous"}, {Layer::NcclInit, "nccl-init"},
      {Layer::NcclRun, "nccl-run"},      {Layer::Framework, "framework"},
      {Layer::Engine, "engine"},         {Layer::Orchestrator, "orchestrator"}};
  for (const auto& [layer, word] : layers) {
    EXPECT_EQ(to_string(layer), word);
    EXPECT_EQ(layer_from(word), layer);
  }
}

TEST(Finding, UnknownWords) {
  EXPECT_EQ(role_from("Root-Cause"), std::nullopt);
  EXPECT_EQ(severity_from(""), std::nullopt);
  EXPECT_EQ(confidence_from("sure"), std::nullopt);
  EXPECT_EQ(layer_from("nccl"), std::nullopt);
  EXPECT_EQ(to_string(static_cast<Role>(200)), "unknown");
}

}  // namespace
}  // namespace rankdx
