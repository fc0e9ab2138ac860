// The fields that Kubernetes knows in the places that a launch uses. Tables, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace rankdx::lint {

enum class FieldTable : uint8_t {
  Pod,
  PodSecurity,
  Container,
  ContainerSecurity,
  Resources,
  Probe,
  Volume,
  VolumeMount,
  Env,
  LwsSpec,
  LwsTemplate
};

/// Sorted.
std::span<const std::string_view> fields_of(FieldTable table);

struct FieldVerdict {
  bool known = true;
  std::string_view nearest;  ///< "" when none is near
};
FieldVerdict judge_field(FieldTable table, std::string_view name);

}  // namespace rankdx::lint
