// What goes into a bundle besides the logs, and what could not be had. Plain values.
#pragma once

#include <string>
#include <vector>

#include "bundle/bundle_writer.h"
#include "probe/process.h"

namespace rankdx {

struct CollectedText {
  std::string member, source, text;
};

/// What could be had, and why the rest could not.
struct CollectedTexts {
  std::vector<CollectedText> texts;
  std::vector<BundleLoss> losses;
};

/// Variables as one process, container or file has them.
struct SeenVariables {
  std::string place;  ///< a pod, a host
  std::string of;     ///< "process 17", "container", "/etc/nccl.conf"
  Variables variables;
  std::string why_not;  ///< why they are not known, or not as the process has them
};

}  // namespace rankdx
