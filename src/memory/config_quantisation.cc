// quantization_config in its dialects.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "memory/config_parts.h"

namespace rankdx {
namespace {

void add_kept(const Fields& part, Quantisation& q) {
  for (const auto* key : {"modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules",
                          "llm_int8_skip_modules", "exclude"}) {
    for (auto& module : part.texts(key)) {
      if (!module.empty()) q.kept.push_back(std::move(module));
    }
  }
}

bool names_fp8(const std::string& word) { return lower(word).find("fp8") != std::string::npos; }

/// The first group of compressed-tensors that speaks of weights; models that mix formats are rare.
void read_compressed_tensors(const Fields& part, Quantisation& q) {
  const Fields groups = part.object("config_groups");
  Fields weights;
  std::string format = part.text("format");
  for (const std::string& name : groups.keys()) {
    weights = groups.object(name).object("weights");
    if (!groups.object(name).text("format").empty()) format = groups.object(name).text("format");
    if (!weights.empty()) break;
  }
  q.bits = static_cast<int>(std::clamp<int64_t>(weights.integer_or({"num_bits"}, 8), 1, 32));
  q.group = weights.integer_or({"group_size"}, 0);
  q.zero_points = weights.boolean("symmetric") == false;
  const bool floats = weights.text("type") == "float" || format == "float-quantized";
  if (format.find("mxfp4") != std::string::npos || (floats && q.bits == 4 && q.group == 32)) {
    q.format = WeightFormat::Mxfp4;
  } else if (format.find("nvfp4") != std::string::npos || (floats && q.bits == 4)) {
    q.format = WeightFormat::Nvfp4;
  } else if (floats && q.bits == 8) {
    q.format = WeightFormat::Fp8;
    const auto block = weights.integers("block_structure");
    if (block.size() == 2) q.block_n = block[0], q.block_k = block[1];
  } else if (q.bits == 8 && q.group <= 0) {
    q.format = WeightFormat::Int8;
  } else {
    q.format = WeightFormat::Grouped;
  }
}

void read_modelopt(const std::string& algorithm, const Fields& part, Quantisation& q) {
  q.format =
      algorithm.find("nvfp4") != std::string::npos   ? WeightFormat::Nvfp4
      : algorithm.find("mxfp4") != std::string::npos ? WeightFormat::Mxfp4
      : algorithm.find("fp8") != std::string::npos   ? WeightFormat::Fp8
      : algorithm.find("w4a16") != std::string::npos || algorithm.find("int4") != std::string::npos
          ? WeightFormat::Grouped
          : WeightFormat::Unknown;
  q.bits = q.format == WeightFormat::Fp8 ? 8 : 4;
  q.group = part.integer_or({"group_size"}, q.format == WeightFormat::Grouped ? 128 : 16);
}

void read_grouped(const Fields& part, Quantisation& q, bool zero_points) {
  q.format = WeightFormat::Grouped;
  q.bits = static_cast<int>(
      std::clamp<int64_t>(part.integer_or({"bits", "w_bit", "weight_bits"}, 4), 1, 16));
  q.group = part.integer_or({"group_size", "q_group_size"}, 128);
  q.zero_points = part.boolean("zero_point").value_or(zero_points);
}

void read_method(const Fields& part, Quantisation& q) {
  const std::string m = replace_all(lower(q.method), "_", "-");
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), m) != names.end();
  };
  if (is({"fp8", "fbgemm-fp8", "ptpc-fp8", "deepspeedfp"})) {
    q.format = WeightFormat::Fp8;
    q.bits = 8;
    const auto block = part.integers("weight_block_size");
    if (block.size() == 2) q.block_n = block[0], q.block_k = block[1];
  } else if (is({"awq", "awq-marlin"})) {
    read_grouped(part, q, true);
  } else if (is({"gptq", "gptq-marlin", "moe-wna16", "auto-round", "intel/auto-round", "inc",
                 "autoround"})) {
    read_grouped(part, q, true);
  } else if (is({"compressed-tensors"})) {
    read_compressed_tensors(part, q);
  } else if (is({"mxfp4", "gpt-oss-mxfp4"})) {
    q.format = WeightFormat::Mxfp4;
    q.bits = 4;
    q.experts_only = true;
  } else if (is({"bitsandbytes"})) {
    const bool eight = part.boolean("load_in_8bit") == true;
    q.format = eight ? WeightFormat::Int8 : WeightFormat::Nf4;
    q.bits = eight ? 8 : 4;
  } else if (is({"experts-int8"})) {
    q.format = WeightFormat::Int8;
    q.bits = 8;
    q.experts_only = true;
  } else {
    q.format = WeightFormat::Unknown;
  }
}

}  // namespace

Quantisation quantisation_of(const Fields& root, const Fields& text) {
  Fields part;
  for (const Fields* from : {&root, &text}) {
    for (const auto* key : {"quantization_config", "compression_config", "quantization"}) {
      if (part.empty()) part = from->object(key);
    }
  }
  Quantisation q;
  if (part.empty()) return q;
  // hf_quant_config.json of ModelOpt nests the same fields once more.
  const Fields inner = part.object("quantization");
  if (!inner.empty()) part = part.completed_by(inner);
  q.method = part.text("quant_method");
  const std::string algorithm = lower(part.text("quant_algo"));
  if (!algorithm.empty()) {
    if (q.method.empty()) q.method = "modelopt";
    read_modelopt(algorithm, part, q);
  } else if (const std::string weight = part.text("qformat_weight"); !weight.empty()) {
    q.method = weight;  // Mistral's own format
    q.format =
        names_fp8(weight) || weight == "fp8_e4m3" ? WeightFormat::Fp8 : WeightFormat::Unknown;
    q.bits = 8;
  } else {
    if (q.method.empty() && part.has("config_groups")) q.method = "compressed-tensors";
    read_method(part, q);
  }
  q.group = std::clamp<int64_t>(q.group, -1, 1 << 20);
  q.fp8_cache = names_fp8(part.text("kv_cache_quant_algo")) ||
                part.object("kv_cache_scheme").integer_or({"num_bits"}, 16) == 8;
  add_kept(part, q);
  return q;
}

}  // namespace rankdx
