#include "memory/gpus.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace rankdx {
namespace {

using enum GpuClass;

constexpr std::array kGpus = std::to_array<Gpu>({
    {"A10-24G", 22.06, Ampere, "derived"},
    {"A100-40G", 39.39, Ampere, "logged"},
    {"A100-80G", 79.15, Ampere, "logged"},
    {"A10G-24G", 22.06, Ampere, "logged"},
    {"A30-24G", 23.59, Ampere, "derived"},
    {"A40-48G", 44.42, Ampere, "logged"},
    {"A5000-24G", 23.55, Ampere, "logged"},
    {"A6000-48G", 47.43, Ampere, "logged"},
    {"B200-180G", 178.35, Blackwell, "logged"},
    {"B300-288G", 267.69, Blackwell, "derived"},
    {"GB10-128G", 119.70, BlackwellConsumer, "logged"},
    {"GB200-192G", 184.31, Blackwell, "derived"},
    {"GH200-96G", 94.50, Hopper, "derived"},
    {"H100-80G", 79.18, Hopper, "logged"},
    {"H100-94G", 93.11, Hopper, "logged"},
    {"H20-96G", 95.08, Hopper, "logged"},
    {"H200-141G", 139.81, Hopper, "logged"},
    {"L20-48G", 44.52, Ada, "derived"},
    {"L4-24G", 22.03, Ada, "logged"},
    {"L40-48G", 44.39, Ada, "derived"},
    {"L40S-48G", 44.40, Ada, "logged"},
    {"MI300X-192G", 191.98, Unknown, "logged"},
    {"MI325X-256G", 255.98, Unknown, "derived"},
    {"MI350X-288G", 287.98, Unknown, "derived"},
    {"RTX3060-12G", 11.76, Ampere, "derived"},
    {"RTX3080-10G", 9.65, Ampere, "derived"},
    {"RTX3090-24G", 23.58, Ampere, "logged"},
    {"RTX4060-8G", 8.00, Ada, "logged"},
    {"RTX4060TI-16G", 15.70, Ada, "derived"},
    {"RTX4070-12G", 11.72, Ada, "derived"},
    {"RTX4080-16G", 15.70, Ada, "derived"},
    {"RTX4090-24G", 23.52, Ada, "logged"},
    {"RTX4090-48G", 47.37, Ada, "derived"},
    {"RTX5060TI-16G", 15.48, BlackwellConsumer, "derived"},
    {"RTX5070TI-16G", 15.48, BlackwellConsumer, "derived"},
    {"RTX5080-16G", 15.48, BlackwellConsumer, "derived"},
    {"RTX5090-32G", 31.36, BlackwellConsumer, "logged"},
    {"RTX6000ADA-48G", 47.41, Ada, "derived"},
    {"RTXPRO5000-72G", 70.70, BlackwellConsumer, "derived"},
    {"RTXPRO6000-96G", 94.97, BlackwellConsumer, "logged"},
    {"T4-16G", 14.56, Unknown, "logged"},
    {"V100-16G", 15.77, Unknown, "logged"},
    {"V100-32G", 31.73, Unknown, "logged"},
});

/// "NVIDIA H100 80GB HBM3" as {"H100", 80}; the size is 0 where none is said.
struct Asked {
  std::string model;
  int size_gb = 0;
};

Asked asked_of(std::string_view text) {
  Asked asked;
  std::string word;
  const auto take = [&] {
    const bool count = word.size() > 1 && word.back() == 'X' &&
                       std::all_of(word.begin(), word.end() - 1, is_digit);
    std::string digits = word;
    while (!digits.empty() && !is_digit(digits.back())) digits.pop_back();
    const bool size = digits.size() < word.size() && !digits.empty() &&
                      std::all_of(digits.begin(), digits.end(), is_digit) &&
                      (word.substr(digits.size()) == "G" || word.substr(digits.size()) == "GB" ||
                       word.substr(digits.size()) == "GIB");
    for (const auto* noise : {"NVIDIA", "AMD", "GEFORCE", "TESLA", "HBM3", "HBM3E", "PCIE", "SXM",
                              "SXM4", "SXM5", "NVL", "INSTINCT", "LAPTOP", "GPU", "SERVER",
                              "EDITION", "BLACKWELL", "GENERATION", "WORKSTATION"}) {
      if (word == noise) word.clear();
    }
    if (size) {
      asked.size_gb = parse_int<int>(digits).value_or(0);
    } else if (!count) {
      asked.model += word;
    }
    word.clear();
  };
  for (const char c : text.substr(0, 200)) {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      word += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    } else {
      take();
    }
  }
  take();
  if (asked.model.rfind("RTXA", 0) == 0) asked.model.erase(0, 3);
  return asked;
}

}  // namespace

std::span<const Gpu> gpus() { return kGpus; }

std::optional<Gpu> gpu_named(std::string_view text) {
  const Asked asked = asked_of(text);
  std::optional<Gpu> best;
  for (const Gpu& gpu : kGpus) {
    const Asked row = asked_of(gpu.name);
    if (row.model != asked.model && "RTX" + asked.model != row.model) continue;
    if (asked.size_gb == row.size_gb) return gpu;
    // A size close to the table's is the same board named otherwise (B200: 180, 183 or 192 GB).
    if (asked.size_gb != 0 && std::abs(asked.size_gb - row.size_gb) * 10 > row.size_gb) continue;
    if (best && best->memory_gib < gpu.memory_gib) continue;
    best = gpu;
  }
  return best;
}

std::optional<double> memory_size_gib(std::string_view text) {
  text = trim(text);
  size_t end = 0;
  while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
  const auto number = parse_double(text.substr(0, end));
  if (!number || !(*number > 0)) return std::nullopt;
  const std::string unit = lower(trim(text.substr(end)));
  const std::pair<std::string_view, double> units[] = {{"", 1.0},
                                                       {"g", 1.0},
                                                       {"gi", 1.0},
                                                       {"gib", 1.0},
                                                       {"gb", 1e9 / 1073741824.0},
                                                       {"m", 1.0 / 1024},
                                                       {"mi", 1.0 / 1024},
                                                       {"mib", 1.0 / 1024},
                                                       {"mb", 1e6 / 1073741824.0},
                                                       {"t", 1024.0},
                                                       {"tib", 1024.0}};
  for (const auto& [name, factor] : units) {
    if (unit == name && *number * factor < 1e6) return *number * factor;
  }
  return std::nullopt;
}

}  // namespace rankdx
