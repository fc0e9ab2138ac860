// The redactor: any lines; what is planted between them never comes out, wherever it stands.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "redact/redactor.h"

namespace {

constexpr std::string_view kToken = "aB3dE6gH9jK2", kAddress = "10.98.76", kHost = "gpu-worker-01";

/// Aborts when `planted` comes out of a line that did not hold it before it was planted.
void expect_gone(std::string_view line, std::string_view planted, std::string_view out) {
  if (line.find(planted) == line.npos && out.find(planted) != out.npos) std::abort();
}

void run(std::string_view text, rankdx::Hide hide) {
  rankdx::Redactor redactor(hide);
  redactor.add_host(kHost);
  while (true) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::string out = redactor.redact(
        std::string(line) + " hf_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7 at 10.98.76.54 on gpu-worker-01");
    expect_gone(line, kToken, out);
    if (hide == rankdx::Hide::NamesToo) {
      expect_gone(line, kAddress, out);
      expect_gone(line, kHost, out);
    }
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
