#include "checkpoint/check_model.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "checkpoint/test_checks.h"

namespace rankdx {
namespace {

using namespace test;

struct Breakage {
  std::string what;
  std::function<void(const TestDir&)> break_it;
  std::string problems;  ///< all of them, "id file\n"
};

std::string cut(const std::string& text, size_t bytes) { return text.substr(0, bytes); }

const std::string kShard =
    safetensors_file({{"model.embed_tokens.weight", "BF16", {32, 16}, 1024}});

void write_first(const TestDir& d, const std::string& header, uint64_t data) {
  d.write(kFirst, safetensors_file(header, data));
}

TEST(ModelCheck, EveryWayToBeBroken) {
  const Breakage cases[] = {
      {"intact", [](const TestDir&) {}, ""},
      // Layout
      {"no config", [](const TestDir& d) { d.remove("config.json"); },
       "model-config-missing config.json\n"},
      {"no architecture", [](const TestDir& d) { d.write("config.json", "{}"); },
       "config-without-architecture config.json\n"},
      {"no weights",
       [](const TestDir& d) { d.remove(kFirst), d.remove(kSecond), d.remove(kIndex); },
       "model-weights-missing DIR\n"},
      {"an adapter",
       [](const TestDir& d) {
         for (const char* f : {kFirst, kSecond, kIndex, "config.json"}) d.remove(f);
         d.write("adapter_config.json", "{}");
         d.write("adapter_model.safetensors", kShard);
       },
       "adapter-only-directory adapter_config.json\n"},
      {"only GGUF",
       [](const TestDir& d) {
         d.remove(kFirst), d.remove(kSecond), d.remove(kIndex);
         d.write("model.gguf", "GGUF\3");
       },
       "gguf-needs-file-path model.gguf\n"},
      {"GGUF that is none",
       [](const TestDir& d) {
         d.remove(kFirst), d.remove(kSecond), d.remove(kIndex);
         d.write("model.gguf", "XXXX\3");
       },
       "gguf-corrupt model.gguf\ngguf-needs-file-path model.gguf\n"},
      {"two sets mixed",
       [](const TestDir& d) { d.write("model-00001-of-00003.safetensors", kShard); },
       "shard-count-mismatch model-*-of-00002.safetensors\n"},
      {"no index, stray adapter",
       [](const TestDir& d) {
         d.remove(kIndex);
         d.write("adapter_model.safetensors", safetensors_file({{"lora", "F32", {1}, 4}}));
       },
       "stray-weight-files adapter_model.safetensors\n"},
      {"half a Mistral set",
       [](const TestDir& d) {
         d.write("params.json", "{}");
         d.write("tekken.json", "{}");
         d.write("consolidated-00001-of-00002.safetensors", kShard);
       },
       "mistral-set-incomplete consolidated*.safetensors\n"
       "model-shard-missing consolidated-00002-of-00002.safetensors\n"},
      // Index
      {"missing shard", [](const TestDir& d) { d.remove(kSecond); },
       std::string("model-shard-missing ") + kSecond + "\n"},
      {"missing shard, no index", [](const TestDir& d) { d.remove(kSecond), d.remove(kIndex); },
       std::string("model-shard-missing ") + kSecond + "\n"},
      {"index only", [](const TestDir& d) { d.remove(kFirst), d.remove(kSecond); },
       std::string("model-shard-missing ") + kFirst + "\n"},
      {"broken index", [](const TestDir& d) { d.write(kIndex, "{\"weight_map\": {\"a\": 1}}"); },
       std::string("weight-index-broken ") + kIndex + "\n"},
      {"index without map", [](const TestDir& d) { d.write(kIndex, "{}"); },
       std::string("weight-index-broken ") + kIndex + "\n"},
      {"tensor elsewhere",
       [](const TestDir& d) {
         d.write(kIndex, R"({"weight_map": {"model.embed_tokens.weight":
 "model-00002-of-00002.safetensors", "model.norm.weight": "model-00002-of-00002.safetensors",
 "lm_head.weight": "model-00001-of-00002.safetensors"}})");
       },
       std::string("tensor-not-where-index-says ") + kSecond + "\n"},
      {"key repeated, the last counts",
       [](const TestDir& d) {
         d.write(kIndex, R"({"weight_map": {"lm_head.weight": "model-00001-of-00002.safetensors",
 "model.embed_tokens.weight": "model-00001-of-00002.safetensors",
 "model.norm.weight": "model-00002-of-00002.safetensors",
 "lm_head.weight": "model-00002-of-00002.safetensors"}})");
       },
       ""},
      {"tensor nowhere",
       [](const TestDir& d) {
         d.write(kFirst, safetensors_file({{"other", "BF16", {32, 16}, 1024}}));
       },
       std::string("tensor-not-where-index-says ") + kFirst + "\n"},
      {"tensor twice",
       [](const TestDir& d) {
         d.write(kFirst, safetensors_file({{"model.embed_tokens.weight", "BF16", {32, 16}, 1024},
                                           {"model.norm.weight", "BF16", {16}, 32}}));
       },
       std::string("tensor-in-several-files ") + kFirst + "\n"},
      // Headers
      {"7 bytes", [](const TestDir& d) { d.write(kFirst, "1234567"); },
       std::string("safetensors-header-too-small ") + kFirst + "\n"},
      {"2^63 bytes of header",
       [](const TestDir& d) { d.write(kFirst, test::length_field(uint64_t{1} << 63) + "{}"); },
       std::string("safetensors-header-too-large ") + kFirst + "\n"},
      {"cut in the header", [](const TestDir& d) { d.write(kFirst, cut(kShard, 40)); },
       std::string("safetensors-bad-header-length ") + kFirst + "\n"},
      {"cut in the data", [](const TestDir& d) { d.write(kFirst, cut(kShard, kShard.size() - 9)); },
       std::string("safetensors-corrupt ") + kFirst + "\n"},
      {"too long", [](const TestDir& d) { d.write(kFirst, kShard + "x"); },
       std::string("safetensors-corrupt ") + kFirst + "\n"},
      {"not UTF-8", [](const TestDir& d) { write_first(d, "{\"\xFF\":1}", 0); },
       std::string("safetensors-header-not-utf8 ") + kFirst + "\n"},
      {"not JSON", [](const TestDir& d) { write_first(d, "{'a':1}", 0); },
       std::string("safetensors-header-invalid ") + kFirst + "\n"},
      {"hole between tensors",
       [](const TestDir& d) {
         write_first(d, R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2);
       },
       std::string("safetensors-bad-offsets ") + kFirst + "\n"},
      {"wrong size",
       [](const TestDir& d) {
         write_first(d, R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}})", 2);
       },
       std::string("safetensors-bad-tensor-size ") + kFirst + "\n"},
      {"overflow",
       [](const TestDir& d) {
         write_first(
             d, R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,2]}})", 2);
       },
       std::string("safetensors-overflow ") + kFirst + "\n"},
      {"half a byte",
       [](const TestDir& d) {
         write_first(d, R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", 1);
       },
       std::string("safetensors-misaligned ") + kFirst + "\n"},
      {"holes on disk",
       [](const TestDir& d) {
         d.write_sparse(
             kFirst, header_of({{"model.embed_tokens.weight", "U8", {1 << 24}, 1 << 24}}), 1 << 24);
       },
       std::string("weight-file-has-holes ") + kFirst + "\n"},
      {"zeros at the end",
       [](const TestDir& d) {
         const std::string header =
             header_of({{"model.embed_tokens.weight", "U8", {200000}, 200000}});
         d.write(kFirst, test::length_field(header.size()) + header + std::string(100000, 'x') +
                             std::string(100000, '\0'));
       },
       std::string("weight-file-zero-tail ") + kFirst + "\n"},
      // Fakes
      {"pointer in place of weights",
       [](const TestDir& d) {
         d.write(kFirst, "version https://git-lfs.github.com/spec/v1\noid sha256:" + kSha +
                             "\nsize 4976698672\n");
       },
       std::string("git-lfs-pointer-files ") + kFirst + "\n"},
      {"pointer in place of the tokenizer",
       [](const TestDir& d) {
         d.write("tokenizer.json", "version https://git-lfs.github.com/spec/v1\noid sha256:" +
                                       kSha + "\nsize 17209920\n");
       },
       "git-lfs-pointer-files tokenizer.json\n"},
      {"error page", [](const TestDir& d) { d.write(kSecond, "<!DOCTYPE html><html>404</html>"); },
       std::string("error-page-instead-of-file ") + kSecond + "\n"},
      {"JSON error page",
       [](const TestDir& d) { d.write("config.json", "{\"error\":\"Invalid token\"}"); },
       "error-page-instead-of-file config.json\n"},
      {"plain error", [](const TestDir& d) { d.write("tokenizer_config.json", "Entry not found"); },
       "error-page-instead-of-file tokenizer_config.json\nchat-template-missing "
       "chat_template.jinja\n"},
      {"empty shard", [](const TestDir& d) { d.write(kFirst, ""); },
       std::string("empty-model-file ") + kFirst + "\n"},
      {"empty config", [](const TestDir& d) { d.write("config.json", ""); },
       "empty-model-file config.json\n"},
      {"broken config", [](const TestDir& d) { d.write("config.json", "{\n \"a\": 1,\n}"); },
       "json-file-broken config.json\n"},
      {"dangling link",
       [](const TestDir& d) {
         d.remove(kFirst);
         d.link("../../blobs/" + kSha, kFirst);
       },
       std::string("hub-blob-missing ") + kFirst + "\n"},
      // Tokenizer and template
      {"no tokenizer", [](const TestDir& d) { d.remove("tokenizer.json"); },
       "tokenizer-files-missing tokenizer.json\n"},
      {"merges without vocabulary",
       [](const TestDir& d) {
         d.remove("tokenizer.json");
         d.write("merges.txt", "a b\n");
       },
       "tokenizer-files-missing tokenizer.json\n"},
      {"broken tokenizer", [](const TestDir& d) { d.write("tokenizer.json", "{\"model\":"); },
       "tokenizer-file-broken tokenizer.json\n"},
      {"tokenizer without model", [](const TestDir& d) { d.write("tokenizer.json", "{\"a\": 1}"); },
       "tokenizer-file-broken tokenizer.json\n"},
      {"no tokenizer_config", [](const TestDir& d) { d.remove("tokenizer_config.json"); },
       "tokenizer-config-missing tokenizer_config.json\nchat-template-missing "
       "chat_template.jinja\n"},
      {"no template", [](const TestDir& d) { d.write("tokenizer_config.json", "{}"); },
       "chat-template-missing chat_template.jinja\n"},
      // What a class of models needs
      {"no processor",
       [](const TestDir& d) {
         d.write("config.json", R"({"architectures": ["A"], "vision_config": {}})");
       },
       "processor-config-missing preprocessor_config.json\n"},
      {"an import of custom code missing",
       [](const TestDir& d) {
         d.write("config.json",
                 R"({"architectures": ["A"], "auto_map": {"AutoModel": "modeling_a.A"}})");
         d.write("modeling_a.py", "import torch\nfrom .parts_a import (\n    B)\n");
         d.write("parts_a.py",
                 "    from .missing_a import C\nfrom ..up import D\nfrom . import x\n");
       },
       "custom-code-missing missing_a.py\n"},
      {"pooling without its configuration",
       [](const TestDir& d) {
         d.write("tokenizer_config.json", "{}");  // no template: not needed
         d.write("modules.json",
                 R"([{"path": "", "type": "sentence_transformers.models.Transformer"},
 {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
       },
       "pooling-config-missing 1_Pooling/config.json\n"},
      {"custom code missing",
       [](const TestDir& d) {
         d.write("config.json",
                 R"({"architectures": ["A"], "auto_map": {"AutoModel": "modeling_a.A"}})");
       },
       "custom-code-missing modeling_a.py\n"},
      {"custom code missing that transformers has built in",
       [](const TestDir& d) {
         d.write("config.json", R"({"architectures": ["DeepseekV3ForCausalLM"],
 "model_type": "deepseek_v3", "auto_map": {"AutoConfig": "configuration_deepseek.C"}})");
       },
       "custom-code-missing configuration_deepseek.py\n"},
      {"code of another repository",
       [](const TestDir& d) {
         d.write("config.json",
                 R"({"architectures": ["A"], "auto_map": {"AutoModel": "o/r--modeling_a.A"}})");
       },
       "custom-code-from-other-repo config.json\n"},
      {"says fp8, is BF16",
       [](const TestDir& d) {
         d.write("config.json",
                 R"({"architectures": ["A"], "quantization_config": {"quant_method": "fp8"}})");
       },
       "quantization-dtype-mismatch config.json\n"},
      {"quantised without configuration",
       [](const TestDir& d) {
         d.remove(kIndex), d.remove(kFirst), d.remove(kSecond);
         d.write("model.safetensors", safetensors_file({{"a.qweight", "I32", {4}, 16}}));
       },
       "quantization-config-missing config.json\n"},
      {"cut archive",
       [](const TestDir& d) {
         d.remove(kIndex), d.remove(kFirst), d.remove(kSecond);
         d.write("pytorch_model.bin", std::string("PK\x03\x04") + std::string(500, 'x'));
       },
       "pickle-file-truncated pytorch_model.bin\n"},
      // A --local-dir download
      {"unfinished download",
       [](const TestDir& d) { d.write(".cache/huggingface/download/abc.0123.incomplete", "x"); },
       "hub-download-incomplete .cache/huggingface/download/abc.0123.incomplete\n"},
      {"tree with another size",
       [](const TestDir& d) {
         d.write(".cache/huggingface/download/config.json.metadata", kCommit + "\n\n9e9\n");
         d.write(".cache/huggingface/trees/" + kCommit + ".json",
                 R"({"format_version":1,"files":{"tokenizer.json":{"size":17}}})");
       },
       "model-file-size-mismatch tokenizer.json\n"},
      {"tree with more files",
       [](const TestDir& d) {
         d.write(".cache/huggingface/download/config.json.metadata", kCommit + "\n\n9e9\n");
         d.write(".cache/huggingface/trees/" + kCommit + ".json",
                 R"({"format_version":1,"files":{"processor_config.json":{"size":17},"README.md":{},
 "tokenizer.model":{},"vocab.json":{},"chat_template.jinja":{},"configuration_a.py":{}}})");
       },
       "hub-snapshot-partial processor_config.json\n"},
      {"tree with the tokenizer that is not here",
       [](const TestDir& d) {
         d.remove("tokenizer.json");
         d.write(".cache/huggingface/download/config.json.metadata", kCommit + "\n\n9e9\n");
         d.write(".cache/huggingface/trees/" + kCommit + ".json",
                 R"({"format_version":1,"files":{"tokenizer.json":{"size":17}}})");
       },
       "tokenizer-files-missing tokenizer.json\nhub-snapshot-partial tokenizer.json\n"},
  };
  for (const Breakage& c : cases) {
    const TestDir dir;
    write_hf_model(dir);
    c.break_it(dir);
    const CheckReport report = checked(quiet(dir.path()));
    std::string expected = c.problems;
    if (const size_t i = expected.find("DIR"); i != std::string::npos)
      expected.replace(i, 3, dir.path());
    EXPECT_EQ(problems_of(report), expected) << c.what;
    for (const Finding& f : report.findings) EXPECT_FALSE(f.fix.at(0).text.empty()) << f.id;
    const bool failed = std::any_of(report.findings.begin(), report.findings.end(),
                                    [](auto& f) { return f.severity == Severity::Error; });
    EXPECT_EQ(report.verdict == CheckStatus::Failed, failed) << c.what;
  }
}

/// The checks of files by role, "id: value".
std::string roles_of(const CheckReport& report) {
  std::string text;
  for (const CheckResult& c : report.checks)
    if (c.id.starts_with("files-")) text += c.id + ": " + c.value + "\n";
  return text;
}

TEST(ModelCheck, RolesOfFiles) {
  const TestDir dir;
  write_hf_model(dir);
  for (const char* name : {"README.md", "tokenizer.model", "pytorch_model.bin", "params.json"})
    dir.write(name, "{}");
  dir.write("chat_template.jinja", "{{ messages }}");
  dir.write("preprocessor_config.json", "{}");
  EXPECT_EQ(roles_of(checked(quiet(dir.path()))),
            "files-required: 2 weight file(s), config.json, tokenizer.json\n"
            "files-for-chat: chat_template.jinja\n"
            "files-for-this-class: preprocessor_config.json\n"
            "files-optional: generation_config.json, model.safetensors.index.json, "
            "tokenizer.model, tokenizer_config.json\n"
            "files-not-read: README.md, params.json, pytorch_model.bin\n");
  dir.write("consolidated.safetensors", kShard);
  dir.write("tekken.json", "{}");
  EXPECT_EQ(roles_of(checked(quiet(dir.path()))).substr(0, 63),
            "files-required: 1 weight file(s), params.json, tekken.json\nfile");
}

TEST(ModelCheck, OptionalFilesAreOptional) {
  const TestDir dir;
  write_hf_model(dir);
  dir.remove("generation_config.json");  // and there never was a special_tokens_map.json
  EXPECT_EQ(problems_of(checked(quiet(dir.path()))), "");
  EXPECT_EQ(checked(quiet(dir.path())).verdict, CheckStatus::Ok);
}

TEST(ModelCheck, DetailsOfEvidence) {
  const TestDir dir;
  write_hf_model(dir);
  dir.write("config.json", "{\n  \"a\": 1,\n}");
  dir.write(kFirst, cut(kShard, kShard.size() - 24));
  dir.write(kSecond, "version https://git-lfs.github.com/spec/v1\noid sha256:" + kSha +
                         "\nsize 4976698672\n");
  const CheckReport report = checked(quiet(dir.path()));
  const Finding* json = finding(report, "json-file-broken");
  ASSERT_NE(json, nullptr);
  EXPECT_EQ(json->evidence[0].line, 3u);
  EXPECT_EQ(json->evidence[0].column, 1u);
  const Finding* cut_file = finding(report, "safetensors-corrupt");
  ASSERT_NE(cut_file, nullptr);
  EXPECT_EQ(cut_file->evidence[0].text,
            "incomplete metadata, file not fully covered: 1,128 bytes, where 1,152 are expected "
            "(24 too few)");
  const Finding* pointer = finding(report, "git-lfs-pointer-files");
  ASSERT_NE(pointer, nullptr);
  EXPECT_EQ(pointer->evidence[0].text, "a Git LFS pointer for 4976698672 bytes, sha256 " + kSha);
}

TEST(ModelCheck, NotesOfTheIndex) {
  const TestDir dir;
  write_hf_model(dir);
  dir.write(kIndex, R"({"metadata": {"total_size": 9},
 "weight_map": {"model.embed_tokens.weight": "model-00001-of-00002.safetensors"}})");
  EXPECT_EQ(notes_of(checked(quiet(dir.path()))), "shard-not-in-index index-total-size-differs ");
  dir.write(kIndex, R"({"metadata": {"total_size": 2080},
 "weight_map": {"model.embed_tokens.weight": "model-00001-of-00002.safetensors",
 "lm_head.weight": "model-00002-of-00002.safetensors"}})");
  EXPECT_EQ(notes_of(checked(quiet(dir.path()))), "tensor-not-in-index ");
}

TEST(ModelCheck, MistralSetByVersion) {
  const TestDir dir;
  write_hf_model(dir);
  dir.write("params.json", "{}");
  dir.write("tekken.json", "{}");
  dir.write("consolidated.safetensors", kShard);
  ModelCheckOptions o = quiet(dir.path());
  EXPECT_EQ(problems_of(checked(o)) + notes_of(checked(o)), "mixed-model-formats ");
  dir.write("consolidated.safetensors", cut(kShard, 100));
  EXPECT_EQ(problems_of(checked(o)),
            "mistral-set-incomplete consolidated*.safetensors\nsafetensors-bad-header-length "
            "consolidated.safetensors\n");
  o.version = *LoaderVersion::parse("0.11.0");  // reads the other set
  EXPECT_EQ(problems_of(checked(o)), "");
}

TEST(ModelCheck, PathThatIsNone) {
  const TestDir dir;
  EXPECT_EQ(problems_of(checked(quiet(dir.at("absent")))),
            "model-path-missing " + dir.at("absent") + "\n");
  dir.write("file", "x");
  EXPECT_EQ(problems_of(checked(quiet(dir.at("file")))),
            "model-path-missing " + dir.at("file") + "\n");
  EXPECT_FALSE(check_model(ModelCheckOptions{}));
}

/// Opens are slow until eight of them are under way at once.
class PatientFiles : public FileAccess {
 public:
  Result<std::unique_ptr<OpenFile>> open(const std::string& path) const override {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    if (waiting_ >= 8) together_ = true;
    arrived_.notify_all();
    arrived_.wait_for(lock, std::chrono::milliseconds(50), [this] { return together_; });
    --waiting_;
    return FileAccess::open(path);
  }
  bool together() const { return together_; }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  mutable size_t waiting_ = 0;
  mutable bool together_ = false;
};

TEST(ModelCheck, SlowOpensAreDoneTogether) {
  const TestDir dir;
  write_hf_model(dir);
  const PatientFiles files;
  ModelCheckOptions o = quiet(dir.path());
  for (int i = 0; i < 200; ++i)
    dir.write("extra-" + std::to_string(i) + ".safetensors",
              safetensors_file({{"t" + std::to_string(i), "F32", {1}, 4}}));
  o.files = &files;
  EXPECT_EQ(problems_of(checked(o)), "");
  EXPECT_TRUE(files.together());
}

TEST(ModelCheck, DeepDisprovesTheHint) {
  const TestDir dir;
  write_hf_model(dir);
  dir.write_sparse(kFirst, header_of({{"model.embed_tokens.weight", "U8", {1 << 20}, 1 << 20}}),
                   1 << 20);
  const FileAccess files;
  std::atomic<uint64_t> done{0};
  const std::atomic<bool> stop{false};
  const std::string hash = *hash_file(**files.open(dir.at(kFirst)), HashKind::Sha256, done, stop);
  const std::string metadata = ".cache/huggingface/download/" + std::string(kFirst) + ".metadata";
  dir.write(metadata, kCommit + "\n" + hash + "\n9e9\n");
  ModelCheckOptions o = quiet(dir.path());
  EXPECT_EQ(problems_of(checked(o)), std::string("weight-file-has-holes ") + kFirst + "\n");
  o.hashes = Hashes::Verify;
  EXPECT_EQ(problems_of(checked(o)), "");
  dir.write(metadata, kCommit + "\n" + kSha + "\n9e9\n");
  EXPECT_EQ(problems_of(checked(o)), std::string("model-file-hash-mismatch ") + kFirst +
                                         "\nweight-file-has-holes " + kFirst + "\n");
  dir.write(metadata, kCommit + "\n" + kSha + "\n1000\n");  // the file is newer: no proof
  EXPECT_NE(finding(checked(o), "hub-metadata-stale"), nullptr);
  EXPECT_EQ(finding(checked(o), "model-file-hash-mismatch"), nullptr);
}

TEST(ModelCheck, DeepWithoutARecordIsUnknown) {
  const TestDir dir;
  write_hf_model(dir);
  ModelCheckOptions o = quiet(dir.path());
  o.hashes = Hashes::Verify;
  const CheckReport report = checked(o);
  const auto it = std::find_if(report.checks.begin(), report.checks.end(),
                               [](const CheckResult& c) { return c.id == "hashes"; });
  ASSERT_NE(it, report.checks.end());
  EXPECT_EQ(it->status, CheckStatus::Unknown);
}

}  // namespace
}  // namespace rankdx
