// The table of problems. Facts: vLLM 0.6 to 0.26 (loaders, registry, environment), huggingface_hub
// to 1.28, the safetensors crate to 0.8, transformers 4.4x and 5.
#include "checkpoint/problems.h"

namespace rankdx {
namespace {

constexpr Severity kError = Severity::Error, kWarning = Severity::Warning, kInfo = Severity::Info;
constexpr Confidence kCertain = Confidence::Certain, kLikely = Confidence::Likely,
                     kPossible = Confidence::Possible;
constexpr std::string_view kFetchAgain =
    "Fetch the file again, with the tool that fetched the model, and compare size and hash.";
constexpr std::string_view kDownload = "hf download {repo} --local-dir {directory}";

}  // namespace

const std::vector<ProblemText>& problem_texts() {
  static const std::vector<ProblemText> table = {
      {"adapter-only-directory", kError, kCertain, Layer::Files,
       "The directory holds an adapter, not a model",
       "Only adapter_config.json and adapter weights are here; a server needs the base model.",
       "Serve the base model and name the adapter: --enable-lora --lora-modules NAME=DIRECTORY.",
       "vllm serve BASE_MODEL --enable-lora --lora-modules adapter={directory}"},
      {"cache-dir-not-writable", kWarning, kCertain, Layer::Files,
       "A cache directory cannot be written by this user",
       "{who} may not write {count} of the directories that vLLM and its libraries keep caches in.",
       "Point the variable at a writable volume, or set HOME to one.", ""},
      {"chat-template-missing", kWarning, kCertain, Layer::Files, "No chat template",
       "Neither chat_template.jinja nor a chat_template key is there: the server starts, but "
       "/v1/chat/completions is refused; /v1/completions works.",
       "Copy the file chat_template.jinja of the repository, or pass --chat-template FILE.", ""},
      {"config-without-architecture", kError, kLikely, Layer::Config,
       "config.json names no architecture",
       "Neither `architectures` nor `model_type` is set, so no model class can be chosen.",
       "Take config.json of the original repository, or pass --hf-overrides with the "
       "architecture.",
       ""},
      {"custom-code-from-other-repo", kWarning, kCertain, Layer::Files,
       "Code of another repository is needed",
       "`auto_map` points into another repository; a local directory does not hold that code, so "
       "it is fetched from the hub or its cache.",
       "Put the files into this directory and write `module.Class` without the repository, or "
       "fill the cache of the other repository.",
       ""},
      {"custom-code-missing", kError, kLikely, Layer::Files, "A file of custom code is missing",
       "`auto_map` names a Python module that is not in the directory, or one that is imports it. "
       "The start fails unless vLLM and transformers have this architecture built in.",
       "Copy the .py files of the repository (and those that they import).", std::string_view()},
      {"custom-code-needs-trust", kInfo, kCertain, Layer::Config,
       "The model brings code of its own",
       "`auto_map` names classes in this directory. Unless vLLM has this architecture built in, "
       "they are used only with --trust-remote-code.",
       "Read the code, then pass --trust-remote-code where the start asks for it.", ""},
      {"empty-model-file", kError, kCertain, Layer::Files, "A file is empty",
       "{count} file(s) have 0 bytes: the copy or download stopped, or the disk was full.",
       kFetchAgain, ""},
      {"error-page-instead-of-file", kError, kCertain, Layer::Files,
       "An error page was saved in place of a file",
       "{count} file(s) hold the answer of a web server (HTML, JSON or plain text), not the model.",
       "Fetch the file again with a valid token and the right address.", ""},
      {"fuse-mount-of-another-user", kError, kLikely, Layer::Files,
       "The file system is open to another user only",
       "The model lies on a FUSE mount without allow_other: the kernel keeps {who} out, root too, "
       "whatever the modes of the files say.",
       "Mount it with -o allow_other (user_allow_other in /etc/fuse.conf), or run as the user who "
       "mounted it.",
       ""},
      {"gguf-corrupt", kError, kCertain, Layer::Files, "A GGUF file does not begin as one",
       "The first four bytes are not GGUF.", kFetchAgain, ""},
      {"gguf-needs-file-path", kWarning, kLikely, Layer::Config,
       "GGUF weights are named by their file",
       "The directory has no weights but .gguf files; vLLM takes the path of the file, and the "
       "tokenizer of the original model.",
       "Pass the file itself and --tokenizer.",
       "vllm serve {directory}/{file} --tokenizer ORIGINAL_MODEL"},
      {"git-lfs-pointer-files", kError, kCertain, Layer::Files,
       "Files are Git LFS pointers, not their contents",
       "{count} file(s) hold the three lines of a pointer: the repository was cloned without Git "
       "LFS.",
       "Fetch the contents.", "git -C {directory} lfs pull"},
      {"hub-blob-missing", kError, kCertain, Layer::Files, "A link leads to nothing",
       "{count} file(s) are symbolic links whose target is not there: `snapshots` was copied "
       "without `blobs`, or blobs were removed.",
       "Copy the whole models--... folder, or copy with links followed.", "cp -rL SNAPSHOT TARGET"},
      {"hub-download-incomplete", kWarning, kCertain, Layer::Files, "A download has not finished",
       "{count} unfinished download(s) stand in the cache of the hub.",
       "Run the download again: it goes on where it stopped. What stays is left over and may be "
       "removed.",
       kDownload},
      {"hub-known-missing", kWarning, kCertain, Layer::Files,
       "The hub said that a needed file does not exist",
       "The cache has noted, for this revision, that the repository does not hold the file.",
       "Check the revision; remove the note in .no_exist if the repository has changed.", ""},
      {"hub-lock-left", kInfo, kPossible, Layer::Files, "A lock of a download stands alone",
       "{count} lock file(s) have no file and no part of one beside them: a download was stopped "
       "before its first byte, or the file was removed.",
       "Nothing, if all other checks are fine; else run the download again.", kDownload},
      {"hub-locks-not-writable", kWarning, kCertain, Layer::Files,
       "Locks of the cache cannot be written by this user",
       "{who} may not write where the hub library takes its locks: while it is online it does so "
       "even for files that are in the cache (Permission denied: '.../.locks/...').",
       "Set HF_HUB_OFFLINE=1, or pass the path of the snapshot in place of the repository.",
       "export HF_HUB_OFFLINE=1"},
      {"hub-metadata-stale", kInfo, kLikely, Layer::Files, "Files were changed after the download",
       "{count} file(s) are newer than the download's own record of them; its hashes do not count "
       "for these.",
       "Nothing, if they were edited on purpose.", ""},
      {"hub-snapshot-missing", kError, kCertain, Layer::Files,
       "The cache names a revision that it does not hold",
       "refs point to a commit, but there is no snapshot of it.",
       "Download that revision again, or copy the snapshots folder as well.", "hf download {repo}"},
      {"hub-snapshot-partial", kError, kCertain, Layer::Files,
       "The cached snapshot lacks files of the repository",
       "The list of the repository at this commit names {count} file(s) that are needed and not "
       "here; often only the configuration was fetched.",
       "Complete the download while there is a way out.", "hf download {repo}"},
      {"index-total-size-differs", kInfo, kCertain, Layer::Files,
       "The total size in the index is not that of the tensors",
       "The index says {said} bytes, the tensors have {seen}. vLLM does not use the number; tied "
       "weights and converted models often leave it wrong.",
       "Nothing, if all other checks are fine.", ""},
      {"json-file-broken", kError, kCertain, Layer::Files, "A JSON file cannot be read",
       "{count} file(s) are not valid JSON.", kFetchAgain, ""},
      {"mistral-set-incomplete", kError, kCertain, Layer::Files,
       "A half Mistral set hides a complete Hugging Face set",
       "vLLM 0.12 and later prefer consolidated*.safetensors where they are, and here they are "
       "not complete.",
       "Finish the download, delete the consolidated files, or choose the other set: "
       "--config-format hf --load-format hf --tokenizer-mode hf.",
       "vllm serve {directory} --config-format hf --load-format hf --tokenizer-mode hf"},
      {"mixed-model-formats", kInfo, kCertain, Layer::Files,
       "Two formats of the same weights stand side by side",
       "vLLM {version} reads the {chosen} set; the other files take space and are not read.",
       "Nothing; or remove the other set. The choice changed in vLLM 0.12.", ""},
      {"model-config-missing", kError, kCertain, Layer::Files, "No configuration of a model",
       "There is neither config.json nor, with consolidated weights, params.json.",
       "Copy config.json of the repository; check that the path is that of the model itself.", ""},
      {"model-file-hash-mismatch", kError, kCertain, Layer::Files,
       "A file is not what was published",
       "{count} file(s) have a hash other than the one the hub recorded: damaged or exchanged.",
       kFetchAgain, ""},
      {"model-file-size-mismatch", kError, kCertain, Layer::Files,
       "A file has not the size that was published",
       "{count} file(s) have a size other than the hub's list says.", kFetchAgain, ""},
      {"model-files-not-readable", kError, kCertain, Layer::Files,
       "Files cannot be read by this user", "{who} is kept out of {count} file(s) or directories.",
       "Give read permission to the group or to all, search permission on every directory above, "
       "or run with a group that has them (fsGroup, supplementalGroups).",
       "chmod -R a+rX {directory}"},
      {"model-on-root-squash-mount", kInfo, kPossible, Layer::Files,
       "root may be nobody on this file system",
       "The directory is on a network file system; where its server squashes root, uid 0 reads "
       "with "
       "the rights of everybody else only.",
       "Make the files readable for all, or run as their owner.", ""},
      {"model-path-missing", kError, kCertain, Layer::Files, "The model path does not exist",
       "There is no such directory here; vLLM would take the text for the name of a repository.",
       "Mount the volume at the same path in every pod, or correct the path.", ""},
      {"model-shard-missing", kError, kCertain, Layer::Files, "A shard of the weights is missing",
       "{count} file(s) that the index or the numbering names are not here. Before 0.26 vLLM "
       "starts all the same: it fails after loading, or, with quantised weights, answers nonsense.",
       "Fetch the missing files.", kDownload},
      {"model-weights-missing", kError, kCertain, Layer::Files, "There are no weights",
       "The directory has no weight file of any format that vLLM loads.",
       "Copy the weights as well; check the path.", kDownload},
      {"modelscope-enabled", kWarning, kCertain, Layer::Network,
       "ModelScope is asked in place of the Hugging Face hub",
       "VLLM_USE_MODELSCOPE is set; the offline switches of the hub do not hold for it.",
       "Unset VLLM_USE_MODELSCOPE.", "unset VLLM_USE_MODELSCOPE"},
      {"offline-model-not-cached", kError, kCertain, Layer::Files,
       "The repository is not in the cache",
       "{repo} is no directory, and the cache of the hub at {cache} does not hold it.",
       "Download it where there is a way out and copy the cache, or give the path of a directory.",
       "hf download {repo}"},
      {"offline-switch-missing", kInfo, kCertain, Layer::Config,
       "The hub would be asked for a repository",
       "The model is named by repository, and neither HF_HUB_OFFLINE nor TRANSFORMERS_OFFLINE is "
       "on: each start asks the hub for revisions, slowly where it cannot be reached.",
       "Set HF_HUB_OFFLINE=1, or pass the path of the snapshot.", "export HF_HUB_OFFLINE=1"},
      {"offline-switch-overruled", kWarning, kCertain, Layer::Config,
       "HF_HUB_OFFLINE=0 overrules TRANSFORMERS_OFFLINE=1",
       "The hub library takes the first of the two that is not empty: with HF_HUB_OFFLINE off it "
       "stays online.",
       "Unset HF_HUB_OFFLINE or set it to 1.", "export HF_HUB_OFFLINE=1"},
      {"pickle-file-truncated", kError, kCertain, Layer::Files, "A .bin or .pt file is cut",
       "The file begins as the archive that PyTorch writes, but has not its end.", kFetchAgain, ""},
      {"pickle-weights-only", kInfo, kCertain, Layer::Files, "The weights are in PyTorch's format",
       "There are no safetensors: integrity cannot be read from headers, loading is slower.",
       "Use the safetensors of the repository where it has them.", ""},
      {"pooling-config-missing", kWarning, kLikely, Layer::Files,
       "The pooling of an embedding model is not configured",
       "modules.json names a pooling layer whose config.json is not here: vLLM takes the default "
       "of "
       "the model class, and embeddings may differ from those of the original.",
       "Copy the folder of the repository, or pass --override-pooler-config.", kDownload},
      {"processor-config-missing", kError, kLikely, Layer::Files,
       "The processor of a multimodal model is missing",
       "config.json describes images, video or audio, but no processor configuration is here: the "
       "start fails when the engine profiles its inputs.",
       "Copy preprocessor_config.json and processor_config.json, or serve text only "
       "(--language-model-only from 0.16, --limit-mm-per-prompt with 0).",
       ""},
      {"quantization-config-missing", kError, kLikely, Layer::Files,
       "Quantised weights without their configuration",
       "The tensors are named as quantised ones, but neither config.json nor a file of its own "
       "says how.",
       "Copy the quantisation file of the repository (hf_quant_config.json, "
       "quantize_config.json or quant_config.json).",
       ""},
      {"quantization-dtype-mismatch", kWarning, kLikely, Layer::Files,
       "The weights are not in the format that the configuration says",
       "config.json says {method}, but no tensor has a type that it needs.",
       "Check that weights and config.json come from the same repository and revision.", ""},
      {"ray-usage-statistics-on", kInfo, kCertain, Layer::Network, "Ray reports usage statistics",
       "Where Ray starts the workers, it reports usage unless it is switched off.",
       "Set RAY_USAGE_STATS_ENABLED=0.", "export RAY_USAGE_STATS_ENABLED=0"},
      {"safetensors-bad-header-length", kError, kCertain, Layer::Files,
       "A weight file ends within its header",
       "The header would reach beyond the end of {count} file(s): only the beginning was copied.",
       kFetchAgain, ""},
      {"safetensors-bad-offsets", kError, kCertain, Layer::Files, "Tensors overlap or leave holes",
       "The offsets in the header do not follow one another in {count} file(s).",
       "The writer of the file was wrong: convert the model again, or fetch it again.", ""},
      {"safetensors-bad-tensor-size", kError, kCertain, Layer::Files,
       "A tensor has not the size of its shape",
       "Offsets, shape and type disagree in {count} file(s).",
       "The writer of the file was wrong: convert the model again, or fetch it again.", ""},
      {"safetensors-corrupt", kError, kCertain, Layer::Files, "A weight file is cut or too long",
       "The size of {count} file(s) is not what header and tensors add up to: an incomplete copy, "
       "a full disk, or two files in one.",
       kFetchAgain, ""},
      {"safetensors-header-invalid", kError, kCertain, Layer::Files,
       "The header of a weight file is not the JSON it should be",
       "{count} file(s) are damaged at their beginning, or hold a type of number that the format "
       "does not know.",
       kFetchAgain, ""},
      {"safetensors-header-not-utf8", kError, kCertain, Layer::Files,
       "The header of a weight file is not text", "The header of {count} file(s) is not UTF-8.",
       kFetchAgain, ""},
      {"safetensors-header-too-large", kError, kCertain, Layer::Files,
       "A weight file claims an impossible header",
       "The first eight bytes of {count} file(s) claim more than 100,000,000 bytes of header: this "
       "is another format, or damaged.",
       kFetchAgain, ""},
      {"safetensors-header-too-small", kError, kCertain, Layer::Files,
       "A weight file has fewer than eight bytes", "{count} file(s) end before their header.",
       kFetchAgain, ""},
      {"safetensors-misaligned", kError, kCertain, Layer::Files,
       "Elements of 4 or 6 bits do not fill whole bytes",
       "A tensor in {count} file(s) ends within a byte.",
       "The writer of the file was wrong: convert the model again.", ""},
      {"safetensors-needs-newer-reader", kInfo, kCertain, Layer::Files,
       "The weights use a type of number that older readers refuse",
       "The image needs safetensors {since} or later; older ones report an unknown variant.",
       "Check the version in the image: pip show safetensors.", "pip show safetensors"},
      {"safetensors-overflow", kError, kCertain, Layer::Files, "A tensor's shape is impossible",
       "The product of a shape does not fit 64 bits.",
       "The file is damaged or made to harm; fetch it from a trusted source.", ""},
      {"shard-count-mismatch", kError, kCertain, Layer::Files,
       "The numbers of the shards do not fit one set",
       "Names of the form -NNNNN-of-MMMMM disagree in their count: parts of two sets are mixed.",
       "Remove the files of the other set, or fetch the model into an empty directory.", ""},
      {"shard-not-in-index", kInfo, kCertain, Layer::Files,
       "A weight file is not named by the index", "{count} file(s) are not loaded.",
       "Nothing; or remove them.", ""},
      {"stray-weight-files", kWarning, kLikely, Layer::Files,
       "Without an index every weight file is loaded",
       "There is no index, so files that do not belong to the model are loaded with it.",
       "Remove the stray files, or add model.safetensors.index.json.", ""},
      {"tensor-in-several-files", kWarning, kCertain, Layer::Files,
       "A tensor stands in several files that are loaded",
       "{count} tensor(s) are there more than once; the file that is loaded last wins.",
       "Remove the files that do not belong to the set.", ""},
      {"tensor-not-in-index", kInfo, kCertain, Layer::Files, "Tensors are not in the index",
       "{count} tensor(s) stand in files but not in the index. vLLM loads files whole, so they are "
       "loaded.",
       "Nothing, if all other checks are fine.", ""},
      {"tensor-not-where-index-says", kError, kCertain, Layer::Files,
       "A tensor is not in the file that the index names",
       "Index and files do not belong together: {count} tensor(s) are elsewhere or nowhere.",
       "Fetch index and shards of the same revision.", kDownload},
      {"tiktoken-vocabulary-online", kWarning, kLikely, Layer::Network,
       "A vocabulary would be downloaded",
       "Models of the gpt-oss family fetch tiktoken vocabularies at start; the offline switches do "
       "not hold for that.",
       "Put o200k_base.tiktoken and cl100k_base.tiktoken into a directory of the image or volume "
       "and "
       "name it.",
       "export TIKTOKEN_ENCODINGS_BASE=/models/encodings"},
      {"tokenizer-config-missing", kWarning, kCertain, Layer::Files,
       "tokenizer_config.json is missing",
       "The class then follows from config.json, special tokens may be wrong, and a chat template "
       "kept there is missing.",
       "Copy tokenizer_config.json of the repository.", ""},
      {"tokenizer-file-broken", kError, kCertain, Layer::Files, "The tokenizer cannot be used",
       "{detail}", kFetchAgain, ""},
      {"tokenizer-files-missing", kError, kCertain, Layer::Files, "No tokenizer",
       "None of the alternatives is complete: {lacking}.",
       "Copy the tokenizer files of the repository, or pass --tokenizer.", ""},
      {"transformers-cache-elsewhere", kWarning, kLikely, Layer::Config,
       "TRANSFORMERS_CACHE points to another cache",
       "transformers 4 looks for configuration and tokenizer there, vLLM for weights in {cache}: "
       "one of the two finds nothing behind an air gap.",
       "Unset TRANSFORMERS_CACHE; HF_HOME or HF_HUB_CACHE say it for both.",
       "unset TRANSFORMERS_CACHE"},
      {"uid-without-passwd-entry", kWarning, kLikely, Layer::Container,
       "The user has no entry in /etc/passwd",
       "uid {uid} is unknown to the system here, and neither USER nor LOGNAME is set: what asks "
       "for the user's name or home fails (KeyError: getpwuid).",
       "Set HOME to a writable directory and USER to any name.", "export HOME=/tmp USER=vllm"},
      {"usage-statistics-on", kInfo, kCertain, Layer::Network, "vLLM reports usage statistics",
       "vLLM sends them to https://stats.vllm.ai from a thread of its own; errors are ignored, the "
       "offline switches do not hold for it.",
       "Set VLLM_NO_USAGE_STATS=1 or DO_NOT_TRACK=1.", "export VLLM_NO_USAGE_STATS=1"},
      {"weight-file-has-holes", kWarning, kPossible, Layer::Files, "A weight file has holes",
       "{count} file(s) have ranges that were never written and read as zeros: an interrupted copy "
       "leaves these, and so does a copy that skips zeros.",
       "Verify the hashes with --deep, or fetch the file again.",
       "rankdx model check {directory} --deep"},
      {"weight-file-zero-tail", kWarning, kPossible, Layer::Files, "A weight file ends in zeros",
       "The last 64 KiB of {count} file(s) are zero: an interrupted copy leaves that, rarely a "
       "tensor of zeros.",
       "Verify the hashes with --deep, or fetch the file again.",
       "rankdx model check {directory} --deep"},
      {"weight-index-broken", kError, kCertain, Layer::Files,
       "The index of the weights cannot be used", "It is not JSON with a `weight_map`.",
       kFetchAgain, ""},
  };
  return table;
}

}  // namespace rankdx
