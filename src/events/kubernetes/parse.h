// JSON and YAML to the events of a TreeBuilder. A document that is cut or broken ends there.
#pragma once

#include <string_view>

#include "events/kubernetes/tree.h"

namespace rankdx::kubernetes {

void parse_json(std::string_view document, TreeBuilder& tree);
void parse_yaml(std::string_view document, TreeBuilder& tree);

}  // namespace rankdx::kubernetes
