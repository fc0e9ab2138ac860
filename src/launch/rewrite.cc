#include "launch/rewrite.h"

#include "launch/generate.h"

namespace rankdx {
namespace {

bool same_texts(const LaunchFiles& a, const LaunchFiles& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].text != b[i].text) return false;
  }
  return true;
}

}  // namespace

Result<LaunchFiles> rewritten(const LaunchFiles& files, const LaunchSpec& spec, const Tuned& tuned,
                              Launcher launcher) {
  const auto as_generated = generate(spec, launcher);
  if (!as_generated || !same_texts(files, *as_generated)) {
    return fail(ErrorCode::Unsupported,
                "the launch was not made by `rankdx launch generate`, or was changed since",
                files.empty() ? "" : files[0].name);
  }
  LaunchFiles out = RANKDX_TRY(generate(tuned.spec, launcher));
  for (size_t i = 0; i < out.size() && i < files.size(); ++i) out[i].name = files[i].name;
  return out;
}

}  // namespace rankdx
