// One variable at a time: name, version, value, and values that deserve a word.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "catalogue/nccl_variables.h"
#include "catalogue/vllm_variables.h"
#include "launch/lint/judge.h"
#include "launch/lint/settings_table.h"
#include "launch/lint/variable_values.h"

namespace rankdx::lint {
namespace {

/// Read by plugins, by NVIDIA's images or by launchers.
constexpr std::array<std::string_view, 19> kOtherNccl = {
    "NCCL_FASTRAK_",      "NCCL_GPUDIRECTTCPX_", "NCCL_GPUVIZ_", "NCCL_HOME",     "NCCL_IBEXT_",
    "NCCL_INCLUDE_DIR",   "NCCL_INSPECTOR_",     "NCCL_LIB",     "NCCL_LIBRARY",  "NCCL_OFI_",
    "NCCL_PROFILE_",      "NCCL_ROOT",           "NCCL_SHARP_",  "NCCL_SHIMNET_", "NCCL_TESTS_",
    "NCCL_TUNER_CONFIG_", "NCCL_UCX_",           "NCCL_VERSION", "NCCL_PLUGIN_"};
/// Prefixes of names that only look mistyped when they are very near to a known one.
constexpr std::array<std::string_view, 11> kOpenFamilies = {
    "CUDA_", "HF_",   "HUGGING",       "OMP_",    "PYTHON", "PYTORCH_",
    "RAY_",  "TORCH", "TRANSFORMERS_", "NVIDIA_", "TRITON_"};

bool any_prefix(std::span<const std::string_view> prefixes, std::string_view name) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view p) { return name.starts_with(p); });
}

/// Kubernetes gives pods VLLM_SERVICE_HOST, VLLM_PORT_8000_TCP... for a Service "vllm".
bool of_a_service(std::string_view name) {
  return name.find("_SERVICE_") != name.npos || name.ends_with("_TCP") ||
         name.find("_TCP_") != name.npos || (name.ends_with("_PORT") && name != "VLLM_PORT");
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

class VariableJudge {
 public:
  VariableJudge(Judge& judge, const Container& container)
      : j_(judge), c_(container), versions_(versions_of(judge, container)) {}

  void judge(const EnvVar& v) {
    const NcclVariable* nccl = find_nccl_variable(v.name);
    const LaunchVariable* other = nccl == nullptr ? find_launch_variable(v.name) : nullptr;
    if (nccl == nullptr && other == nullptr) {
      if (v.yaml_number) not_text(v);
      unknown(v);
      return;
    }
    if (nccl != nullptr) nccl_version(v, *nccl);
    if (other != nullptr) vllm_version(v, *other);
    if (v.yaml_number) not_text(v);
    if (v.value.dynamic) return;
    const std::string_view value = v.value.text;
    if (value.empty()) return empty(v, nccl != nullptr);
    if (quoted(v)) return;
    if (v.name == "VLLM_PORT" && value.find("://") != value.npos) {
      j_.add("vllm-port-from-service", v.value.span, "VLLM_PORT is " + std::string(value) + ".");
      return;
    }
    const auto complaint = nccl != nullptr ? nccl_value_complaint(*nccl, value)
                                           : launch_value_complaint(*other, value);
    if (complaint) {
      const std::string_view rule = v.name == "NCCL_DEBUG" || v.name == "NCCL_DEBUG_SUBSYS"
                                        ? "debug-variable-invalid"
                                    : nccl != nullptr ? "nccl-env-value-invalid"
                                                      : "variable-value-invalid";
      const std::string better =
          complaint->better.empty() ? "" : " Meant: " + v.name + "=" + complaint->better + "?";
      // A secret may have gone to the wrong variable: its text is not repeated.
      j_.add(rule, v.value.span, v.name + ": " + complaint->text + better,
             complaint->better.empty() ? std::vector<Edit>{}
                                       : set_variable(j_.source, v, complaint->better));
      return;
    }
    settings(v);
  }

 private:
  void not_text(const EnvVar& v) {
    j_.add("manifest-value-not-text", v.value.span,
           v.name + ": " + v.value.text + " without quotes.",
           {{v.value.span, "\"" + v.value.text + "\""}});
  }

  void unknown(const EnvVar& v) {
    const bool nccl = v.name.starts_with("NCCL_") || upper(v.name).starts_with("NCCL_");
    if (nccl && any_prefix(kOtherNccl, v.name)) return;
    if (of_a_service(v.name)) return;
    const bool closed = nccl || is_closed_family(v.name);
    std::vector<std::string_view> near;
    if (nccl) near = nearest_nccl_variables(v.name);
    if (near.empty() &&
        (closed || any_prefix(kOpenFamilies, v.name) || v.name.starts_with("VLM_") ||
         v.name.starts_with("VLLM") || v.name.starts_with("GLO")))
      near = nearest_launch_variables(v.name);
    if (near.empty() &&
        (v.name.starts_with("NCL") || v.name.starts_with("NCC") || v.name.starts_with("CCL_")))
      near = nearest_nccl_variables(v.name);
    if (near.empty() && !closed) return;
    std::string detail = "Neither NCCL nor vLLM nor what runs with them reads " + v.name + ".";
    if (near.empty()) {
      j_.add("variable-unknown", v.name_span, detail).severity = Severity::Info;
      return;
    }
    detail += " Near: " + std::string(near[0]) + ".";
    Issue& issue = j_.add("variable-unknown", v.name_span, detail, rename_variable(v, near[0]));
    issue.confidence = Confidence::Likely;
  }

  void nccl_version(const EnvVar& v, const NcclVariable& known) {
    if (!known.last_version.empty() && !versions_.nccl) {
      j_.add("variable-removed", v.name_span,
             "NCCL " + std::string(known.last_version) + " is the last that reads " + v.name + ".")
          .needs = {"the NCCL version (--nccl-version)"};
      return;
    }
    if (known.last_version.empty() && known.first_version.empty()) {
      j_.add("variable-removed", v.name_span, "NCCL reads " + v.name + " only before 2.3.",
             remove_variable(j_.source, v));
      return;
    }
    if (!versions_.nccl || known.exists_in(*versions_.nccl)) return;
    const auto first = known.releases.first();
    const bool later = first && *versions_.nccl < *first;
    j_.add(later ? "variable-not-yet" : "variable-removed", v.name_span,
           later ? "NCCL reads " + v.name + " from " + std::string(known.first_version) +
                       " on; this is " + to_string(*versions_.nccl) + "."
                 : "NCCL " + std::string(known.last_version) + " is the last that reads " + v.name +
                       "; this is " + to_string(*versions_.nccl) + ".",
           remove_variable(j_.source, v));
  }

  void vllm_version(const EnvVar& v, const LaunchVariable& known) {
    if (!known.span) return;
    if (versions_.newest) {
      if (!known.span->gone()) return;
      j_.add("variable-removed", v.name_span,
             "vLLM " + std::string(known.span->gone_in()) + " no longer reads " + v.name + ".")
          .needs = {"the vLLM version (--vllm-version)"};
      return;
    }
    if (known.span->presence(*versions_.vllm) != Presence::Absent) return;
    const bool gone = known.span->gone() &&
                      *versions_.vllm > parse_version(known.span->since()).value_or(Version{});
    j_.add(gone ? "variable-removed" : "variable-not-yet", v.name_span,
           gone ? "vLLM " + std::string(known.span->gone_in()) + " no longer reads " + v.name + "."
                : "vLLM reads " + v.name + " from " + std::string(known.span->since()) +
                      " on; this is " + to_string(*versions_.vllm) + ".",
           remove_variable(j_.source, v));
  }

  void empty(const EnvVar& v, bool nccl) {
    const bool matters = nccl || v.name.starts_with("GLOO_") || v.name.starts_with("VLLM_") ||
                         v.name.starts_with("CUDA_VISIBLE") || v.name.starts_with("HF_") ||
                         v.name.starts_with("MASTER_");
    if (!matters) return;
    const bool hides = v.name == "CUDA_VISIBLE_DEVICES";
    j_.add("variable-empty", v.name_span,
           hides ? "An empty CUDA_VISIBLE_DEVICES hides all GPUs." : v.name + " has no value.",
           remove_variable(j_.source, v));
  }

  bool quoted(const EnvVar& v) {
    const std::string& t = v.value.text;
    if (t.size() < 2 || (t[0] != '"' && t[0] != '\'') || t.back() != t[0]) return false;
    std::vector<Edit> edits;
    const Span s = v.value.span;
    if (v.form != Form::None && s.end - s.begin == t.size())
      edits = {{{s.begin, s.begin + 1}, ""}, {{s.end - 1, s.end}, ""}};
    j_.add("variable-quoted", s, v.name + " begins and ends with a quote.", std::move(edits));
    return true;
  }

  void settings(const EnvVar& v) {
    for (const SettingWarning& w : setting_warnings()) {
      if (w.name != v.name || !setting_applies(w, v.value.text)) continue;
      const bool debugging = w.rule == "debug-leftover";
      if (debugging && j_.options.purpose == Purpose::Debug) continue;
      if (w.rule == "ib-disabled") {
        ib_disabled(v);
        continue;
      }
      std::vector<Edit> edits = w.mend == Mend::Remove ? remove_variable(j_.source, v)
                                : w.mend == Mend::Set  ? set_variable(j_.source, v, w.better)
                                                       : std::vector<Edit>{};
      std::string detail = v.name + "=" + v.value.text + ": " + std::string(w.text);
      if (w.text.empty()) detail = v.name + "=" + v.value.text + ".";
      Issue& issue = j_.add(w.rule, v.name_span, std::move(detail), std::move(edits));
      if (w.name == "NCCL_ALGO" || w.name == "NCCL_PROTO") issue.confidence = Confidence::Likely;
    }
    if (v.name == "NCCL_DEBUG_SUBSYS" && v.value.text == "ALL")
      j_.add("debug-output-too-verbose", v.value.span, "",
             set_variable(j_.source, v, "INIT,BOOTSTRAP,ENV,NET,GRAPH"));
    if (v.name == "NCCL_BUFFSIZE" && parse_int<int64_t>(v.value.text).value_or(0) > 4194304)
      j_.add("nccl-buffsize-too-large", v.value.span,
             "NCCL_BUFFSIZE=" + v.value.text + " is more than the default of 4194304.");
  }

  void ib_disabled(const EnvVar& v) {
    if (j_.options.network == Network::Ethernet) return;
    const bool rdma = j_.options.network == Network::Roce ||
                      j_.options.network == Network::Infiniband || c_.rdma == Known::Yes;
    std::string detail = rdma ? "This launch has RDMA."
                              : "Does the cluster have RoCE or InfiniBand? Then this must go; on "
                                "plain Ethernet it is not needed.";
    Issue& issue =
        j_.add("ib-disabled", v.name_span, std::move(detail), remove_variable(j_.source, v));
    issue.confidence = rdma ? Confidence::Certain : Confidence::Possible;
    if (!rdma) issue.needs = {"the kind of network (--network ethernet, roce, infiniband)"};
  }

  Judge& j_;
  const Container& c_;
  Versions versions_;
};

}  // namespace

void judge_variables(Judge& judge) {
  for (const Group& g : judge.launch.groups) {
    for (const Container& c : g.containers) {
      VariableJudge one(judge, c);
      for (const EnvVar* v : variables_of(c)) one.judge(*v);
    }
  }
}

}  // namespace rankdx::lint
