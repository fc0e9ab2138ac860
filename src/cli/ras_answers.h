// Answers of RAS ports for a command: asked now, or saved earlier in files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/ras_client.h"

namespace rankdx {

/// Answers saved in files, or pasted into logs. Fails when there is none.
Result<std::vector<RasReply>> saved_ras_answers(const std::vector<std::string>& paths);

/// Each item is a file with saved answers where there is such a file, else "HOST[:PORT]" to ask.
Result<std::vector<RasReply>> ras_answers(const std::vector<std::string>& items);

}  // namespace rankdx
