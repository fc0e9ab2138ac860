#include "memory/fit_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "present/finding_json.h"
#include "present/markdown.h"
#include "present/safe_text.h"
#include "present/table.h"

namespace rankdx {
namespace {

OrderedJson rounded(const std::optional<double>& value, double digits = 10000) {
  return value ? OrderedJson(std::round(*value * digits) / digits) : OrderedJson(nullptr);
}

/// What is missing stands in the finding; the contract has no cache below nothing.
std::optional<double> not_negative(const std::optional<double>& value) {
  return value ? std::optional(std::max(*value, 0.0)) : value;
}

template <class Number>
OrderedJson number(const std::optional<Number>& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}

std::string gib(const std::optional<double>& value) {
  return value ? fmt::format("{:.2f} GiB", *value) : "unknown";
}

/// 1234567 as "1,234,567", as vLLM prints tokens.
std::string grouped(int64_t value) {
  std::string text = std::to_string(value);
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<size_t>(at), ",");
  return text;
}

struct Row {
  std::string name, value, how, error;
};

std::string basis_of(const FitReport& r, std::string_view name, std::string Basis::*field) {
  for (const Basis& b : r.basis) {
    if (b.number == name) return b.*field;
  }
  return "";
}

std::vector<Row> rows_of(const FitReport& r) {
  std::vector<Row> rows;
  const auto add = [&](std::string name, std::string value, std::string_view key) {
    rows.push_back({std::move(name), std::move(value), basis_of(r, key, &Basis::how),
                    basis_of(r, key, &Basis::error)});
  };
  add("weights", gib(r.weights_gib), "weights_gib");
  add("activations", gib(r.activations_gib), "activations_gib");
  add("other", gib(r.other_gib), "other_gib");
  add("KV cache", gib(r.kv_cache_gib), "kv_cache_gib");
  add("bytes per token", r.kv_bytes_per_token ? grouped(*r.kv_bytes_per_token) : "unknown",
      "kv_bytes_per_token");
  add("tokens", r.kv_tokens ? grouped(*r.kv_tokens) : "unknown", "kv_tokens");
  add("requests",
      r.max_concurrency
          ? fmt::format("{:.2f} of {} tokens", *r.max_concurrency, grouped(r.max_model_len))
          : "unknown",
      "");
  add("longest request", r.largest_max_model_len ? grouped(*r.largest_max_model_len) : "unknown",
      "");
  if (r.smallest_parallelism) {
    add("smallest",
        fmt::format("TP {} x PP {}", r.smallest_parallelism->tp, r.smallest_parallelism->pp), "");
  }
  return rows;
}

std::vector<std::vector<std::string>> sweep_rows(const FitReport& r) {
  std::vector<std::vector<std::string>> rows;
  for (const FitCell& c : r.sweep) {
    rows.push_back({std::to_string(c.tp), std::to_string(c.pp), grouped(c.length),
                    std::string(to_string(c.fits)), fmt::format("{:.2f}", c.weights_gib),
                    fmt::format("{:.2f}", c.kv_cache_gib), fmt::format("{:.2f}", c.concurrency)});
  }
  return rows;
}

const std::vector<std::string> kSweepHeader = {"TP",          "PP",     "max_model_len", "verdict",
                                               "weights GiB", "KV GiB", "requests"};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

OrderedJson sweep_json(const FitReport& r) {
  OrderedJson cells = OrderedJson::array();
  for (const FitCell& c : r.sweep) {
    cells.push_back({{"tp", c.tp},
                     {"pp", c.pp},
                     {"max_model_len", c.length},
                     {"verdict", to_string(c.fits)},
                     {"weights_gib", rounded(c.weights_gib)},
                     {"kv_cache_gib", rounded(c.kv_cache_gib)},
                     {"max_concurrency", rounded(c.concurrency, 100)}});
  }
  return cells;
}

}  // namespace

std::string fit_json(const FitReport& r) {
  OrderedJson json = {{"schema", "rankdx.fit/1"},
                      {"verdict", to_string(r.verdict)},
                      {"summary", r.summary},
                      {"findings", findings_to_json(r.findings)}};
  json["per_rank"] = {{"weights_gib", rounded(r.weights_gib)},
                      {"kv_cache_gib", rounded(not_negative(r.kv_cache_gib))},
                      {"activations_gib", rounded(r.activations_gib)},
                      {"other_gib", rounded(r.other_gib)},
                      {"kv_bytes_per_token", number(r.kv_bytes_per_token)},
                      {"kv_tokens", number(r.kv_tokens)},
                      {"kv_blocks", number(r.kv_blocks)},
                      {"block_size", number(r.block_size)}};
  json["per_rank"]["weight_parts_gib"] = OrderedJson::object();
  for (const auto& [part, size] : r.weight_parts_gib)
    json["per_rank"]["weight_parts_gib"][part] = rounded(size);
  json["largest_max_model_len"] = number(r.largest_max_model_len);
  json["max_concurrency"] = rounded(r.max_concurrency, 100);
  json["smallest_parallelism"] = nullptr;
  if (r.smallest_parallelism)
    json["smallest_parallelism"] = {{"tp", r.smallest_parallelism->tp},
                                    {"pp", r.smallest_parallelism->pp}};
  json["flags"] = r.flags;
  json["basis"] = OrderedJson::array();
  for (const Basis& b : r.basis)
    json["basis"].push_back({{"number", b.number}, {"how", b.how}, {"error", b.error}});
  json["request"] = {
      {"model", text_or_null(r.model)},
      {"gpu", text_or_null(r.gpu)},
      {"vllm", r.vllm},
      {"tp", r.tp},
      {"pp", r.pp},
      {"dp", r.dp},
      {"max_model_len", r.max_model_len > 0 ? OrderedJson(r.max_model_len) : OrderedJson(nullptr)}};
  if (!r.sweep.empty()) json["sweep"] = sweep_json(r);
  return dumped(json);
}

std::string fit_text(const FitReport& r, const TextStyle& style) {
  const Paint paint(style.colour);
  const Ink ink = r.verdict == Fits::Yes  ? Ink::Green
                  : r.verdict == Fits::No ? Ink::Red
                                          : Ink::Yellow;
  const std::string word = r.verdict == Fits::Yes  ? "FITS"
                           : r.verdict == Fits::No ? "DOES NOT FIT"
                                                   : "UNKNOWN";
  const auto width = static_cast<size_t>(std::max(style.width, 40));
  std::string out = paint(ink, word) + "  " + safe_text(r.summary) + "\n";
  out += fmt::format("{} with vLLM {}\n", safe_text(r.model.empty() ? "model" : r.model), r.vllm);
  for (const Finding& f : r.findings) out += "\n" + finding_text(f, style);
  Table table({"per rank", "", "error"});
  for (const Row& row : rows_of(r)) table.add({row.name, row.value, safe_text(row.error)});
  out += "\n" + table.text(width);
  if (!r.flags.empty()) out += "\nflags  " + safe_text(joined(r.flags)) + "\n";
  out += "\nhow each number was obtained\n";
  for (const Basis& b : r.basis) {
    const std::string name =
        "  " + b.number + std::string(b.number.size() < 18 ? 20 - b.number.size() : 2, ' ');
    out += name + wrapped(safe_text(b.how), width - 22, std::string(22, ' ')) + "\n";
  }
  if (r.sweep.empty()) return out;
  Table sweep(kSweepHeader);
  for (auto& row : sweep_rows(r)) sweep.add(std::move(row));
  return out + "\n" + sweep.text(width);
}

std::string fit_markdown(const FitReport& r) {
  std::string out = fmt::format("### {}\n", markdown_text(r.summary));
  for (const Finding& f : r.findings) out += "\n" + finding_markdown(f);
  out += "\n| per rank | value | how | error |\n|---|---|---|---|\n";
  for (const Row& row : rows_of(r)) {
    out += fmt::format("| {} | {} | {} | {} |\n", row.name, row.value, markdown_text(row.how),
                       markdown_text(row.error));
  }
  if (!r.flags.empty()) out += "\n" + markdown_block(joined(r.flags));
  if (r.sweep.empty()) return out;
  out +=
      "\n| " + fmt::format("{} |\n|---|---|---|---|---|---|---|\n", fmt::join(kSweepHeader, " | "));
  for (const auto& row : sweep_rows(r)) out += fmt::format("| {} |\n", fmt::join(row, " | "));
  return out;
}

}  // namespace rankdx
