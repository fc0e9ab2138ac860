// The result of a mesh for a person and for a program.
#pragma once

#include <string>
#include <string_view>

#include "present/finding_text.h"
#include "probe/mesh/judge.h"

namespace rankdx {

/// "text", "json" (rankdx.check/1 with a "mesh" object beside), "markdown", "sarif".
std::string render_mesh(const MeshData& data, const MeshVerdict& verdict, std::string_view form,
                        const TextStyle& style);

/// Who reaches whom on the interface that NCCL would take: one row per member.
std::string matrix_text(const MeshData& data, size_t width);

}  // namespace rankdx
