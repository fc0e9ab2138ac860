// Launch files and launch.toml: any bytes give a spec or an error. A spec that can be generated
// reads back equal for its launcher, whatever is in it. The first byte chooses the reader: a
// launcher, or launch.toml for all of them.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "launch/generate.h"
#include "launch/seen.h"
#include "launch/spec_toml.h"

namespace {

using namespace rankdx;

constexpr Launcher kLaunchers[] = {Launcher::Runai,  Launcher::Lws,     Launcher::Kuberay,
                                   Launcher::Docker, Launcher::Compose, Launcher::Slurm,
                                   Launcher::Ssh};

void must_come_back(const LaunchSpec& spec, Launcher launcher) {
  if (spec.hosts.size() > 100) return;
  const auto files = generate(spec, launcher);
  if (!files) return;
  const auto back = read_back(*files, launcher);
  if (!back || *back != normalised(spec, launcher)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t which = data[0] % 9;
  if (which == 8) {
    (void)read_diagnosis(text, "input");
  } else if (which == 7) {
    const auto spec = read_launch_toml(text, "input");
    if (!spec) return 0;
    for (const Launcher launcher : kLaunchers) must_come_back(*spec, launcher);
  } else if (const auto spec = read_back({{"input", text}}, kLaunchers[which])) {
    must_come_back(*spec, kLaunchers[which]);
  }
  return 0;
}
