#include "memory/model_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "memory/known_models.h"

namespace rankdx {
namespace {

namespace fs = std::filesystem;

Result<std::string> file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::Unreadable, "cannot be read", path.string());
  std::string text(Fields::kMostBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return text;
}

bool there_is(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// vLLM 0.12 and later prefer Mistral's format where both are there; before, Hugging Face's.
Result<fs::path> config_in(const fs::path& directory, const VllmVersion& version) {
  const fs::path hugging_face = directory / "config.json", mistral = directory / "params.json";
  bool consolidated = false;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    consolidated |=
        name.rfind("consolidated", 0) == 0 && entry.path().extension() == ".safetensors";
  }
  if (version.at_least(12) && consolidated && there_is(mistral)) return mistral;
  if (there_is(hugging_face)) return hugging_face;
  if (there_is(mistral)) return mistral;
  return fail(ErrorCode::Unreadable, "no config.json and no params.json in it", directory.string(),
              "name the model's directory, or the configuration file itself");
}

/// Quantisation in a file of its own, as older tools write it.
Fields with_quantisation_file(const Fields& config, const fs::path& directory) {
  if (config.has("quantization_config") || config.has("compression_config")) return config;
  const std::pair<const char*, const char*> files[] = {
      {"hf_quant_config.json", ""}, {"quantize_config.json", "gptq"}, {"quant_config.json", "awq"}};
  for (const auto& [name, method] : files) {
    const auto text =
        there_is(directory / name) ? file_text(directory / name) : Result<std::string>("");
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
  std::error_code error;
  const bool directory = fs::is_directory(path, error);
  const fs::path file = directory ? RANKDX_TRY(config_in(path, version)) : fs::path(path);
  const std::string text = RANKDX_TRY(file_text(file));
  const Fields fields = RANKDX_TRY(Fields::parse(text, file.string()));
  const ConfigKind kind =
      file.filename() == "params.json" ? ConfigKind::Mistral : ConfigKind::Detect;
  const Fields whole = directory ? with_quantisation_file(fields, path) : fields;
  return from_fields(whole, file.string(), kind, known, quantization);
}

}  // namespace rankdx
