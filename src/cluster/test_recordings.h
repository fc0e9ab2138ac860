// Recorded answers of NCCL's RAS service (tests/data/ras) for the tests of this room.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"

namespace rankdx::test {

struct Recording {
  std::string version, file, scenario, truth, ranks, host, node, kind, body;
  double at_s = 0;
  /// "after30s", "resumed8s", "timeout1" ... what stands between scenario and node; answers of one
  /// label belong together.
  std::string label;
};

inline std::vector<Recording> recordings(const std::string& version) {
  std::ifstream in(std::string(RANKDX_SOURCE_DIR) + "/tests/data/ras/" + version + ".txt",
                   std::ios::binary);
  std::vector<Recording> out;
  std::string head;
  while (std::getline(in, head)) {
    if (!head.starts_with("@@@ ")) continue;
    Recording r;
    r.version = version;
    std::istringstream words(head.substr(4));
    words >> r.file;
    std::map<std::string, std::string> values;
    for (std::string word; words >> word;)
      values[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    r.scenario = values["scenario"], r.truth = values["truth"], r.ranks = values["ranks"],
    r.host = values["host"];
    r.node = values["node"], r.kind = values["kind"];
    r.at_s = parse_double(values["at"]).value_or(0);
    r.body.resize(static_cast<size_t>(std::stoul(values["bytes"])));
    in.read(r.body.data(), static_cast<std::streamsize>(r.body.size()));
    std::string_view rest = std::string_view(r.file).substr(r.scenario.size());
    for (std::string_view part : split(rest, '.')) {
      if (part.starts_with("after") || part.starts_with("resumed") || part.starts_with("timeout"))
        r.label = part;
    }
    out.push_back(std::move(r));
  }
  return out;
}

inline const std::vector<std::string>& recorded_versions() {
  static const std::vector<std::string> all = {"2.26.2", "2.28.9", "2.30.7"};
  return all;
}

}  // namespace rankdx::test
