// Documents of Kubernetes objects, JSON and YAML, whole and cut: bounded, in line order, and
// nothing of what a pod is given comes out.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "events/kubernetes_document.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto form = data[0] % 2 ? rankdx::DocumentForm::Json : rankdx::DocumentForm::Yaml;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  uint64_t line = 0;
  for (const rankdx::SaidLine& said : rankdx::read_kubernetes(text, form)) {
    if (said.line < line || said.text.find('\n') != std::string::npos) abort();
    line = said.line;
  }
  rankdx::kubernetes_form(text);
  return 0;
}
