// Variables of the running server (or of this process) and of NCCL's files, against the tables of
// NCCL's variables.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "catalogue/nccl_variables.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

bool is_nccl(std::string_view name) { return name.starts_with("NCCL_"); }

std::string assignment(const std::string& name, const std::string& value) {
  return name + "=" + safe_value(name, value);
}

void check_values(const Variables& settings, const std::string& source, Checklist& out) {
  std::string unknown, wrong, kept_on;
  for (const auto& [name, value] : settings) {
    if (!is_nccl(name)) continue;
    const NcclVariable* v = find_nccl_variable(name);
    if (v == nullptr) {
      const auto near = nearest_nccl_variables(name);
      unknown += (unknown.empty() ? "" : ", ") + name +
                 (near.empty() ? "" : fmt::format(" (did you mean {}?)", near.front()));
    } else if (!may_be_value(*v, value)) {
      wrong += (wrong.empty() ? "" : ", ") + assignment(name, value);
    } else if (v->danger.starts_with("DISABLES") && value != "0") {
      kept_on += (kept_on.empty() ? "" : ", ") + assignment(name, value);
    }
  }
  // A plugin reads NCCL_ names of its own, so an unknown one may be right.
  if (!unknown.empty()) {
    out.warning("nccl-variables-known", unknown, source,
                {"nccl-env-unknown",
                 Layer::Config,
                 "NCCL does not know " + unknown,
                 "Unknown names are ignored without a word (a network plugin may read its own).",
                 {{"any", "Correct the name or remove it", ""}},
                 {},
                 Confidence::Possible});
  } else {
    out.ok("nccl-variables-known", "all", source);
  }
  if (!wrong.empty()) {
    out.failed("nccl-variables-valid", wrong, source,
               {"nccl-env-value-invalid",
                Layer::Config,
                "A variable has a value NCCL cannot use",
                "Text that is no number counts as 0 in most; words that are not known are ignored.",
                {{"any", "See `rankdx explain NAME` for what is allowed", ""}}});
  } else {
    out.ok("nccl-variables-valid", "all", source);
  }
  if (!kept_on.empty()) {
    out.warning("nccl-variables-debugging", kept_on, source,
                {"nccl-transport-disabled-by-env",
                 Layer::Config,
                 "A transport is switched off: " + kept_on,
                 "Right for a test, slow or wrong in production.",
                 {{"any", "Unset it", ""}}});
  } else {
    out.ok("nccl-variables-debugging", "no transport is switched off", source);
  }
}

void check_conflicts(const PodContext& ctx, const std::string& source, Checklist& out) {
  const auto is = [&](std::string_view name, std::string_view value) {
    return ctx.variable(name) == value;
  };
  std::string conflict;
  if (lower(ctx.variable("NCCL_NET").value_or("")) == "ib" && is("NCCL_IB_DISABLE", "1")) {
    conflict = "NCCL_NET=IB and NCCL_IB_DISABLE=1";
  } else if (is("NCCL_P2P_DISABLE", "1") && is("NCCL_SHM_DISABLE", "1")) {
    conflict = "NCCL_P2P_DISABLE=1 and NCCL_SHM_DISABLE=1 leave only the network inside a host";
  }
  if (conflict.empty()) return out.ok("nccl-variables-agree", "no contradiction", source);
  out.failed("nccl-variables-agree", conflict, source,
             {conflict.find("SHM") == std::string::npos ? "nccl-env-values-conflict"
                                                        : "p2p-and-shm-disabled-by-env",
              Layer::Config,
              "NCCL variables contradict each other",
              conflict + ".",
              {{"any", "Remove one of them", ""}}});
}

}  // namespace

void check_environment(const PodContext& ctx, Checklist& out) {
  if (!ctx.environment_error.empty()) {
    out.unknown("server-environment",
                "needs the server's user or root; this process's variables are used instead",
                ctx.environment_error);
  } else {
    out.ok("server-environment",
           ctx.server ? fmt::format("of process {}", ctx.server->pid) : "no server runs here",
           ctx.environment_source);
  }
  std::string listed;
  Variables settings = ctx.environment;
  settings.insert(ctx.file_settings.begin(), ctx.file_settings.end());
  for (const auto& [name, value] : settings) {
    if (is_nccl(name)) listed += (listed.empty() ? "" : " ") + assignment(name, value);
  }
  std::string source = ctx.environment_source;
  if (!ctx.file_settings.empty()) source += ", nccl.conf";
  out.ok("nccl-variables", listed.empty() ? "none set" : listed, source);
  check_values(settings, source, out);
  check_conflicts(ctx, source, out);
}

void check_preload(const PodContext& ctx, Checklist& out) {
  std::vector<std::string> files;
  const auto add = [&](std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return is_space(c) || c == ':'; }, ' ');
    for (const std::string_view part : split(text, ' ')) {
      if (!part.empty()) files.emplace_back(part);
    }
  };
  add(ctx.variable("LD_PRELOAD").value_or(""));
  const auto global = ctx.host.read("/etc/ld.so.preload", 65536);
  add(global.value_or(""));
  const std::string source = "LD_PRELOAD, /etc/ld.so.preload";
  if (!global && global.error().code != ErrorCode::Empty) {
    return out.unknown("preload", global.error().text, source);
  }
  if (files.empty()) return out.ok("preload", "none", source);
  const std::string value = join(files, ", ");
  for (const std::string& f : files) {
    if (f.starts_with('/') && !ctx.host.exists(f)) {
      return out.warning("preload", value, source,
                         {"preload-missing",
                          Layer::Container,
                          "A preloaded library does not exist",
                          f + " is named, but not there: each program prints an error of ld.so.",
                          {{"any", "Remove it from LD_PRELOAD or /etc/ld.so.preload", ""}}});
    }
  }
  // Shims of GPU-sharing products: HAMi, Aliyun gpushare, rCUDA and similar.
  const auto shim = std::find_if(files.begin(), files.end(), [](const std::string& f) {
    const std::string low = lower(f);
    return low.find("vgpu") != std::string::npos || low.find("cuda-control") != std::string::npos ||
           low.find("gpushare") != std::string::npos || low.find("hami") != std::string::npos;
  });
  if (shim == files.end()) return out.ok("preload", value, source);
  out.warning("preload", value, source,
              {"gpu-sharing-shim-breaks-nccl",
               Layer::Container,
               "A GPU-sharing library is preloaded: " + *shim,
               "Such shims intercept CUDA and mishandle calls that NCCL makes (memory handles, "
               "peer access).",
               {{"any", "Run multi-GPU servers on whole GPUs, without the shim", ""}},
               {},
               Confidence::Likely});
}

}  // namespace rankdx
