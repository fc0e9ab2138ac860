#include "memory/model_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "checkpoint/file_access.h"
#include "checkpoint/layout.h"
#include "checkpoint/weights.h"
#include "memory/known_models.h"

namespace rankdx {
namespace {

Result<std::string> file_text(const std::string& path) {
  return read_file(FileAccess(), path, Fields::kMostBytes);
}

/// Quantisation in a file of its own, as older tools write it.
Fields with_quantisation_file(const Fields& config, const std::string& directory) {
  if (config.has("quantization_config") || config.has("compression_config")) return config;
  const std::pair<const char*, const char*> files[] = {
      {"hf_quant_config.json", ""}, {"quantize_config.json", "gptq"}, {"quant_config.json", "awq"}};
  for (const auto& [name, method] : files) {
    const auto text = file_text(path_join(directory, name));
    const auto fields = Fields::parse(text ? *text : "", name);
    if (!fields || fields->empty()) continue;
    const Fields part = *method ? fields->with_text("quant_method", method) : *fields;
    return config.with_object("quantization_config", part);
  }
  return config;
}

/// What --quantization makes of a checkpoint that is not quantised itself.
void apply_quantization(const std::string& word, ModelConfig& config) {
  Quantisation& q = config.quantisation;
  if (word.empty() || q.format != WeightFormat::Plain) return;
  q.method = word;
  if (word == "fp8") {
    q.format = WeightFormat::Fp8, q.bits = 8;
  } else if (word == "bitsandbytes") {
    q.format = WeightFormat::Nf4, q.bits = 4;
  } else if (word.find("awq") != std::string::npos || word.find("gptq") != std::string::npos ||
             word == "moe_wna16") {
    q.format = WeightFormat::Grouped, q.bits = 4, q.group = 128, q.zero_points = true;
  } else if (word.find("fp4") != std::string::npos) {
    q.format = word.find("mxfp4") != std::string::npos ? WeightFormat::Mxfp4 : WeightFormat::Nvfp4,
    q.bits = 4;
  } else {
    q.format = WeightFormat::Unknown;
    config.lacking.push_back("a quantisation format this program knows (\"" + word + "\")");
  }
}

std::string format_words(const Quantisation& q) {
  switch (q.format) {
    case WeightFormat::Plain:
      return "16-bit weights";
    case WeightFormat::Fp8:
      return "8-bit floating-point weights";
    case WeightFormat::Int8:
      return "8-bit integer weights";
    case WeightFormat::Grouped:
      return fmt::format("{}-bit weights in groups of {}", q.bits, q.group);
    case WeightFormat::Nvfp4:
      return "NVFP4 weights";
    case WeightFormat::Mxfp4:
      return "MXFP4 weights";
    case WeightFormat::Nf4:
      return "NF4 weights";
    case WeightFormat::Unknown:
      return "weights of an unknown format";
  }
  return "";
}

WeightSource weights_from(const ModelConfig& config, const std::string& from) {
  WeightSource source;
  source.tensors = tensors_from_config(config);
  source.how = fmt::format("from the configuration ({}), not from files: {}{}", from,
                           format_words(config.quantisation),
                           config.vision.empty() ? "" : ", vision tower estimated");
  source.error =
      !config.vision.empty() ? "3 %"
      : config.quantisation.format == WeightFormat::Plain
          ? "1 %"
          : "2 %, more where "
            "the checkpoint keeps layers in 16 bits that the configuration does not name";
  return source;
}

/// Plain linear weights as --quantization will hold them; everything else as it stands in the file.
double loaded_bytes(const Tensor& t, const ModelConfig& config) {
  const Placement p = place(t.name, config);
  const bool linear = t.shape.size() >= 2 && (p.part == Part::Attention || p.part == Part::Mlp ||
                                              p.part == Part::Experts || p.part == Part::State);
  const bool plain = t.dtype == "BF16" || t.dtype == "F16" || t.dtype == "F32";
  if (!linear || !plain || p.split == Split::Whole) return t.bytes;
  double rows = 1;
  for (size_t i = 0; i + 1 < t.shape.size(); ++i) rows *= static_cast<double>(t.shape[i]);
  return linear_bytes(config.quantisation, rows, static_cast<double>(t.shape.back()),
                      config.dtype_bytes);
}

enum class WhileLoading : uint8_t { AsStored, Quantised };

/// The tensors of all headers; nothing when a file was refused or there are none.
std::optional<WeightSource> weights_from_headers(const std::string& directory,
                                                 const VllmVersion& version,
                                                 const ModelConfig& config, WhileLoading how) {
  LoaderVersion loader;
  loader.minor = version.minor, loader.patch = version.patch, loader.assumed = version.assumed;
  const auto weights = read_weights(FileAccess(), directory, loader);
  if (!weights || weights->files.empty()) return std::nullopt;
  WeightSource source;
  for (const WeightFile& file : weights->files) {
    if (!file.header) return std::nullopt;
    for (const HeaderTensor& h : file.header->tensors) {
      Tensor t{
          std::string(h.name), static_cast<double>(h.bytes()), 1, {}, std::string(h.dtype->name)};
      for (const uint64_t d : file.header->shape(h)) t.shape.push_back(static_cast<int64_t>(d));
      if (how == WhileLoading::Quantised) t.bytes = loaded_bytes(t, config);
      source.tensors.push_back(std::move(t));
    }
  }
  source.how = fmt::format("headers of {} safetensors file{} ({} tensors){}", weights->files.size(),
                           weights->files.size() == 1 ? "" : "s", source.tensors.size(),
                           how == WhileLoading::Quantised ? ", quantised while loading" : "");
  source.error = how == WhileLoading::Quantised ? "2 %" : "0.5 %, 5 % where kernels repack (MXFP4)";
  return source;
}

struct Completed {
  Fields fields;
  std::string note;
};

Result<Completed> completed(const Fields& given, const std::string& known) {
  if (!known.empty()) {
    const auto model = known_model(known);
    if (!model) {
      return fail(ErrorCode::Usage, "not among the known models", "--model " + known,
                  "give its config.json; rankdx model fit --list-models shows the known ones");
    }
    return Completed{
        given.completed_by(RANKDX_TRY(Fields::parse(model->config, model->name))),
        given.empty() ? "" : fmt::format("fields that are not given are those of {}", model->name)};
  }
  const bool nested = given.has("text_config");
  const Fields text = nested ? given.object("text_config") : given;
  const bool complete = text.has("vocab_size") &&
                        (text.has("intermediate_size") || text.has("moe_intermediate_size"));
  const auto model = complete ? std::nullopt : known_model_like(given);
  if (!model) return Completed{given, ""};
  const Fields more = RANKDX_TRY(Fields::parse(model->config, model->name));
  Fields merged = given.completed_by(more);
  if (nested && more.has("text_config")) {
    merged = merged.with_object("text_config", text.completed_by(more.object("text_config")));
  }
  return Completed{
      merged,
      fmt::format("the configuration is an excerpt of the shape of {}, whose values complete it",
                  model->name)};
}

Result<ModelSource> from_fields(const Fields& given, std::string_view place, ConfigKind kind,
                                const std::string& known, const std::string& quantization) {
  const Completed whole = RANKDX_TRY(completed(given, known));
  ModelSource source;
  source.config = RANKDX_TRY(model_config(whole.fields, kind, place));
  if (!whole.note.empty()) source.config.assumed.push_back(whole.note);
  apply_quantization(quantization, source.config);
  source.place = std::string(place);
  source.weights = weights_from(source.config, source.place);
  return source;
}

}  // namespace

Result<ModelSource> model_from_text(std::string_view json, std::string_view place,
                                    const std::string& known, const std::string& quantization) {
  return from_fields(RANKDX_TRY(Fields::parse(json, place)), place, ConfigKind::Detect, known,
                     quantization);
}

Result<ModelSource> open_model(const std::string& path, const std::string& known,
                               const std::string& quantization, const VllmVersion& version) {
  if (path.empty()) {
    ModelSource source =
        RANKDX_TRY(from_fields(Fields(), known, ConfigKind::HuggingFace, known, quantization));
    source.config.name = known;
    return source;
  }
  const FileAccess files;
  const auto entries = files.list(path);
  std::string file = path;
  if (entries) {
    LoaderVersion loader;
    loader.minor = version.minor, loader.patch = version.patch;
    const std::string name = choose_layout(*entries, loader).config_file;
    if (name.empty()) {
      return fail(ErrorCode::Unreadable, "no config.json and no params.json in it", path,
                  "name the model's directory, or the configuration file itself");
    }
    file = path_join(path, name);
  }
  const std::string text = RANKDX_TRY(file_text(file));
  const Fields fields = RANKDX_TRY(Fields::parse(text, file));
  const std::string_view name = std::string_view(file).substr(file.rfind('/') + 1);
  const ConfigKind kind = name == "params.json" ? ConfigKind::Mistral : ConfigKind::Detect;
  if (!entries) return from_fields(fields, file, kind, known, quantization);
  ModelSource source = RANKDX_TRY(
      from_fields(with_quantisation_file(fields, path), file, kind, known, quantization));
  const WhileLoading how = quantization.empty() || fields.has("quantization_config")
                               ? WhileLoading::AsStored
                               : WhileLoading::Quantised;
  if (auto weights = weights_from_headers(path, version, source.config, how)) {
    source.weights = std::move(*weights);
  } else {
    source.weights.how +=
        "; no complete set of readable safetensors in the directory (rankdx model check says why)";
  }
  return source;
}

}  // namespace rankdx
