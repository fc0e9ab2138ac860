// Objects that kubectl printed with -o json or -o yaml, written as lines of the pods that they are
// about: "[pod/NAME/CONTAINER] State: Terminated, Reason: OOMKilled, Exit Code: 137". Only states,
// reasons and messages of pods, nodes and events are taken over; what a pod is given (environment,
// arguments, volumes), secrets and config maps never leave the document. Documents may be cut:
// what stands before the cut counts. No state; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

enum class DocumentForm : uint8_t { None, Json, Yaml };

/// Whether a text that begins so is a document of Kubernetes objects. `head`: some first KiB.
DocumentForm kubernetes_form(std::string_view head);

struct SaidLine {
  uint64_t line = 0;  ///< of the document, from 1 on; ascending
  std::string text;
};

inline constexpr size_t kMaxKubernetesDocument = size_t{256} << 20;

std::vector<SaidLine> read_kubernetes(std::string_view document, DocumentForm form);

/// The same as a log of which each line has its number in the document where there is room: blank
/// lines fill the gaps.
std::string kubernetes_as_log(std::string_view document, DocumentForm form);

}  // namespace rankdx
