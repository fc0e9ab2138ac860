// The redactor: any lines; what is planted between them never comes out, wherever it stands.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "redact/redactor.h"

namespace {

void run(std::string_view text, rankdx::Hide hide) {
  rankdx::Redactor redactor(hide);
  redactor.add_host("gpu-worker-01");
  std::string out;
  while (true) {
    const size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    line += " hf_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7 at 10.98.76.54 on gpu-worker-01";
    out.clear();
    redactor.redact(line, out);
    if (out.find("aB3dE6gH9jK2") != out.npos) std::abort();
    const bool names_left =
        out.find("10.98.76") != out.npos || out.find("gpu-worker-01") != out.npos;
    const bool were_there = text.substr(0, end).find("10.98.76") != text.npos ||
                            text.substr(0, end).find("gpu-worker-01") != text.npos;
    if (hide == rankdx::Hide::NamesToo && names_left && !were_there) std::abort();
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  run(text, rankdx::Hide::SecretsOnly);
  run(text, rankdx::Hide::NamesToo);
  return 0;
}
